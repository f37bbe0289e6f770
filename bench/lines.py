"""What a benchmark prints: one JSON object a line, and the exit code that follows from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def _shown(value: float) -> float:
    """Return four significant digits, and no fewer than stand before the point."""
    return float(f"{value:.4g}") if abs(value) < 1e4 else round(value)


@dataclass(slots=True)
class Lines:
    """Collects the lines of one benchmark file and prints each as it is known."""

    started: float = field(default_factory=time.perf_counter)
    missed: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        peer: str = "",
        peer_value: float | None = None,
        ratio: float | None = None,
        note: str = "",
    ) -> None:
        """Print one figure; a bar that is missed makes the benchmark fail, it is never bent."""
        ok = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        line: dict[str, object] = {"name": name, "value": _shown(value), "unit": unit}
        if peer:
            line["peer"] = peer
        if peer_value is not None:
            line["peer_value"] = _shown(peer_value)
        if ratio is not None:
            line["ratio"] = _shown(ratio)
        if at_least is not None:
            line["bar"] = f">= {at_least:g}"
        if at_most is not None:
            line["bar"] = f"<= {at_most:g}"
        line["ok"] = ok
        if note:
            line["note"] = note
        print(json.dumps(line, ensure_ascii=False), flush=True)
        if not ok:
            self.missed.append(name)

    def end(self, name: str) -> int:
        """Print the wall time and return the exit code."""
        self.add(f"{name}.wall_s", time.perf_counter() - self.started, "s")
        return 1 if self.missed else 0


def main(run: Callable[[Lines, bool], None], name: str, arguments: list[str]) -> int:
    """Run a benchmark; `--quick` asks for a smoke run within 30 s."""
    unknown = [a for a in arguments if a != "--quick"]
    if unknown:
        print(f"unknown argument {unknown[0]}; usage: python -m bench.{name} [--quick]")
        return 2
    lines = Lines()
    run(lines, "--quick" in arguments)
    return lines.end(name)
