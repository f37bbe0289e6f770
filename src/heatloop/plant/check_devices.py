"""Checks of gateways and devices: codes, what they serve, and their field addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.check_assets import check_code, check_name
from heatloop.plant.coding import DEVICE, GATEWAY
from heatloop.plant.field_protocols import (
    PLUG_IN,
    FieldProtocol,
    field_parameters,
    field_protocols,
)
from heatloop.plant.model import Device, Gateway
from heatloop.plant.own_profiles import Catalogue
from heatloop.plant.resources import table

CHANNELS = ("ethernet", "fibre", "4g", "5g", "nb_iot", "lora", "wifi", "other")
_WORD_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_GATEWAY_KINDS = ("station", "collector")
_REGULATES = ("plc", "edge")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceProfile:
    """One row of `device_profiles.csv`."""

    profile: str
    """Name, a file of `profiles/`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    assets: tuple[str, ...]
    """Kinds of assets such a device may serve."""
    protocols: tuple[str, ...]
    """Protocols it speaks."""


@cache
def device_profiles() -> Mapping[str, DeviceProfile]:
    """Return what is said about each device profile, by name."""
    return {
        row["profile"]: DeviceProfile(
            profile=row["profile"],
            zh=row["zh"],
            en=row["en"],
            assets=tuple(row["assets"].split("|")),
            protocols=tuple(row["protocols"].split("|")),
        )
        for row in table("device_profiles.csv")
    }


def _word(
    findings: Findings, place: Place, column: str, value: str, allowed: tuple[str, ...]
) -> None:
    if value not in allowed:
        known = "|".join(allowed)
        fix = (f"选填 {known}", f"use {known}")
        findings.add(place, column, value, "不在可选值内", "not one of the choices", fix)


def check_gateways(
    findings: Findings,
    placed: list[tuple[Place, Gateway]],
    check_organisation: Callable[[Place, str], None],
) -> None:
    """Note everything wrong with the gateways (clause 4.2.2 -2: channel and cost declared)."""
    seen: set[str] = set()
    for place, gateway in placed:
        check_code(findings, place, GATEWAY, gateway.code, seen)
        check_name(findings, place, gateway.zh)
        _word(findings, place, "kind", gateway.kind, _GATEWAY_KINDS)
        _word(findings, place, "channel", gateway.channel, CHANNELS)
        _check_channels(findings, place, gateway)
        if gateway.organisation:
            check_organisation(place, gateway.organisation)


def _check_channels(findings: Findings, place: Place, gateway: Gateway) -> None:
    """Note what is wrong with cost, capacity and nature of the channels (clause 6.1.3 c)."""
    for column in ("monthly_cost_yuan", "spare_monthly_cost_yuan"):
        value = getattr(gateway, column)
        if not 0 <= value < 1e6:
            fix = ("填写每月费用（元）", "give the cost a month in yuan")
            findings.add(place, column, value, "费用不合理", "no such cost", fix)
    for column in ("capacity_kbps", "spare_capacity_kbps"):
        value = getattr(gateway, column)
        if not 0 <= value < 1e9:
            fix = ("填写带宽（kbit/s），未知填 0", "give kbit/s, or 0 if it is not known")
            findings.add(place, column, value, "带宽不合理", "no such capacity", fix)
    spare = gateway.spare_channel
    if spare:
        _word(findings, place, "spare_channel", spare, CHANNELS)
    if spare and spare == gateway.channel:
        fix = ("选用不同性质的信道", "choose a channel of another nature")
        en = "main and spare channel are of one nature"
        findings.add(place, "spare_channel", spare, "主备信道性质相同", en, fix)


