"""A broker for the demo where Debian's mosquitto is installed; the product brings none."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

from heatloop.kernel.errors import ConfigError

_STARTS_S = 5.0
_STOPS_S = 2.0


def mosquitto() -> str | None:
    """Return the path of the broker's program, or None."""
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


class Broker:
    """A running broker.

    Args:
        folder: Where its settings and log go.
        host: Address.
        port: Port.
    """

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self._folder, self._host, self._port = folder, host, port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            ConfigError: It is not installed, or does not start.
        """
        program = mosquitto()
        if program is None:
            raise ConfigError("there is no MQTT broker", fix="apt-get install mosquitto")
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self._port} {self._host}\nallow_anonymous true\npersistence false\n"
            f"log_dest file {self._folder / 'mosquitto.log'}\nlog_type error\nlog_type warning\n"
        )
        self._process = await asyncio.create_subprocess_exec(
            program, "-c", str(settings), stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_STARTS_S):
                await self._until_it_listens()
        except TimeoutError as error:
            await self.close()
            raise ConfigError(
                "broker does not start", thing=f"{self._host}:{self._port}",
                fix=f"see {self._folder / 'mosquitto.log'}",
            ) from error  # fmt: skip

    async def _until_it_listens(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return

    async def close(self) -> None:
        """Stop it."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOPS_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
