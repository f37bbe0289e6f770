"""Reading the settings: `heatloop.toml`, then `HEATLOOP_*`, then the command line.

An environment variable is named after its section and field: `HEATLOOP_SERVER_PORT=8090`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from heatloop.app.setting_sections import Settings, check
from heatloop.kernel.errors import ConfigError

__all__ = ["Settings", "load_settings"]

_SECTIONS = tuple(f.name for f in fields(Settings) if f.name not in ("data", "config"))


def _line_of(text: str, section: str, key: str = "") -> str:
    """Return `line N` of a key in the file's text, for people to find it."""
    here = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if bare.startswith("[") and bare.endswith("]"):
            here = bare.strip("[] ")
            if not key and here == section:
                return f"line {number}"
        name = bare.split("=")[0].strip().strip("\"'")
        wanted = (key, f"{section}.{key}") if key else (section,)
        if "=" in bare and name in wanted and here in (section, ""):
            return f"line {number}"
    return ""


def _typed(value: Any, kind: type, thing: str, place: str) -> Any:
    """Return `value` as `kind`; text from the environment is converted."""
    if kind == tuple[str, ...]:
        return _words(value, thing, place)
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if isinstance(value, str) and kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is kind:
        return value
    raise ConfigError(
        f"{thing} must be {kind.__name__}, is {value!r}", thing=thing, place=place, fix="correct it"
    )


def _words(value: Any, thing: str, place: str) -> tuple[str, ...]:
    """Return a list of words; in the environment they are parted by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
        return tuple(part.strip() for part in parts if part.strip())
    raise ConfigError(
        f"{thing} must be a list of words, is {value!r}",
        thing=thing,
        place=place,
        fix='give ["one", "two"]',
    )


def _section(name: str, current: Any, given: Mapping[str, Any], where: str, text: str) -> Any:
    types = get_type_hints(type(current))
    changes: dict[str, Any] = {}
    for key, value in given.items():
        thing = f"{name}.{key}"
        place = f"{where} {_line_of(text, name, key)}".strip()
        if key not in types:
            known = ", ".join(types)
            raise ConfigError("unknown setting", thing=thing, place=place, fix=f"use: {known}")
        changes[key] = _typed(value, types[key], thing, place)
    return replace(current, **changes)


def load_settings(
    data: Path,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Read the settings: defaults, then the file, then the environment, then `overrides`.

    Args:
        data: Data folder.
        config: `heatloop.toml`; None for none.
        environ: Environment variables.
        overrides: Section -> field -> value, from the command line.

    Raises:
        ConfigError: The file is missing or no TOML, a setting is unknown, of the wrong type,
            or may not be started with.
    """
    settings = Settings(data=data, config=config)
    layers: list[tuple[str, Mapping[str, Any], str]] = []
    if config is not None:
        layers.append((str(config), *_read_toml(config)))
    layers.append(("environment", _from_environ(environ or {}), ""))
    layers.append(("command line", overrides or {}, ""))
    for where, sections, text in layers:
        for name, given in sections.items():
            if name not in _SECTIONS or not isinstance(given, Mapping):
                place = f"{where} {_line_of(text, name)}".strip()
                known = ", ".join(f"[{s}]" for s in _SECTIONS)
                raise ConfigError("unknown section", thing=name, place=place, fix=f"use: {known}")
            changed = _section(name, getattr(settings, name), given, where, text)
            settings = replace(settings, **{name: changed})
    return check(settings)


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise ConfigError(
            "the configuration file cannot be read", thing=str(path), fix="check --config"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"the configuration file is not TOML: {error}", thing=str(path), fix="correct the line"
        ) from error


def _from_environ(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return sections from HEATLOOP_<SECTION>_<FIELD>; others of that prefix are left alone."""
    found: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        rest = name.removeprefix("HEATLOOP_").lower()
        # The longest section that fits: `mqtt_out` before `mqtt`.
        fits = (each for each in _SECTIONS if rest.startswith(each + "_"))
        section = max(fits, key=len, default="")
        key = rest[len(section) + 1 :]
        if name.startswith("HEATLOOP_") and key and section in _SECTIONS:
            found.setdefault(section, {})[key] = value
    return found
