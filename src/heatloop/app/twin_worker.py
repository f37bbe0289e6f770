"""What runs inside a worker: one model a ledger, made when first asked for and kept."""

from __future__ import annotations

import math

from heatloop.app.twin_fit import Fitted
from heatloop.app.twin_model import TwinModel
from heatloop.app.twin_readings import TwinPlant
from heatloop.app.twin_scenario import answer
from heatloop.app.twin_state import Failed, TwinRun, WhatIf, WhatIfAnswer
from heatloop.kernel.errors import HeatloopError
from heatloop.network.arrays import Floats

UNKNOWN = Failed(code="unknown", message="this worker does not know the ledger")
_models: dict[str, TwinModel | Failed] = {}
_fitted: dict[tuple[str, float], Fitted] = {}


def _model(token: str, plant: TwinPlant | None) -> TwinModel | Failed:
    found = _models.get(token)
    if found is None and plant is not None:
        # One ledger is in force at a time; an older one's model is of no use.
        _models.clear()
        _fitted.clear()
        try:
            found = TwinModel(plant)
        except HeatloopError as error:
            found = Failed(code="no_network", message=error.message, thing=error.thing)
        _models[token] = found
    return UNKNOWN if found is None else found


def estimate(token: str, plant: TwinPlant | None, t_s: float, values: Floats) -> TwinRun | Failed:
    """Return the state of the network of a ledger.

    Args:
        token: Name of the ledger.
        plant: The ledger's part; None if this worker should know it.
        t_s: Plant time of the readings.
        values: Readings, shape (n_reading,).
    """
    model = _model(token, plant)
    if isinstance(model, Failed):
        return model
    first = not _fitted
    run = model.run(t_s, values)
    if first and isinstance(run, TwinRun):
        # Loops compile at their first use, which is then over before somebody waits for them.
        think(token, plant, run, values, WhatIf())
    return run


def think(
    token: str, plant: TwinPlant | None, run: TwinRun, values: Floats, what: WhatIf
) -> WhatIfAnswer | Failed:
    """Return what a change would do.

    Args:
        token: Name of the ledger.
        plant: The ledger's part; None if this worker should know it.
        run: The estimate to start from.
        values: The readings it was made of, shape (n_reading,).
        what: The change.
    """
    model = _model(token, plant)
    if isinstance(model, Failed):
        return model
    try:
        fitted = _fitted.get((token, run.t_s))
        if fitted is None:
            opened = {
                code: float(value)
                for (code, kind), value in zip(model.plant.readings, values.tolist(), strict=True)
                if kind == "valve_opening" and math.isfinite(value)
            }
            fitted = Fitted(model.ledger, run, opened, model.pumps)
            _fitted.clear()
            _fitted[token, run.t_s] = fitted
        return answer(fitted, what)
    except HeatloopError as error:
        code = "invalid" if error.thing and error.thing != "network" else "not_settled"
        return Failed(code=code, message=error.message, thing=error.thing)
