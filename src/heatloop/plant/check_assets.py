"""Checks of assets: codes, names, parents, organisation and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import ORGANISATION, AssetKind, AttributeKind, asset_kinds
from heatloop.plant.attributes import BadValue, Value, read_attribute
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.coding import check_asset_code
from heatloop.plant.model import Asset


def check_code(findings: Findings, place: Place, kind: str, code: str, seen: set[str]) -> None:
    """Note a code that breaks the rule of its kind or was used before; else remember it."""
    try:
        check_asset_code(kind, code)
    except InputError as error:
        fix = (f"按编码规则填写：{error.fix.removeprefix('use ')}", error.fix)
        findings.add(place, "code", code, "编码不符合规则", error.message, fix)
    if code and code in seen:
        fix = ("每个编码只用一次", "use every code once")
        findings.add(place, "code", code, "编码重复", "duplicate code", fix)
    seen.add(code)


def check_name(findings: Findings, place: Place, zh: str) -> None:
    """Note a missing Chinese name."""
    if not zh:
        findings.add(
            place, "zh", "", "缺少名称", "no name", ("填写中文名称", "give the Chinese name")
        )


def _is_empty(cell: object) -> bool:
    return cell is None or cell == ""


def _read(
    findings: Findings, place: Place, kind: AssetKind, raw: Mapping[str, Value]
) -> Mapping[str, Value]:
    values: dict[str, Value] = {}
    for name, cell in raw.items():
        attribute = kind.attributes.get(name)
        if attribute is None:
            fix = ("删除此列或改正列名", "leave it out or correct its name")
            zh, en = f"{kind.zh}没有此属性", f"a {kind.kind} has no such attribute"
            findings.add(place, name, cell, zh, en, fix)
        elif not _is_empty(cell):
            try:
                values[name] = read_attribute(attribute, cell)
            except BadValue as bad:
                shown = "" if attribute.secret else cell
                findings.add(place, name, shown, bad.zh, bad.en, bad.fix)
    for attribute in kind.attributes.values():
        if attribute.required and _is_empty(raw.get(attribute.attribute)):
            ask = (f"填写{attribute.zh}", f"give the {attribute.en}")
            findings.add(place, attribute.attribute, "", "缺少必填属性", "required, missing", ask)
    return values


class AssetChecker:
    """Checks assets against each other; `placed` are all of them with their places."""

    def __init__(self, findings: Findings, placed: list[tuple[Place, Asset]]) -> None:
        self._findings = findings
        self._placed = placed
        # A code that stands in a row counts as existing even when that row is bad, so that one
        # mistake is reported once and not again by everything below it.
        self._by_code = {asset.code: asset for _, asset in placed}
        self._rooted: set[str] = set()

    def run(self) -> list[tuple[Place, Asset]]:
        """Return the assets with typed attributes; what is wrong goes to the findings."""
        seen: set[str] = set()
        done = []
        for place, asset in self._placed:
            kind = asset_kinds().get(asset.kind)
            if kind is None:
                fix = ("使用 asset_kinds.csv 中的类型", "use a kind of asset_kinds.csv")
                zh, en = "未知的资产类型", "unknown asset kind"
                self._findings.add(place, "kind", asset.kind, zh, en, fix)
                continue
            check_code(self._findings, place, asset.kind, asset.code, seen)
            check_name(self._findings, place, asset.zh)
            self._check_parent(place, asset, kind)
            self._check_organisation(place, asset, kind)
            values = _read(self._findings, place, kind, asset.attributes)
            for name, value in values.items():
                if kind.attributes[name].type == "ref":
                    self._check_ref(place, kind.attributes[name], str(value))
            done.append((place, replace(asset, attributes=values, en=asset.en or asset.zh)))
        return done

    def _check_parent(self, place: Place, asset: Asset, kind: AssetKind) -> None:
        allowed = "|".join(sorted(kind.parents))
        ask = (f"填写 {allowed} 的编码", f"give the code of a {allowed}")
        if not asset.parent:
            if not kind.rootable:
                self._findings.add(place, "parent", "", "缺少上级", "no parent", ask)
            return
        parent = self._by_code.get(asset.parent)
        if parent is None:
            self._findings.add(place, "parent", asset.parent, "上级不存在", "no such parent", ask)
        elif parent.kind not in kind.parents:
            en = f"a {parent.kind} cannot be parent of a {kind.kind}"
            self._findings.add(place, "parent", asset.parent, "上级类型错误", en, ask)
        elif self._goes_round(asset):
            fix = ("上级关系不能成环", "a parent must lead to a root")
            self._findings.add(place, "parent", asset.parent, "上级成环", "parents go round", fix)

    def _goes_round(self, asset: Asset) -> bool:
        line, at = {asset.code}, self._allowed_parent(asset)
        while at is not None and at.code not in self._rooted:
            if at.code in line:
                # A ring that only lies above this asset is reported by its own members.
                return at.code == asset.code
            line.add(at.code)
            at = self._allowed_parent(at)
        self._rooted |= line
        return False

    def _allowed_parent(self, asset: Asset) -> Asset | None:
        parent, kind = self._by_code.get(asset.parent), asset_kinds().get(asset.kind)
        if parent is None or kind is None or parent.kind not in kind.parents:
            return None
        return parent

    def _check_organisation(self, place: Place, asset: Asset, kind: AssetKind) -> None:
        ask = ("填写企业、分公司或班组的编码", "give the code of a company, branch or team")
        code = asset.organisation
        if kind.tree == ORGANISATION:
            if code:
                fix = ("此类资产只填上级", "give only the parent")
                zh, en = "组织机构不能再属于组织", "an organisation has a parent only"
                self._findings.add(place, "organisation", code, zh, en, fix)
        elif code:
            self.check_organisation(place, code)
        elif not asset.parent and kind.rootable:
            zh, en = "缺少所属组织", "nobody answers for it"
            self._findings.add(place, "organisation", "", zh, en, ask)

    def check_organisation(self, place: Place, code: str) -> None:
        """Note a code that is not that of a company, branch or team."""
        ask = ("填写企业、分公司或班组的编码", "give the code of a company, branch or team")
        found = self._by_code.get(code)
        if found is None:
            zh, en = "所属组织不存在", "no such organisation"
            self._findings.add(place, "organisation", code, zh, en, ask)
        elif found.kind not in ("company", "branch", "team"):
            zh, en = "不是组织机构", "not an organisation"
            self._findings.add(place, "organisation", code, zh, en, ask)

    def _check_ref(self, place: Place, attribute: AttributeKind, code: str) -> None:
        found = self._by_code.get(code)
        if found is None or found.kind not in attribute.choices:
            kinds = "|".join(attribute.choices)
            zh, en = "引用的资产不存在或类型错误", "no such asset, or of another kind"
            fix = (f"填写 {kinds} 的编码", f"give the code of a {kinds}")
            self._findings.add(place, attribute.attribute, code, zh, en, fix)
