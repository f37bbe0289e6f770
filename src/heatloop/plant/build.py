"""Building a ledger: every record checked against every other, then points derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from heatloop.kernel.errors import InputError
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.check_assets import AssetChecker
from heatloop.plant.check_devices import check_devices, check_gateways
from heatloop.plant.coding import DEVICE, GATEWAY, parse_point_code
from heatloop.plant.derive import Deriver, Limits
from heatloop.plant.headings import POINT, PROFILE, PROFILE_ROW
from heatloop.plant.it_assets import check_video_transport
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.plant.own_profiles import OwnProfile, PlacedRow, check_own_profiles

_HEADING_ROWS = 2
"""Row of the first record: 1 is the heading."""


@dataclass(kw_only=True, slots=True)
class Records:
    """Unchecked records with the places they were read from."""

    findings: Findings = field(default_factory=Findings)
    """What was already found wrong while reading them."""
    assets: list[tuple[Place, Asset]] = field(default_factory=list)
    """Attributes still as read."""
    devices: list[tuple[Place, Device]] = field(default_factory=list)
    """As read."""
    gateways: list[tuple[Place, Gateway]] = field(default_factory=list)
    """As read."""
    limits: list[tuple[Place, str, Limits]] = field(default_factory=list)
    """Own alarm limits by point code."""
    profiles: list[tuple[Place, OwnProfile]] = field(default_factory=list)
    """Own device profiles without their rows."""
    profile_rows: list[PlacedRow] = field(default_factory=list)
    """Rows of all own device profiles."""


def _number_rows(records: Records, sheet_of_asset: Iterable[Asset]) -> None:
    rows: dict[str, int] = {}
    for asset in sheet_of_asset:
        row = rows[asset.kind] = rows.get(asset.kind, _HEADING_ROWS - 1) + 1
        records.assets.append((Place(asset.kind, row), asset))


def build_ledger(
    assets: Iterable[Asset],
    devices: Iterable[Device],
    gateways: Iterable[Gateway],
    *,
    version: int,
    keys: Mapping[str, int],
    limits: Mapping[str, Limits] | None = None,
    profiles: Iterable[OwnProfile] = (),
) -> Ledger:
    """Return the ledger of these records, its points derived from the device profiles.

    Args:
        assets: In any order.
        devices: In any order; points are derived in the order of their codes.
        gateways: In any order.
        version: Version of the new ledger.
        keys: Key of every point code ever known; new points get new numbers.
        limits: Own alarm limits by point code.
        profiles: Own device profiles.

    Raises:
        LedgerErrors: Something is wrong; every bad row is listed.
        InputError: `keys` holds a number twice.
    """
    records = Records()
    _number_rows(records, assets)
    for i, device in enumerate(devices, _HEADING_ROWS):
        records.devices.append((Place(DEVICE, i), device))
    for i, gateway in enumerate(gateways, _HEADING_ROWS):
        records.gateways.append((Place(GATEWAY, i), gateway))
    for i, (code, own) in enumerate((limits or {}).items(), _HEADING_ROWS):
        records.limits.append((Place(POINT, i), code, own))
    for i, each in enumerate(profiles, _HEADING_ROWS):
        records.profiles.append((Place(PROFILE, i), each))
        for row in each.rows:
            number = len(records.profile_rows) + _HEADING_ROWS
            place = Place(PROFILE_ROW, number)
            records.profile_rows.append(PlacedRow(place=place, profile=each.profile, row=row))
    return assemble(records, version=version, keys=keys)


def assemble(records: Records, *, version: int, keys: Mapping[str, int]) -> Ledger:
    """Return the ledger of these records.

    Raises:
        LedgerErrors: Something is wrong; every bad row is listed and nothing is taken.
        InputError: `keys` holds a number twice.
    """
    findings = records.findings
    checker = AssetChecker(findings, records.assets)
    assets = checker.run()
    check_video_transport(findings, assets)
    check_gateways(findings, records.gateways, checker.check_organisation)
    kind_of_asset = {asset.code: asset.kind for _, asset in records.assets}
    gateways = {gateway.code for _, gateway in records.gateways}
    catalogue = check_own_profiles(findings, records.profiles, records.profile_rows)
    check_devices(findings, records.devices, kind_of_asset, gateways, catalogue)

    bad = {(row.sheet, row.row) for row in findings.rows}
    good = [asset for place, asset in assets if place not in bad]
    own = {code: limits for _, code, limits in records.limits}
    deriver = Deriver(findings, good, keys, own, catalogue)
    # In code order, so that the same records always get the same new keys.
    for place, device in sorted(records.devices, key=lambda pair: _order(pair[1].code)):
        if place not in bad:
            deriver.device(place, device)
    deriver.computed()
    suspect = _suspects(records, bad)
    seen: set[str] = set()
    for place, code, limits in records.limits:
        if code in seen:
            fix = ("每个测点只写一行", "give every point one row")
            findings.add(place, "code", code, "编码重复", "duplicate code", fix)
        seen.add(code)
        _check_limits(findings, place, code, limits, deriver, suspect)
    findings.stop_if_any()
    return Ledger(
        version=version,
        assets=good,
        devices=[device for _, device in records.devices],
        gateways=[gateway for _, gateway in records.gateways],
        points=deriver.points.values(),
        bindings=deriver.bindings,
        keys=deriver.keys,
        profiles=catalogue.own.values(),
    )


def _order(code: str) -> tuple[int, str]:
    return len(code), code


_IDENTITY = frozenset(("code", "parent", "asset", "kind"))
"""Columns that decide which points a device gives to which asset."""


def _suspects(records: Records, bad: set[tuple[str, int]]) -> set[str] | None:
    """Return assets that may lack points only because another row is bad; None: any may."""
    if not bad:
        return set()
    if any(row.column in _IDENTITY for row in records.findings.rows):
        # The points of a misspelt asset would be found wanting one by one: report the cause alone.
        return None
    found = {asset.code for place, asset in records.assets if place in bad}
    found |= {device.asset for place, device in records.devices if place in bad}
    under: dict[str, list[str]] = {}
    for _, asset in records.assets:
        under.setdefault(asset.parent, []).append(asset.code)
    waiting = list(found)
    while waiting:
        for code in under.get(waiting.pop(), ()):
            if code not in found:
                found.add(code)
                waiting.append(code)
    return found


def _check_limits(
    findings: Findings,
    place: Place,
    code: str,
    limits: Limits,
    deriver: Deriver,
    suspect: set[str] | None,
) -> None:
    try:
        asset, name, _ = parse_point_code(code)
    except InputError as error:
        fix = ("按 资产编码.测点类型[.序号] 填写", error.fix)
        findings.add(place, "code", code, "测点编码不符合规则", error.message, fix)
        return
    if code not in deriver.points:
        # A row without limits says nothing: the list may be older than a change of the devices.
        says = limits.low is not None or limits.high is not None
        if says and suspect is not None and asset not in suspect:
            fix = ("删除此行，或先登记采集设备", "leave it out, or enter its device first")
            findings.add(place, "code", code, "测点不存在", "no such point", fix)
        return
    kind = point_kinds()[name]
    for column, value in (("alarm_low", limits.low), ("alarm_high", limits.high)):
        if value is not None and not kind.low <= value <= kind.high:
            span = f"{kind.low:g} .. {kind.high:g} {kind.unit}"
            fix = (f"应在 {span}", f"give {span}")
            findings.add(place, column, value, "报警限超出量程", "limit out of range", fix)
    if limits.low is not None and limits.high is not None and limits.low >= limits.high:
        fix = ("下限应小于上限", "give a low limit below the high one")
        findings.add(place, "alarm_low", limits.low, "下限不小于上限", "low is not below high", fix)
