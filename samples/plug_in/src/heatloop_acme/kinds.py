"""Point kinds Acme's instruments measure."""

from heatloop_acme import KIND


def rows():
    """Return rows like those of heatloop's own table."""
    return [
        {
            "kind": KIND,
            "zh": "循环泵轴承温度",
            "en": "pump bearing temperature",
            "unit": "degC",
            "group": "unit",
            "class": "process",
            "low": -20,
            "high": 150,
            "rate_per_min": 30,
            "period_s": 30,
            "decimals": 1,
        }
    ]
