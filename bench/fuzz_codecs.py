"""Ten minutes of noise into every decoder: no crash, no hang, no runaway memory.

    python -m bench.fuzz_codecs [--minutes 10] [--quick]

With the package `atheris` each target runs under libFuzzer in a process of its own, guided by
coverage; without it the inputs are blind mutations of good frames, and the note says so.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from bench.lines import Lines

_QUICK_MINUTES = 0.15
_INPUT_S = 5
_MEMORY_MB = 1024
_MAX_BYTES = 1024
_CRASHED, _HUNG = 77, 70


@dataclass(slots=True)
class Run:
    """What feeding one target brought."""

    executions: int = 0
    """Inputs fed."""
    crashes: int = 0
    """Inputs that raised something else than a refusal, or ate the memory."""
    hangs: int = 0
    """Inputs that took longer than 5 s."""
    note: str = ""
    """The first input at fault."""


def _mutated(seed: bytes, rng: Random) -> bytes:
    data = bytearray(bytes((rng.randrange(256),)) + seed)
    for _ in range(rng.randrange(1, 8)):
        match rng.randrange(4):
            case 0:
                data[rng.randrange(len(data))] = rng.randrange(256)
            case 1:
                data.insert(rng.randrange(len(data) + 1), rng.randrange(256))
            case 2 if len(data) > 1:
                del data[rng.randrange(len(data))]
            case _:
                at = rng.randrange(len(data))
                data[at:at] = data[at : at + rng.randrange(16)]
    return bytes(data[:_MAX_BYTES])


def blind(name: str, seconds: float) -> Run:
    """Feed a target with blind mutations of its seeds."""
    from bench.fuzz_targets import targets

    target, rng, run = targets()[name], Random(name), Run()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = _mutated(rng.choice(target.seeds), rng)
        began = time.monotonic()
        run.executions += 1
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            run.crashes += 1
            run.note = run.note or f"{name}: {type(error).__name__} on {data.hex()}"
        if time.monotonic() - began > _INPUT_S:
            run.hangs += 1
            run.note = run.note or f"{name}: hang on {data.hex()}"
    return run


def guided(name: str, seconds: float) -> Run:
    """Feed a target under libFuzzer, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.fuzz_codecs", "--target", name, "--folder", folder]
        command += ["--seconds", f"{max(1, round(seconds))}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120)
        text = done.stdout + done.stderr
        found = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
        run = Run(executions=int(found[1]) if found else 0)
        if done.returncode:
            hang = done.returncode == _HUNG or "timeout after" in text
            run.hangs, run.crashes = int(hang), int(not hang)
            guilty = [p.read_bytes().hex() for p in Path(folder).glob("guilty*")]
            run.note = f"{name}: exit {done.returncode} on {guilty}: {text[-1500:]}"
        return run


def fuzz(name: str, folder: str, seconds: int) -> None:
    """Run libFuzzer on one target in this process; it ends the process."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["heatloop"]):
        from bench.fuzz_targets import targets

    target = targets()[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        for way in range(8):
            (corpus / f"{number}-{way}").write_bytes(bytes((way,)) + seed)
    limits = [f"-timeout={_INPUT_S}", f"-rss_limit_mb={_MEMORY_MB}", f"-max_len={_MAX_BYTES}"]
    time_ = [f"-max_total_time={seconds}", "-print_final_stats=1"]
    atheris.Setup(
        [sys.argv[0], *limits, *time_, f"-artifact_prefix={folder}/guilty-", str(corpus)], target
    )
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz everything and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz_codecs", add_help=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--target", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, help=argparse.SUPPRESS)
    known, unknown = parser.parse_known_args(arguments)
    if unknown or not 0.05 <= known.minutes <= 10_000:
        print(f"unknown argument {unknown or known.minutes}; see --help")
        return 2
    if known.target:
        fuzz(known.target, known.folder, known.seconds)
        return 0
    from bench.fuzz_targets import targets

    lines = Lines()
    names = tuple(targets())
    each_s = 60.0 * (_QUICK_MINUTES if known.quick else known.minutes) / len(names)
    guide = find_spec("atheris") is not None and not known.quick
    note = "libFuzzer" if guide else "blind mutations"
    if find_spec("atheris") is None:
        note += " (atheris is absent: pip install atheris)"
    total = Run()
    for name in names:
        run = guided(name, each_s) if guide else blind(name, each_s)
        lines.add(f"fuzz_codecs.{name}_executions", run.executions, "", at_least=1, note=note)
        total.crashes, total.hangs = total.crashes + run.crashes, total.hangs + run.hangs
        total.executions += run.executions
        total.note = total.note or run.note
    lines.add("fuzz_codecs.executions", total.executions, "", at_least=1)
    lines.add("fuzz_codecs.crashes", total.crashes, "", at_most=0, note=total.note)
    lines.add("fuzz_codecs.hangs", total.hangs, "", at_most=0)
    return lines.end("fuzz_codecs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
