"""Devices that report by themselves: what every way of listening to them offers a gateway.

Whatever came is judged, spooled and then answered by one `Intake`; see there for the rules.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from heatloop.edge.drivers.decoders import Decoders
from heatloop.edge.drivers.listener_intake import Intake
from heatloop.edge.index import ProfileIndex
from heatloop.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerTools:
    """What a gateway lends its listeners."""

    intake: Intake
    """Judges and keeps reports."""
    zone: str
    """IANA zone of times that come without one."""
    secrets: Path
    """Folder with tokens and keys of sources and devices."""
    decoders: Decoders = field(default_factory=Decoders)
    """Payload decoders of third parties."""

    def secret(self, name: str) -> bytes:
        """Return a secret by its file name.

        Raises:
            InputError: There is none of this name.
        """
        path = self.secrets / name
        if "/" in name or name.startswith(".") or not path.is_file():
            fix = "put it into the gateway's secrets folder"
            raise InputError("no such secret", thing=name, fix=fix)
        return path.read_bytes().strip()


class Listener(ABC):
    """One way devices report.

    Args:
        tools: What the gateway lends.
    """

    def __init__(self, tools: ListenerTools) -> None:
        self.tools, self.intake = tools, tools.intake

    @abstractmethod
    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """

    async def run(self) -> None:
        """Do what goes on besides answering, until cancelled."""
        await asyncio.Event().wait()

    @abstractmethod
    async def stop(self) -> None:
        """Stop listening."""

    def use(self, index: ProfileIndex) -> None:
        """Know the devices of this profile from now on; the intake already does."""
        del index
