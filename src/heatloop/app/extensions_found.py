"""Finding plug-ins: every entry point of our groups, loaded or refused with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from heatloop.app.extensions_api import (
    ACCEPTED,
    EXTENSION_API,
    GROUPS,
    Bridge,
    Decoder,
    Detector,
    Manifest,
    Module,
    Report,
    Strategy,
    Watcher,
)

BASES: dict[str, type[Module]] = {
    "decoder": Decoder,
    "detector": Detector,
    "warning": Watcher,
    "strategy": Strategy,
    "report": Report,
    "bridge": Bridge,
}
_NAME = re.compile(r"x_[a-z0-9]+(_[a-z0-9]+)*")
_RULE = re.compile(r"[a-z0-9_]{1,40}")
_MOST_TEXT = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One plug-in module."""

    manifest: Manifest
    """What it says of itself; put together from its package where it says nothing."""
    distribution: str
    """Package it came with, and its version."""
    made: Module | None
    """The module; None where the platform does not run it itself (drivers, point kinds)."""
    refused_zh: str = ""
    """Why it is not let in, in Chinese; empty when it is."""
    refused_en: str = ""
    """The same in English."""


def find_plug_ins() -> list[Found]:
    """Return every plug-in, in the order of kind and name; nothing a plug-in does raises here."""
    found: list[Found] = []
    names: set[str] = set()
    for kind, group in GROUPS.items():
        for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
            one = _load(kind, entry)
            if one.manifest.name in names:
                one = _refused(one, f"重名：{one.manifest.name}", "name is taken twice")
            names.add(one.manifest.name)
            found.append(one)
    return found


def _refused(found: Found, zh: str, en: str) -> Found:
    return Found(
        manifest=found.manifest,
        distribution=found.distribution,
        made=None,
        refused_zh=zh[:_MOST_TEXT],
        refused_en=en[:_MOST_TEXT],
    )


def _load(kind: str, entry: EntryPoint) -> Found:
    about = _of_package(kind, entry)
    try:
        thing = entry.load()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        why = f"{type(error).__name__}: {error}"
        return _refused(about, f"无法加载：{why}", f"cannot be loaded: {why}")
    manifest = getattr(thing, "manifest", None)
    if manifest is None and kind in ("driver", "point_kind"):
        return about
    if not isinstance(manifest, Manifest):
        return _refused(about, "缺少清单 manifest", "has no manifest")
    found = Found(manifest=manifest, distribution=about.distribution, made=None)
    problem = _problem(kind, entry, manifest, thing)
    if problem:
        return _refused(found, *problem)
    if kind not in BASES:
        return found
    try:
        made = thing()
    except Exception as error:  # noqa: BLE001 - a stranger's constructor
        why = f"{type(error).__name__}: {error}"
        return _refused(found, f"无法启动：{why}", f"cannot be made: {why}")
    return Found(manifest=manifest, distribution=about.distribution, made=made)


def _of_package(kind: str, entry: EntryPoint) -> Found:
    """Return what the package's own metadata say."""
    package = entry.dist
    name = package.name if package is not None else ""
    version = package.version if package is not None else ""
    author = ""
    if package is not None and "Author" in package.metadata:
        author = package.metadata["Author"]
    manifest = Manifest(
        name=entry.name, zh=entry.name, en=entry.name, kind=kind, version=version, author=author
    )
    return Found(manifest=manifest, distribution=f"{name} {version}".strip(), made=None)


def _problem(
    kind: str, entry: EntryPoint, manifest: Manifest, thing: Any
) -> tuple[str, str] | None:
    """Return why a module is not let in, None when it is."""
    if manifest.api not in ACCEPTED:
        accepted = ", ".join(ACCEPTED)
        return (
            f"按扩展接口 {manifest.api} 编写，本平台为 {EXTENSION_API}（接受 {accepted}）",
            f"written for interface {manifest.api}; this is {EXTENSION_API} (accepts {accepted})",
        )
    if manifest.kind != kind:
        return f"清单类型为 {manifest.kind}", f"manifest says {manifest.kind}, group says {kind}"
    if manifest.name != entry.name or not _NAME.fullmatch(manifest.name):
        return (
            "名称须与入口一致，以 x_ 开头，仅含小写字母、数字和下划线",
            "its name must be that of the entry point: x_, then a-z, 0-9 and _",
        )
    if not (manifest.zh and manifest.en):
        return "缺少中文或英文名称", "a name in Chinese or English is missing"
    if any(not _RULE.fullmatch(rule) for rule in manifest.rules or {}):
        return "报警规则名称无效", "a rule of its alarms has no fitting name"
    base = BASES.get(kind)
    if base is not None and not (isinstance(thing, type) and issubclass(thing, base)):
        return f"不是 {base.__name__} 的子类", f"is no subclass of {base.__name__}"
    return None
