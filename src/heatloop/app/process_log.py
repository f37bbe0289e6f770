"""How a process writes its log: errors without the values of variables.

Those of a whole installation take minutes to print, and some of them are secrets.
"""

from __future__ import annotations

import structlog


def plain_log() -> None:
    """Log lines with their time and level; errors as Python prints them."""
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=True),
            plain,
        ]
    )
