"""`heatloop gaps` against a served platform."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heatloop.cli import audit
from heatloop.kernel.errors import InputError
from heatloop.security.access import Role
from tests.contract.test_web_link import served
from tests.unit.app_town import PASSWORD, Town, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "t") as made:
        made.clock.advance(7200)
        yield made


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    audit.add_to(parser.add_subparsers())
    return parser.parse_args(["gaps", *words])


async def test_audit_is_fetched_saved_checked_and_a_changed_one_is_refused(
    here: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATLOOP_PASSWORD", PASSWORD)
    here.add_user("wang", Role.DISPATCHER)
    kept = tmp_path / "audit.json"
    async with served(here) as url:
        common = ("--url", url, "--user", "wang")
        period = ("--from", "2027-01-15T16:00+08:00", "--to", "2027-01-15T09:00Z")
        given = options(*period, *common, "--save", str(kept))
        assert await asyncio.to_thread(audit.run, given) == 1  # nothing is stored
        out = capsys.readouterr().out
        assert "unexplained" in out
        assert "gateway_away" in out
        assert await asyncio.to_thread(audit.run, options("--verify", str(kept), *common)) == 1
        signed = json.loads(kept.read_text())
        kept.write_text(json.dumps({**signed, "body": signed["body"].replace("0", "1", 1)}))
        assert await asyncio.to_thread(audit.run, options("--verify", str(kept), *common)) == 1
        assert "changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [(), ("--from", "2027-01-15", "--to", "x"), ("--from", "2027-01-15T08:00")]
)
def test_times_need_an_offset(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        audit.run(options(*words))


def test_only_its_own_files_are_read(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"body": ""}'):
        path = tmp_path / "x.json"
        path.write_text(text)
        with pytest.raises(InputError):
            audit._read(path)
