"""On which days a unit goes back to the tuned curve, so that savings stay provable."""

from __future__ import annotations

import hashlib

from heatloop.kernel.errors import InputError

BLOCK_DAYS = 6
"""Length of a stretch under one control: two days settle, four count."""
SWITCH_BACK_SHARE = 0.25


def switches_back(
    subject: str,
    day: int,
    *,
    share: float = SWITCH_BACK_SHARE,
    block_days: int = BLOCK_DAYS,
) -> bool:
    """Return whether a unit is on the tuned curve on a day, though its strategy could run.

    In every round of blocks one block goes back; which one is drawn by the unit's code and the
    round, so that neither weather nor weekdays nor anybody's wishes choose it.

    Args:
        subject: Unit code.
        day: Days since 1970-01-01, local.
        share: Share of days on the curve, 0 to 0.5; 0: never.
        block_days: Days in a block.

    Raises:
        InputError: The share or the length is out of range.
    """
    if not 0.0 <= share <= 0.5:
        raise InputError("share of switch-back days must lie in 0 to 0.5", thing=str(share))
    if block_days < 1:
        raise InputError("a block needs a day or more", thing=str(block_days))
    if share == 0.0:
        return False
    blocks = max(round(1.0 / share), 2)
    turn, block = divmod(day // block_days, blocks)
    drawn = hashlib.sha256(f"{subject}|{turn}".encode()).digest()
    return block == int.from_bytes(drawn[:8], "big") % blocks
