"""Peers of the link for its contract tests: a real broker, and a platform that listens to it."""

import asyncio
import contextlib
import socket
import subprocess

from heatloop.app.setting_sections import MqttSettings
from heatloop.kernel.batch import SampleBatch
from tests.contract.test_web_link import served
from tests.unit.app_town import town


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """Debian's broker on a port of its own."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port = program, folder, free_port()
        self._process = None

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self):
        folder = self.folder
        folder.mkdir(exist_ok=True)
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        with (folder / "mosquitto.log").open("ab") as log:
            self._process = self._spawn(config, log)
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.02)
        raise OSError((folder / "mosquitto.log").read_text())

    def _spawn(self, config, log):
        return subprocess.Popen([self.program, "-c", config], stdout=log, stderr=log)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextlib.asynccontextmanager
async def platform_with(folder, broker_url):
    """Give a town whose platform listens to a broker, and its URL."""
    async with town(folder) as made:
        made.platform.mqtt._settings = MqttSettings(url=broker_url)  # before it first runs
        async with served(made) as url:
            yield made, url


def batch_of(key, slot, value=50.0):
    batch = SampleBatch()
    batch.append(key, slot, value)
    return batch
