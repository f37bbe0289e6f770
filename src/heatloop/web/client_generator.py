"""Writes the Python client from the API document: `python -m heatloop.web.client_generator DIR`.

Two files come out, the same for the same document: `models.py` (a TypedDict a schema) and
`operations.py` (a method an operation). What a person writes, such as signing in, stands in
`clients/python/src/heatloop_client/client.py`.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heatloop.web.client_types import class_name, python_name, python_type
from heatloop.web.factory import API, bare_app

FOLDER = Path("clients/python/src/heatloop_client")
_HEAD = '''"""{title}

Made by `python -m heatloop.web.client_generator` from the API document: do not edit.
"""

from __future__ import annotations
'''
_EVENTS = "text/event-stream"
_WIDTH = 96

Document = Mapping[str, Any]


def files(document: Document) -> dict[str, str]:
    """Return the text of every generated file by its name.

    Args:
        document: The OpenAPI document.
    """
    return {"models.py": models(document), "operations.py": operations(document)}


def models(document: Document) -> str:
    """Return the module of the schemas."""
    schemas = document.get("components", {}).get("schemas", {})
    parts = [
        _HEAD.format(title="What the API sends and takes, as typed dictionaries."),
        "from typing import Any, Literal, NotRequired, TypedDict\n",
    ]
    parts += ["\n\n" + _model(name, schemas[name]) for name in sorted(schemas)]
    return "".join(parts)


def _model(name: str, schema: Mapping[str, Any]) -> str:
    words = _sentence(schema.get("description", "")) or f"{name}."
    own = class_name(name)
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{own} = {python_type(schema, quoted=True)}\n"
    needed = set(schema.get("required", ()))
    rows = []
    for field, found in schema["properties"].items():
        kind = python_type(found)
        # A default the server puts in is always there in answers, but need not be sent.
        rows.append((field, kind if field in needed else f"NotRequired[{kind}]", found))
    if any(not field.isidentifier() or keyword.iskeyword(field) for field, _, _ in rows):
        inner = ", ".join(f"{field!r}: {kind!r}" for field, kind, _ in rows)
        return f"{own} = TypedDict({own!r}, {{{inner}}})\n"
    out = [f"class {own}(TypedDict):", f'    """{words}"""', ""]
    for field, kind, found in rows:
        out.append(f"    {field}: {kind}")
        note = _sentence(found.get("description", ""))
        if note:
            out.append(f'    """{note}"""')
    if not rows:
        out.append("    pass")
    return "\n".join(out) + "\n"


def operations(document: Document) -> str:
    """Return the module of the operations."""
    methods = [text for _, text in sorted(_methods(document))]
    body = "\n".join(methods)
    return (
        _HEAD.format(title="Every operation of the API as a method.")
        + "from collections.abc import Iterator\nfrom datetime import date, datetime\n"
        + "from typing import Any, Literal, cast\n\n"
        + "from heatloop_client import models as m\n"
        + "from heatloop_client.stream import Event\n"
        + "from heatloop_client.transport import Transport, Upload\n\n\n"
        + "class Operations(Transport):\n"
        + '    """Methods named as in the API document, one an operation."""\n\n'
        + body
    )


def _methods(document: Document) -> Iterator[tuple[str, str]]:
    for path, ways in document["paths"].items():
        for method, operation in ways.items():
            yield operation["operationId"], _method(path, method, operation, *_answer(operation))


def _answer(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Return (kind, type) of what an operation gives."""
    for status, found in operation["responses"].items():
        if not status.startswith("2"):
            continue
        content = found.get("content", {})
        if _EVENTS in content:
            return "events", "Iterator[Event]"
        if "application/json" in content and len(content) == 1:
            return "json", python_type(content["application/json"].get("schema", {}), prefix="m.")
        if content:
            return "bytes", "bytes"
    return "none", "None"


def _method(path: str, method: str, operation: Mapping[str, Any], answer: str, kind: str) -> str:
    name = operation["operationId"]
    placed, named = [], []
    queries: list[str] = []
    for parameter in operation.get("parameters", ()):
        own = python_name(parameter["name"])
        found = python_type(parameter.get("schema", {}), prefix="m.", times=True)
        if parameter["in"] == "path":
            placed.append(f"{own}: {found}")
            continue
        if parameter["in"] != "query":
            continue
        queries.append(f"{parameter['name']!r}: {own}")
        if parameter.get("required"):
            named.append(f"{own}: {found}")
        else:
            named.append(
                f"{own}: {found if found.endswith('| None') else found + ' | None'} = None"
            )
    named.sort(key=lambda text: "= None" in text)
    body, sent = _body(operation)
    if body:
        named.insert(0, body)
    arguments = ["self", *placed, *(["*", *named] if named else [])]
    where = re.sub(r"\{(\w+)\}", lambda m: "{self.quoted(" + python_name(m[1]) + ")}", path)
    call = [repr(method.upper()), ("f" if where != path else "") + repr(where)]
    if queries:
        call.append(f"query={{{', '.join(queries)}}}")
    if sent:
        call.append(sent)
    verb = {"json": "self.ask", "bytes": "self.fetch", "none": "self.do", "events": "self.listen"}[
        answer
    ]
    made = f"{verb}({', '.join(call)})"
    returned = made if answer != "json" else f'cast("{kind}", {made})'
    words = _sentence(operation.get("summary", name))
    return "\n".join(
        [
            *_wrapped(f"    def {name}(", arguments, f") -> {kind}:"),
            f'        """{words}."""',
            f"        {'' if kind == 'None' else 'return '}{returned}",
            "",
        ]
    )


def _body(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Return the argument of a request's body and how it is sent."""
    content = operation.get("requestBody", {}).get("content", {})
    needed = operation.get("requestBody", {}).get("required", False)
    end = "" if needed else " | None = None"
    if "application/json" in content:
        kind = python_type(content["application/json"].get("schema", {}), prefix="m.")
        return f"body: {kind}{end}", "body=body"
    if "multipart/form-data" in content:
        return f"files: dict[str, Upload]{end}", "files=files"
    if content:
        media = next(iter(content))
        return f"content: bytes{end}", f"content=content, media={media!r}"
    return "", ""


def _wrapped(start: str, arguments: list[str], end: str) -> list[str]:
    line = start + ", ".join(arguments) + end
    if len(line) <= _WIDTH:
        return [line]
    return [start, *(f"        {argument}," for argument in arguments), f"    {end}"]


def _sentence(text: str) -> str:
    first = " ".join(text.strip().split("\n\n")[0].split())
    return first.replace("\\", "\\\\").replace('"""', "'''").rstrip(".")


def main() -> None:
    """Write the generated files into a folder."""
    parser = argparse.ArgumentParser(prog="client_generator", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    for name, text in files(bare_app().openapi()).items():
        (folder / name).write_text(text, "utf-8")
    sys.stdout.write(f"{API}: written to {folder}\n")


if __name__ == "__main__":
    main()
