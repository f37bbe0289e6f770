"""What the information side must have, and what is missing (clauses 6.1.3 b, d).

Servers, switches, routers, hardware firewalls, cabinets and lines stand in the ledger, those
with an address of their own are watched, and video comes in by VPN only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

KIND = "it_asset"
REQUIRED = ("server", "switch", "router", "hardware_firewall", "cabinet", "line")
"""Types a company must have (6.1.3 b #1)."""
WATCHED = frozenset(
    ("server", "switch", "router", "hardware_firewall", "ups", "gateway", "video_source")
)
"""Types that answer on the network and are watched."""
TYPE_MISSING, UNWATCHED = "it_type_missing", "it_asset_unwatched"
_UP = "it_asset_up"
_NAMES: Mapping[str, tuple[str, str]] = {
    "server": ("服务器", "server"),
    "switch": ("交换机", "switch"),
    "router": ("路由器", "router"),
    "hardware_firewall": ("硬件防火墙", "hardware firewall"),
    "cabinet": ("机柜", "cabinet"),
    "line": ("通信线路", "line"),
}
_VPN_FIX = ("改为经公网VPN上传，transport 填 vpn", "bring it in by VPN and set transport to vpn")


@dataclass(frozen=True, kw_only=True, slots=True)
class ItFinding:
    """One thing that is missing or wrong."""

    rule: str
    """`it_type_missing`, `it_asset_unwatched` or `video_not_by_vpn`."""
    asset: str
    """Asset code; empty where a whole type is missing."""
    it_type: str
    """Type of IT asset."""
    clause: str
    """Where the standard asks for it."""
    zh: str
    """What is wrong and what to do, in Chinese."""
    en: str
    """What is wrong and what to do, in English."""


def _type(asset: Asset) -> str:
    return str(asset.attributes.get("it_type", ""))


def it_findings(ledger: Ledger) -> list[ItFinding]:
    """Return everything missing on the information side, types first."""
    assets = ledger.of_kind(KIND)
    there = {_type(asset) for asset in assets}
    found = [_missing(it_type) for it_type in REQUIRED if it_type not in there]
    watched = watched_points(ledger)
    return found + [
        ItFinding(
            rule=UNWATCHED,
            asset=asset.code,
            it_type=_type(asset),
            clause="6.1.3 b #1",
            zh=f"{asset.zh}（{asset.code}）未接入在线监测，请增加 ping 设备",
            en=f"{asset.en} ({asset.code}) is not watched: add a ping device for it",
        )
        for asset in assets
        if _type(asset) in WATCHED and asset.code not in watched
    ]


def _missing(it_type: str) -> ItFinding:
    zh, en = _NAMES[it_type]
    return ItFinding(
        rule=TYPE_MISSING,
        asset="",
        it_type=it_type,
        clause="6.1.3 b #1",
        zh=f"台账中没有{zh}，请配备并录入",
        en=f"there is no {en} in the ledger: provide one and enter it",
    )


def _is_open_video(asset: Asset) -> bool:
    return _type(asset) == "video_source" and asset.attributes.get("transport") != "vpn"


def watched_points(ledger: Ledger) -> dict[str, str]:
    """Return the code of the point that says whether it is up, by IT asset."""
    return {
        asset.code: point.code
        for asset in ledger.of_kind(KIND)
        for point in ledger.points_of(asset.code)
        if point.kind == _UP
    }


def check_video_transport(findings: Findings, placed: Iterable[tuple[Place, Asset]]) -> None:
    """Note every video source that does not come in by VPN (6.1.3 d #2).

    Args:
        findings: Where it is noted.
        placed: Assets with typed attributes and their places.
    """
    for place, asset in placed:
        if asset.kind == KIND and _is_open_video(asset):
            zh, en = "视频源应经公网VPN上传", "a video source must come in by VPN"
            value = asset.attributes.get("transport", "")
            findings.add(place, "transport", value, zh, en, _VPN_FIX)


def it_types() -> tuple[str, ...]:
    """Return every type an IT asset may have."""
    return asset_kinds()[KIND].attributes["it_type"].choices
