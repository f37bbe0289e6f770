"""The one coding rule for assets, devices, gateways and points (clauses 4.2.2, 6.1.2 b).

An asset code is two capital letters (one pair a kind) and a number from 1, filled with zeros to
the kind's width: `SS0001`. A wider number is written in full, so a number has one spelling.
A point code is `<asset code>.<point kind>`, and `.<n>` with n from 1 when an asset has several
points of the kind: `UN0001.heating_curve_supply.3`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.kinds import point_kinds

DEVICE, GATEWAY = "device", "gateway"
_OWN_RULES = {DEVICE: ("DV", 4), GATEWAY: ("GW", 4)}
MAX_DIGITS = 8
_CODE = re.compile(r"([A-Z]{2})([0-9]{1,8})", re.ASCII)
_POINT = re.compile(r"([A-Z]{2}[0-9]{1,8})\.([a-z][a-z0-9_]*)(?:\.([1-9][0-9]{0,3}))?", re.ASCII)


@cache
def code_rules() -> Mapping[str, tuple[str, int]]:
    """Return prefix and least number of digits by kind; devices and gateways included."""
    rules = {kind.kind: (kind.prefix, kind.digits) for kind in asset_kinds().values()}
    return MappingProxyType({**rules, **_OWN_RULES})


@cache
def _kind_by_prefix() -> dict[str, str]:
    return {prefix: kind for kind, (prefix, _) in code_rules().items()}


def _example(kind: str) -> str:
    prefix, digits = code_rules()[kind]
    return make_code(kind, 1) + f" .. {prefix}{'9' * digits}"


def _follows(kind: str, code: str) -> bool:
    found = _CODE.fullmatch(code)
    if found is None:
        return False
    prefix, digits = code_rules()[kind]
    number = found[2]
    wide_enough = len(number) == digits or (len(number) > digits and number[0] != "0")
    return found[1] == prefix and wide_enough and int(number) > 0


def make_code(kind: str, number: int) -> str:
    """Return the code of a kind and a number.

    Args:
        kind: Asset kind, `device` or `gateway`.
        number: From 1.

    Raises:
        InputError: The kind is unknown, or the number does not fit eight digits.
    """
    if kind not in code_rules():
        raise InputError("unknown asset kind", thing=kind, fix="use a kind of asset_kinds.csv")
    if not 0 < number < 10**MAX_DIGITS:
        raise InputError("code number out of range", thing=str(number), fix="use 1 .. 99999999")
    prefix, digits = code_rules()[kind]
    return f"{prefix}{number:0{digits}d}"


def check_asset_code(kind: str, code: str) -> str:
    """Return `code` if it follows the coding rule of `kind`.

    Raises:
        InputError: The kind is unknown or the code breaks the rule.
    """
    if kind not in code_rules():
        raise InputError("unknown asset kind", thing=kind, fix="use a kind of asset_kinds.csv")
    if not _follows(kind, code):
        raise InputError(
            f"code of a {kind} breaks the coding rule", thing=code, fix=f"use {_example(kind)}"
        )
    return code


def kind_of_code(code: str) -> str:
    """Return the asset kind (or `device`, `gateway`) a code belongs to.

    Raises:
        InputError: No kind has such codes.
    """
    kind = _kind_by_prefix().get(code[:2])
    if kind is None or not _follows(kind, code):
        raise InputError("code breaks the coding rule", thing=code, fix="write it like SS0001")
    return kind


def code_order(code: str) -> tuple[str, int, str]:
    """Return a sort key that puts codes of one kind in the order of their numbers."""
    return code[:2], len(code), code


def point_code(asset: str, kind: str, n: int = 0) -> str:
    """Return the code of a point; no check, for codes known to be good."""
    return f"{asset}.{kind}.{n}" if n else f"{asset}.{kind}"


def parse_point_code(code: str) -> tuple[str, str, int]:
    """Return asset code, point kind and number (0: the only one) of a point code.

    Raises:
        InputError: The code breaks the rule, or its asset or point kind does not exist.
    """
    found = _POINT.fullmatch(code)
    if found is None:
        raise InputError(
            "point code breaks the coding rule",
            thing=code,
            fix="write <asset code>.<point kind>[.<n>], for example SS0001.primary_flow",
        )
    kind_of_code(found[1])
    if found[2] not in point_kinds():
        raise InputError(
            f"unknown point kind {found[2]}", thing=code, fix="use a kind of points.csv"
        )
    return found[1], found[2], int(found[3] or 0)
