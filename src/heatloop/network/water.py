"""Water."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats

CP_KJ_KGK = 4.187
"""Heat capacity; constant, so that mass times temperature is energy and balances close."""


def density_kg_m3(temperature_c: Floats | float) -> Floats:
    """Return the density of water between 0 and 150 degC at network pressure.

    Reference: Kell's fit of 1975 at atmospheric pressure (doi 10.1021/je60064a005), cut to a
    quartic; within 0.3 kg/m3 of it up to 100 degC.
    """
    t = np.asarray(temperature_c, dtype=np.float64)
    poly = 999.83952 + t * (
        16.945176
        + t * (-7.9870401e-3 + t * (-46.170461e-6 + t * (105.56302e-9 - t * 280.54253e-12)))
    )
    return np.asarray(poly / (1.0 + 16.87985e-3 * t))
