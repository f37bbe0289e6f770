"""The N-1 report before the season as a PDF, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.report.typeset import typeset


def n_minus_1_pdf(report: Mapping[str, Any]) -> bytes:
    """Return the report as a PDF; call it in a worker.

    Args:
        report: `company`, `holds`, `verdict`, `facts`, `notes` and `cases`, plain text as
            `app.dispatch_export` gives it.

    Raises:
        ConfigError: There is no Chinese font.
        InputError: The values are not what a report needs.
    """
    return typeset("n_minus_1", report)
