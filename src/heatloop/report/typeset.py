"""Typesetting: a template of this folder and plain values become a PDF.

Values reach the template as data, never as markup, so nothing in them can change the page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import typst

from heatloop.kernel.errors import ConfigError, InputError

FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei")
"""Chinese fonts, the best first."""


def chinese_font() -> str:
    """Return the first of `FONTS` this machine has.

    Raises:
        ConfigError: It has none; without one Chinese would be left out of the page.
    """
    have = set(typst.Fonts(include_system_fonts=True).families())
    for name in FONTS:
        if name in have:
            return name
    raise ConfigError(
        "no Chinese font on this machine", thing=FONTS[0], fix="install the package fonts-noto-cjk"
    )


def typeset(template: str, values: Mapping[str, Any]) -> bytes:
    """Return a PDF; call it in a worker, it takes some tenths of a second.

    Args:
        template: Name of a template of this folder, without `.typ`.
        values: Plain values the template reads.

    Raises:
        ConfigError: There is no Chinese font.
        InputError: The template cannot be set with these values.
    """
    source = files(__package__).joinpath(f"{template}.typ").read_bytes()
    data = json.dumps({**values, "font": chinese_font()}, ensure_ascii=False, allow_nan=False)
    try:
        made = typst.compile(source, sys_inputs={"data": data}, format="pdf")
    except typst.TypstError as error:
        raise InputError(f"report cannot be set: {error}", thing=template) from error
    assert isinstance(made, bytes)
    return made
