"""Numbers as they stand in the cells of foreign tables, and why some are none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heatloop.app.import_cells import decimal_of, from_numbers, refusals
from heatloop.app.import_reasons import Reason

_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"


class Numbers:
    """Reads columns of numbers.

    Args:
        decimal: Decimal sign of the file; empty: told from the first column that shows it.
    """

    def __init__(self, decimal: str) -> None:
        self.decimal = decimal

    def read(
        self, column: pa.Array, bad_values: tuple[float, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Return a column's values, and why some are refused."""
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            values, refused = self._from_text(column)
        elif pa.types.is_boolean(kind):
            values, refused = from_numbers(pc.cast(column, pa.int8()))
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            values, refused = from_numbers(column)
        elif pa.types.is_null(kind):
            refused = np.full(len(column), np.uint8(Reason.NO_VALUE))
            values = np.full(len(column), np.nan)
        else:
            refused = np.full(len(column), np.uint8(Reason.NOT_A_NUMBER))
            values = np.full(len(column), np.nan)
        if bad_values:
            refused[np.isin(values, bad_values) & (refused == 0)] = Reason.BAD_CODE
        return values, refused

    def _from_text(self, text: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        sign = self.decimal or decimal_of(text)
        self.decimal = self.decimal or sign
        if sign == ",":
            text = pc.replace_substring(text, ",", ".")
        nothing = pc.fill_null(pc.equal(text, ""), True)
        try:
            number = pc.cast(pc.if_else(nothing, None, text), pa.float64())
        except pa.ArrowInvalid:
            text = pc.utf8_trim_whitespace(text)
            nothing = pc.fill_null(pc.equal(text, ""), True)
            good = pc.match_substring_regex(text, _NUMBER)
            number = pc.cast(pc.if_else(good, text, None), pa.float64())
        return refusals(number, nothing.to_numpy(zero_copy_only=False))
