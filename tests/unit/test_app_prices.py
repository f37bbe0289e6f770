"""Prices have one home: a changed one reaches everything that weighs."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatloop.app.price_settings import PriceSettings
from heatloop.app.settings import load_settings
from heatloop.kernel.errors import ConfigError
from tests.unit.app_town import town


async def test_a_changed_price_reaches_everything_that_weighs(tmp_path: Path) -> None:
    told = {"heat_yuan_kwh": 0.21, "power_yuan_kwh": 0.55, "season_fee_yuan_m2": 30.0}
    async with town(tmp_path, prices=told) as here:
        platform = here.platform
        ledger, levels = platform.savings.prices, platform.room_levels._prices()
        network = platform.network_plan._worth
        assert (ledger.heat_yuan_kwh, ledger.power_yuan_kwh) == (0.21, 0.55)
        assert ledger.cold_yuan_m2kh == levels.cold_yuan_m2kh == 30.0 / 4000.0
        assert levels.heat_yuan_kwh == network.heat_yuan_kwh == 0.21
        assert network.power_yuan_kwh == 0.55
        assert platform.strategy._prices.heat_yuan_kwh == 0.21
        tuned = platform.savings.baselines._prices
        assert (tuned.heat_yuan_kwh, tuned.power_yuan_kwh) == (0.21, 0.55)


def test_defaults_are_forty_yuan_a_gigajoule_and_the_usual_fee() -> None:
    prices = PriceSettings()
    assert prices.heat_yuan_kwh == pytest.approx(40.0 / 277.78, rel=1e-3)
    assert prices.cold_yuan_m2kh == 0.00625


@pytest.mark.parametrize("name", ["heat_yuan_kwh", "power_yuan_kwh", "season_fee_yuan_m2"])
def test_a_price_below_nothing_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"prices.{name}"):
        load_settings(tmp_path, overrides={"prices": {name: -1.0}})
