"""Writes the bill of materials of a release from its lock files, as CycloneDX 1.6 JSON.

`python -m heatloop.proof.sbom [folder] [--out FILE]` reads `requirements/*.txt` and
`frontend/package-lock.json`; nothing is installed and no network is asked. Every component has
the hashes the lock file gives for it.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from heatloop.app.sbom import component, document, normal

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
SHIPPED = ("run.txt",)
"""Lock files of what is shipped; others are tools of development."""


def python_components(text: str) -> Iterator[dict[str, Any]]:
    """Yield the packages of a hashed requirements file."""
    found: dict[str, Any] | None = None
    for line in text.splitlines():
        match = _PINNED.match(line)
        if match:
            if found is not None:
                yield found
            found = component(normal(match.group(1)), match.group(2), "pypi")
        hashes = _HASH.findall(line)
        if found is not None and hashes:
            kept = found.setdefault("properties", [])
            kept.extend({"name": "heatloop:file:sha256", "value": each} for each in hashes)
    if found is not None:
        yield found


def npm_components(lock: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the packages of a package-lock.json that end up in the screens."""
    for path, entry in sorted(lock.get("packages", {}).items()):
        if not path or entry.get("dev") or entry.get("link"):
            continue
        name = path.rpartition("node_modules/")[2]
        found = component(name, str(entry["version"]), "npm", str(entry.get("license", "")))
        integrity = str(entry.get("integrity", ""))
        if integrity.startswith("sha512-"):
            digest = base64.b64decode(integrity.removeprefix("sha512-")).hex()
            found["hashes"] = [{"alg": "SHA-512", "content": digest}]
        yield found


def release_bill(folder: Path, locks: Sequence[str] = SHIPPED) -> dict[str, Any]:
    """Return the bill of a source tree.

    Args:
        folder: Root of the tree.
        locks: Files of `requirements` to read.

    Raises:
        OSError: A lock file is not there.
    """
    components: dict[str, dict[str, Any]] = {}
    for name in locks:
        text = (folder / "requirements" / name).read_text("utf-8")
        components |= {each["bom-ref"]: each for each in python_components(text)}
    lock = json.loads((folder / "frontend" / "package-lock.json").read_text("utf-8"))
    components |= {each["bom-ref"]: each for each in npm_components(lock)}
    return document([components[ref] for ref in sorted(components)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill."""
    parser = argparse.ArgumentParser(prog="python -m heatloop.proof.sbom")
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--out", type=Path, help="file; else it is printed")
    options = parser.parse_args(arguments)
    text = json.dumps(release_bill(options.folder), ensure_ascii=False, indent=1)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
