"""Types of an OpenAPI document as Python writes them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_TIMES = {"date-time": "datetime | str", "date": "date | str"}


def class_name(name: str) -> str:
    """Return the class name of a schema."""
    return re.sub(r"\W", "_", name)


def python_name(name: str) -> str:
    """Return an argument's name: a keyword gets an underscore."""
    found = re.sub(r"\W", "_", name)
    return f"{found}_" if keyword.iskeyword(found) or found == "self" else found


def python_type(
    schema: Mapping[str, Any], *, prefix: str = "", times: bool = False, quoted: bool = False
) -> str:
    """Return the annotation of a schema.

    Args:
        schema: Part of the document.
        prefix: Put before names of schemas, for example `m.`.
        times: Whether times may be given as `datetime`.
        quoted: Whether names of schemas need quotes, where annotations are evaluated.
    """

    def inner(part: Mapping[str, Any]) -> str:
        return python_type(part, prefix=prefix, times=times, quoted=quoted)

    if "$ref" in schema:
        name = prefix + class_name(str(schema["$ref"]).rsplit("/", 1)[-1])
        return f'"{name}"' if quoted else name
    for word in ("anyOf", "oneOf"):
        if word in schema:
            kinds = list(dict.fromkeys(inner(part) for part in schema[word]))
            kinds.sort(key=lambda kind: kind == "None")
            return "Any" if "Any" in kinds else " | ".join(kinds)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return inner(schema["allOf"][0])
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"list[{' | '.join(dict.fromkeys(inner(p) for p in schema['prefixItems']))}]"
        return f"list[{inner(schema.get('items', {}))}]"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"dict[str, {inner(more) if isinstance(more, Mapping) and more else 'Any'}]"
    if kind == "string" and schema.get("format") == "binary":
        return "bytes"
    if kind == "string" and times and schema.get("format") in _TIMES:
        return _TIMES[schema["format"]]
    return _PLAIN.get(str(kind), "Any")
