"""What the headings of an unknown feed say: a unit, and which kinds of point they may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from heatloop.ingest.batch.profiles import kind_of, profile_names
from heatloop.kernel.units import UNITS
from heatloop.plant.kinds import point_kinds
from heatloop.plant.resources import table
from heatloop.plant.semantic_words import hear
from heatloop.plant.semantics import FIELDS, point_tags

_SPELLED = {
    "℃": "degC", "°c": "degC", "degc": "degC", "c": "degC", "celsius": "degC", "°f": "degF",
    "f": "degF", "mpa": "MPa", "kpa": "kPa", "bar": "bar", "mh2o": "mH2O", "m": "m",
    "m3/h": "m3/h", "m³/h": "m3/h", "㎥/h": "m3/h", "m3h": "m3/h", "l/h": "L/h", "t/h": "t/h",
    "kg/s": "kg/s", "m3": "m3", "m³": "m3", "㎥": "m3", "l": "L", "kw": "kW", "mw": "MW",
    "gj/h": "GJ/h", "kwh": "kWh", "mwh": "MWh", "gj": "GJ", "hz": "Hz", "%": "%", "pct": "%",
    "‰": "permille", "m/s": "m/s", "ms-1": "m/s", "°": "deg", "deg": "deg", "w/m2": "W/m2",
    "w/m²": "W/m2", "a": "A", "v": "V", "h": "h", "s": "s", "ms": "ms", "pa": "Pa", "hpa": "hPa",
    "wh": "Wh", "w": "W",
}  # fmt: skip
# Only these behind an underscore: a single letter there is a name more often than a unit.
_SUFFIXES = frozenset(("c", "degc", "mpa", "kpa", "bar", "m3h", "kw", "mw", "kwh", "mwh", "gj",
                       "hz", "pct", "pa", "hpa"))  # fmt: skip
_BRACKET = re.compile(r"[\[(（【]\s*([^\])）】]{1,12})\s*[\])）】]\s*$")
_SHORT = {
    "t": "temperature", "temp": "temperature", "tmp": "temperature", "p": "pressure",
    "press": "pressure", "pres": "pressure", "dp": "differential pressure", "f": "flow",
    "v": "flow", "vol": "flow", "qv": "flow", "g": "flow", "q": "heat power", "pe": "heat power",
    "pwr": "heat power", "power": "heat power", "e": "heat", "energy": "heat", "sup": "supply",
    "sply": "supply", "vl": "supply", "in": "supply", "ret": "return", "rtn": "return",
    "rl": "return", "prim": "primary", "pri": "primary", "1": "primary", "sec": "secondary",
    "2": "secondary", "amb": "outdoor", "out": "outdoor", "ext": "outdoor", "oat": "outdoor",
    "outside": "outdoor", "room": "indoor", "rh": "humidity", "hum": "humidity",
    "windspeed": "wind speed", "wspm": "wind speed", "winddir": "wind direction",
    "ghi": "radiation", "sp": "setpoint", "set": "setpoint", "ref": "setpoint", "freq": "frequency",
    "lvl": "level", "pos": "opening", "valve": "opening", "供温": "供水温度", "回温": "回水温度",
    "供压": "供水压力", "回压": "回水压力",
}  # fmt: skip
_DEFAULT_ROLES = ("measured", "total")
_MOST = 5


def unit_of(heading: str) -> str:
    """Return the unit a heading names, in brackets or at its end; empty: none that is known."""
    text = unicodedata.normalize("NFKC", heading).strip()
    for form in (heading.strip(), text):
        bracket = _BRACKET.search(form)
        if bracket:
            word = bracket[1].strip().replace(" ", "")
            return word if word in UNITS else _SPELLED.get(word.casefold(), "")
    tail = re.split(r"[_\s]", text)[-1].casefold()
    return _SPELLED[tail] if tail in _SUFFIXES and tail != text.casefold() else ""


def bare(heading: str) -> str:
    """Return a heading without its unit."""
    text = _BRACKET.sub("", heading.strip()).strip()
    parts = re.split(r"([_\s])", text)
    if len(parts) > 2 and parts[-1].casefold() in _SUFFIXES:
        text = "".join(parts[:-2])
    return text


@cache
def _pinyin() -> Mapping[str, str]:
    return {
        alias: row["kind"]
        for row in table("pinyin_aliases.csv")
        for alias in row["aliases"].split("|")
    }


def kinds_of(heading: str, unit: str = "") -> tuple[str, ...]:
    """Return the point kinds a heading may mean, the likeliest first; none when it says nothing.

    Args:
        heading: As it stands in the file; a name before the last dot is a place.
        unit: House or other unit told from elsewhere; only kinds of its dimension fit.
    """
    name = bare(heading).rsplit(".", 1)[-1]
    exact = _exact(heading, name)
    if exact:
        return (exact,)
    wanted: dict[str, set[str]] = {}
    for heard in hear(_spelled(name)):
        if heard.field in (*FIELDS, "kind"):
            wanted.setdefault(heard.field, set()).update(heard.values)
    if not set(wanted) - {"side", "stage"}:
        return ()
    found = []
    for kind, tags in point_tags().items():
        if "kind" in wanted and kind not in wanted["kind"]:
            continue
        if any(getattr(tags, f) not in wanted[f] for f in FIELDS if f in wanted):
            continue
        if "role" not in wanted and "kind" not in wanted and tags.role not in _DEFAULT_ROLES:
            continue
        if unit and not _fits(kind, unit):
            continue
        found.append(kind)
    # Of several the plainest name is the likeliest: `outdoor_temperature` before its maximum.
    return tuple(sorted(found, key=lambda kind: (kind.count("_"), kind))[:_MOST])


def _exact(heading: str, name: str) -> str:
    low = name.casefold()
    if low in point_kinds():
        return low
    if low in _pinyin():
        return _pinyin()[low]
    for profile in profile_names():
        found = kind_of(profile, name) if len(name) > 2 else None
        if found is not None:
            return found[0]
    del heading
    return ""


def _fits(kind: str, unit: str) -> bool:
    if unit not in UNITS:
        return unit in ("Pa", "hPa") and point_kinds()[kind].unit == "kPa"
    return UNITS[unit].dimension == UNITS[point_kinds()[kind].unit].dimension


def _spelled(name: str) -> str:
    """Return a heading as words: `t_sup_prim` becomes `temperature supply primary`."""
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    text = re.sub(r"([A-Za-z])(\d)", r"\1 \2", text)
    words = [word for word in re.split(r"[\s_\-.:/]+", text.casefold()) if word]
    out = " ".join(_SHORT.get(word, word) for word in words)
    for short, full in _SHORT.items():
        if not short.isascii():
            out = out.replace(short, full)
    return out