def check_devices(
    findings: Findings,
    placed: list[tuple[Place, Device]],
    kind_of_asset: Mapping[str, str],
    gateways: set[str],
    catalogue: Catalogue,
) -> None:
    """Note everything wrong with the devices.

    Args:
        findings: Where it is noted.
        placed: Devices with their places.
        kind_of_asset: Asset kind by asset code.
        gateways: Codes of all gateways.
        catalogue: Device profiles there are.
    """
    seen: set[str] = set()
    addresses: dict[tuple[str, str, int, int, str], str] = {}
    for place, device in placed:
        check_code(findings, place, DEVICE, device.code, seen)
        if device.asset not in kind_of_asset:
            fix = ("填写已有资产的编码", "give the code of an asset")
            findings.add(place, "asset", device.asset, "资产不存在", "no such asset", fix)
        if device.gateway not in gateways:
            fix = ("填写已有网关的编码", "give the code of a gateway")
            findings.add(place, "gateway", device.gateway, "网关不存在", "no such gateway", fix)
        if not device.protocol.startswith(PLUG_IN):
            _word(findings, place, "protocol", device.protocol, tuple(field_protocols()))
        _word(findings, place, "regulates", device.regulates, _REGULATES)
        _word(findings, place, "word_order", device.word_order, _WORD_ORDERS)
        _word(findings, place, "profile", device.profile, catalogue.names())
        _check_profile(findings, place, device, kind_of_asset, catalogue)
        _check_parameters(findings, place, device)
        about = field_protocols().get(device.protocol)
        if about is not None and not about.reports:
            _check_address(findings, place, device, about, addresses)


def _check_profile(
    findings: Findings,
    place: Place,
    device: Device,
    kind_of_asset: Mapping[str, str],
    catalogue: Catalogue,
) -> None:
    about = device_profiles().get(device.profile) or catalogue.own.get(device.profile)
    if about is None:
        return
    kind = kind_of_asset.get(device.asset)
    if kind is not None and kind not in about.assets:
        known = "|".join(about.assets)
        fix = (f"改为 {known} 的编码", f"give the code of a {known}")
        en = f"a {device.profile} cannot serve a {kind}"
        findings.add(place, "asset", device.asset, "设备类型与资产不符", en, fix)
    known_protocol = device.protocol in field_protocols()
    if known_protocol and device.protocol not in about.protocols:
        known = "|".join(about.protocols)
        en = f"a {device.profile} does not speak it"
        fix = (f"选填 {known}", f"use {known}")
        findings.add(place, "protocol", device.protocol, "协议与设备类型不符", en, fix)


def _check_parameters(findings: Findings, place: Place, device: Device) -> None:
    try:
        field_parameters(device.parameters)
    except InputError as error:
        fix = ("按 名称=值 填写，用空格分隔", error.fix)
        findings.add(place, "parameters", device.parameters, "通讯参数错误", error.message, fix)


def _check_address(
    findings: Findings,
    place: Place,
    device: Device,
    about: FieldProtocol,
    addresses: dict[tuple[str, str, int, int, str], str],
) -> None:
    if not device.host:
        fix = ("填写 IP 地址或主机名", "give an address or host name")
        findings.add(place, "host", "", "缺少地址", "no address", fix)
    serial = device.host.startswith("/")
    if serial and about.transport not in ("serial", "line"):
        fix = ("填写 IP 地址或主机名", "give an address or host name")
        zh, en = "此协议不走串口", "not a protocol of serial lines"
        findings.add(place, "host", device.host, zh, en, fix)
    if not (serial and device.port == 0) and not 0 < device.port < 65536:
        findings.add(place, "port", device.port, "端口错误", "no such port", ("1-65535",) * 2)
    if not 0 <= device.unit_id < 256:
        findings.add(place, "unit_id", device.unit_id, "站号错误", "no such unit", ("0-255",) * 2)
    address = (device.gateway, device.host, device.port, device.unit_id, device.address)
    other = addresses.setdefault(address, device.code)
    if other != device.code:
        fix = ("改正地址、端口或站号", "correct host, port or unit_id")
        zh, en = f"地址与 {other} 相同", f"same address as {other}"
        findings.add(place, "host", f"{device.host}:{device.port}/{device.unit_id}", zh, en, fix)
