"""`heatloop storage` against a served platform."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.cli import storage
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from tests.contract.test_web_link import served
from tests.unit.app_town import PASSWORD, START_S, Town, town

SLOT = int(START_S)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "t") as made:
        keys = np.array(sorted(made.platform.world.ledger.by_key), "u4")
        for tick in range(4):
            slots = np.full(len(keys), SLOT - 86400 * 3 + 30 * tick, "u4")
            columns = Columns(keys, slots, keys * 1.0, np.zeros(len(keys), "u1"))
            await made.platform.historian.append(columns)
        yield made


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    storage.add_to(parser.add_subparsers())
    return parser.parse_args(["storage", *words])


async def test_every_action_goes_through_the_api(
    here: Town, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATLOOP_PASSWORD", PASSWORD)
    here.add_user("zhao", Role.SYSTEM_ADMIN)
    async with served(here) as url:

        async def ask(*words: str) -> tuple[int, str]:
            given = options(*words, "--url", url, "--user", "zhao")
            code = await asyncio.to_thread(storage.run, given)
            return code, capsys.readouterr().out

        # The engine of the tests keeps samples as they came: 1:1 is less than 5:1.
        code, out = await ask("report", "--kinds")
        assert code == 1
        assert "1.0 : 1" in out
        assert "lossless ok" in out
        code, out = await ask("report", "--json")
        assert json.loads(out)["compression"]["lossless"] is True
        code, out = await ask("forecast", "--json")
        assert code == (0 if json.loads(out)["ok"] else 1)
        _, out = await ask("forecast")
        assert "until full" in out
        code, out = await ask("retention")
        assert code == 0
        assert "nothing has expired" in out
        code, out = await ask("retention", "--run", "--reason", "test")
        assert code == 0
        assert "永久" in out
        code, out = await ask("compact", "--reason", "test")
        assert (code, out.strip()) == (0, "compact done")
        code, out = await ask("integrity", "--check")
        assert code == 0
        assert "misfits 0" in out


async def test_others_than_system_administrators_are_refused(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATLOOP_PASSWORD", PASSWORD)
    here.add_user("wang", Role.DISPATCHER)
    async with served(here) as url:
        given = options("report", "--url", url, "--user", "wang")
        with pytest.raises(InputError, match="403"):
            await asyncio.to_thread(storage.run, given)


def test_a_running_or_missing_store_is_not_encrypted(tmp_path: Path) -> None:
    given = options("encrypt", "--data", str(tmp_path))
    with pytest.raises(InputError, match="no time series"):
        storage.run_encrypt(given)
    (tmp_path / "historian").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "historian.sock").touch()
    with pytest.raises(ConfigError, match="stop the platform"):
        storage.run_encrypt(given)
