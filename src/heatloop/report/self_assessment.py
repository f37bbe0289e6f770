"""The self-assessment against GB/T 22239 level 3 as a PDF, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.report.typeset import typeset


def self_assessment_pdf(found: Mapping[str, Any]) -> bytes:
    """Return the report as a PDF.

    Args:
        found: `company`, `at`, `version`, `demo`, `headline` and `items`, plain values with
            times already as text.

    Raises:
        ConfigError: There is no Chinese font.
        InputError: The values are not what a report needs.
    """
    return typeset("self_assessment", found)
