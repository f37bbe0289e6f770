"""The forecast of the demo's own city, asked at the city's control door; only a demo has one.

The platform of a demo cannot look at the city's weather: it gets a forecast with the errors
forecasts have, and nothing else, as JSON lines over the city's unix socket.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from heatloop.bridge.weather.model import QUANTITIES, Hour, Report, usable
from heatloop.kernel.errors import InputError, LinkError

NAME = "city"
_TIMEOUT_S = 10.0
_LONGEST_LINE = 1 << 20
_HOUR_S = 3600.0


class CityForecast:
    """Asks the demo's city.

    Args:
        socket: Its control door.
    """

    name = NAME
    forecasts = observes = True

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def fetch(self, hours: int, now_s: float) -> Report:
        """Return the city's forecast.

        Raises:
            LinkError: The city does not answer.
            InputError: It refuses, or its answer cannot be read.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                told = await self._ask({"type": "control", "id": 1, "op": "forecast",
                                        "hours": hours})  # fmt: skip
        except (OSError, TimeoutError) as error:
            raise LinkError("the city does not answer", thing=str(self._socket)) from error
        return read(told, now_s)

    async def _ask(self, message: dict[str, Any]) -> Any:
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_LONGEST_LINE)
        try:
            writer.write(json.dumps(message).encode() + b"\n")
            while line := await reader.readline():
                told = json.loads(line)
                if told.get("type") == "reply":
                    return told
        except ValueError as error:
            raise InputError("the city gave no JSON", thing=str(self._socket)) from error
        finally:
            writer.close()
        raise ConnectionError("the city closed the connection")


def read(told: Any, now_s: float) -> Report:
    """Return a reply as a report.

    Raises:
        InputError: The city refused, or the reply holds no hours.
    """
    if not isinstance(told, dict) or not told.get("ok"):
        raise InputError("the city gave no forecast", thing=NAME, place=str(told)[:200])
    left_out: list[str] = []
    hours = []
    for row in told.get("hours", ()):
        values = {name: usable(name, row.get(name), left_out) for name in QUANTITIES}
        hours.append(Hour.of(float(row["at_s"]), values))
    coming = tuple(hour for hour in hours if hour.at_s > now_s)
    before = [hour for hour in hours if now_s - _HOUR_S < hour.at_s <= now_s]
    if not coming:
        raise InputError("the city's forecast lies in the past", thing=NAME)
    return Report(
        source=NAME,
        issued_s=float(told["issued_s"]),
        present=before[-1] if before else None,
        hours=coming,
        left_out=tuple(left_out),
    )
