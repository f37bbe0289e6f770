"""An export: what is wanted, what it is called, what goes along with its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heatloop.app.queries.bulk_rows import rows_a_day
from heatloop.app.queries.semantic import Selection
from heatloop.app.queries.semantic_pages import tag_view
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.quality import Quality
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.bulk_arrow import MEDIA
from heatloop.store.tables import XLSX

STEPS_S = {"10m": 600, "1h": 3600, "1d": 86400}
EXCEL_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An export."""

    selection: Selection
    """Which points."""
    start_s: float
    """Begin, plant seconds."""
    end_s: float
    """End, plant seconds."""
    step: str = ""
    """Empty: samples; `10m`, `1h` or `1d`: roll-ups."""
    kind: str = "arrow"
    """`arrow`, `parquet`, `csv` or `xlsx`."""
    compressed: bool = False
    """Arrow: whether columns are compressed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """An export that may be made."""

    wanted: Wanted
    """What was asked for."""
    points: list[Point]
    """The points, by key."""
    start_s: int
    """Begin."""
    end_s: int
    """End."""
    labels: Mapping[str, str]
    """Class, level, owner and what else the guard says."""
    user: str
    """Who."""

    @property
    def file_name(self) -> str:
        """Return a name that says what is inside."""
        what = f"rollups-{self.wanted.step}" if self.wanted.step else "samples"
        days = "-".join(utc(at).strftime("%Y%m%dT%H%M") for at in (self.start_s, self.end_s))
        return f"heatloop-{what}-{days}.{self.wanted.kind}"

    @property
    def media(self) -> str:
        """Return the media type."""
        return EXCEL_MEDIA if self.wanted.kind == XLSX else MEDIA[self.wanted.kind]

    @property
    def expected_rows(self) -> int:
        """Return the rows if every sample of the poll period arrived."""
        span_s = self.end_s - self.start_s
        step_s = STEPS_S.get(self.wanted.step, 0)
        if step_s:
            return len(self.points) * (span_s // step_s + 1)
        return int(rows_a_day(self.points).sum() * span_s / 86400)


def about(export: Export, world: World, company: CompanySettings) -> dict[str, Any]:
    """Return what goes along with the rows."""
    kinds = sorted({point.kind for point in export.points})
    meanings = {}
    for name in kinds:
        kind, tags = point_kinds()[name], tag_view(name)
        meanings[name] = {
            "zh": kind.zh, "en": kind.en, "unit": kind.unit, "medium": tags.medium,
            "side": tags.side, "quantity": tags.quantity, "role": tags.role,
            "stage": tags.stage, "si_unit": tags.si_unit, "si_factor": tags.si_factor,
            "si_offset": tags.si_offset,
        }  # fmt: skip
    return {
        "demo": company.demo,
        "company": company.zh,
        "plant_time": utc(world.now_s()).isoformat(),
        "made_by": export.user,
        "made_at": utc(machine_s()).isoformat(),
        "start": utc(export.start_s).isoformat(),
        "end": utc(export.end_s).isoformat(),
        "step": export.wanted.step or "raw",
        "ledger_version": world.ledger.version,
        "labels": dict(export.labels),
        "quality": [each.name.lower() for each in Quality],
        "kinds": meanings,
    }


def cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a sheet holds it: times as text in UTC, nothing for what is missing."""
    return {
        name: cell.strftime("%Y-%m-%d %H:%M:%S")
        if hasattr(cell, "strftime")
        else None
        if cell != cell
        else cell
        for name, cell in row.items()
    }
