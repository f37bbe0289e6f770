"""What runs of registers may mean: types and byte orders under which they are plausible."""

from __future__ import annotations

import math
from collections.abc import Mapping

from heatloop.edge.probe.model import Guess, Offer
from heatloop.kernel.errors import InputError
from heatloop.protocols.dtypes import WORD_ORDERS
from heatloop.protocols.registers import decode_raw

_SMALL, _LARGE = 1e-3, 1e7
_BITS_16 = 1 << 16


def plausible_real(words: tuple[int, int], order: str) -> float | None:
    """Return the real that two registers hold in this order, None if nobody would send it."""
    value = float(decode_raw(words, "float32", order))
    if value == 0.0 or not math.isfinite(value) or not _SMALL <= abs(value) < _LARGE:
        return None
    return value


def likely_order(registers: Mapping[int, int]) -> str:
    """Return the byte order in which the registers make most sense as reals; empty: in none.

    The true order leaves no register over, and gives numbers of few digits: the low half of a
    real looks like noise, so that pairing it with the wrong neighbour shows in both.
    """
    scores = {order: _score(registers, order) for order in WORD_ORDERS}
    best = max(scores, key=lambda order: scores[order])
    return best if scores[best] > -math.inf else ""


def _score(registers: Mapping[int, int], order: str) -> float:
    score, reals, taken = 0.0, 0, -1
    for register in sorted(registers):
        if register <= taken:
            continue
        word, low = registers[register], registers.get(register + 1)
        real = plausible_real((word, low), order) if low is not None else None
        if real is None:
            score -= word != 0
            continue
        taken, reals = register + 1, reals + 1
        digits = len(f"{abs(real):.7g}".replace(".", "").strip("0"))
        score += 1.0 + 0.1 * (7 - digits) + 0.05 * (register % 2 == 0)
    return score if reals else -math.inf


def offers_of(
    table: str, registers: Mapping[int, int], again: Mapping[int, int], order: str
) -> list[Offer]:
    """Return what the registers of one table may hold, in register order.

    Args:
        table: Table they stand in, empty for holding registers.
        registers: Words by register.
        again: The same a moment later; empty: not read again.
        order: Byte order of values over two registers; empty: there are no reals.
    """
    found = []
    taken = -1
    for register in sorted(registers):
        if register <= taken:
            continue
        word, low = registers[register], registers.get(register + 1)
        moves = again.get(register, word) != word
        real = plausible_real((word, low), order) if order and low is not None else None
        if real is not None and low is not None:
            taken = register + 1
            moves = moves or again.get(taken, low) != low
            found.append(
                Offer(
                    source=table,
                    register=register,
                    value=round_real(real),
                    dtype="float32",
                    word_order=order,
                    moves=moves,
                    guesses=_others(word, low, order),
                )
            )
            continue
        signed = word - _BITS_16 if word >= 1 << 15 else word
        # A small negative number is far more usual than a number just below 65536.
        dtype, value = ("int16", signed) if signed < 0 and signed > -5000 else ("uint16", word)
        found.append(
            Offer(
                source=table,
                register=register,
                value=value,
                dtype=dtype,
                moves=moves,
                guesses=_others(word, low, order or "ABCD") if word or low else (),
            )
        )
    return found


def round_real(value: float) -> float:
    """Return the shortest number that is the same in 32 bits."""
    return float(f"{value:.7g}")


def _others(word: int, low: int | None, order: str) -> tuple[Guess, ...]:
    guesses = [Guess(dtype="uint16", word_order="", value=word)]
    if word >= 1 << 15:
        guesses.append(Guess(dtype="int16", word_order="", value=word - _BITS_16))
    if low is None:
        return tuple(guesses)
    for dtype in ("uint32", "int32", "bcd32"):
        try:
            value = decode_raw((word, low), dtype, order)
        except InputError:
            continue
        fits = math.isfinite(value) and (dtype != "int32" or value < 0)
        if fits and abs(value) < 4e9:
            guesses.append(Guess(dtype=dtype, word_order=order, value=value))
    return tuple(guesses)
