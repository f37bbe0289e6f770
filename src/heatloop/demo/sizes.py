"""The sizes a demo city comes in; without numpy, for command lines."""

from __future__ import annotations

SIZES = {"tiny": 2, "small": 12, "medium": 40, "large": 520}
"""Number of substations by name of the size."""
DEFAULT_SIZE = "medium"
SIZES_HELP = "size of the demo city: " + ", ".join(
    f"{name} ({count} substations{', the default' if name == DEFAULT_SIZE else ''})"
    for name, count in SIZES.items()
)
