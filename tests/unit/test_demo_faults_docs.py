"""The page about faults names every kind, in both languages, and every scene's device type."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatloop.demo.faults_kinds import KINDS, POINT
from heatloop.demo.ledger import demo_ledger

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_has_its_row(kind: str) -> None:
    row = KINDS[kind]
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
    assert len(lines) == 1
    cells = [cell.strip() for cell in lines[0].split("|")]
    assert cells[2:4] == [row.zh, row.en]
    if row.at != (POINT,):
        # Its other places stand in the rows below it.
        below = PAGE[PAGE.index(lines[0]) :].splitlines()[: len(row.at)]
        assert [line.split("|")[4].strip(" `") for line in below] == list(row.at)


def test_every_type_of_device_is_named() -> None:
    _, devices, _ = demo_ledger("medium")
    for profile in {device.profile for device in devices}:
        assert f"`{profile}`" in PAGE
