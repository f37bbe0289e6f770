"""Virus scans by ClamAV where it is installed: its daemon's socket, or `clamscan`."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from heatloop.app.watch_settings import WatchSettings
from heatloop.kernel.errors import LinkError

_CHUNK = 1 << 16
_SCAN_TIMEOUT_S = 3600.0
_FILE_TIMEOUT_S = 60.0
_MOST_FOUND = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """What a scan said."""

    tool: str
    """What scanned, with its version."""
    found: tuple[str, ...]
    """Names of what was found, with the file."""


class Antivirus:
    """Scans bytes and folders."""

    def __init__(self, watch: WatchSettings) -> None:
        self._watch = watch

    @property
    def present(self) -> bool:
        """Return whether there is anything to scan with."""
        return bool(self._watch.clamd) or shutil.which("clamscan") is not None

    def scan_bytes(self, data: bytes) -> Scanned:
        """Scan one file's content.

        Raises:
            LinkError: Nothing scans here, or it does not answer.
        """
        if self._watch.clamd:
            return self._ask_daemon(data)
        with tempfile.TemporaryDirectory(prefix="heatloop-scan-") as folder:
            path = Path(folder, "upload")
            path.write_bytes(data)
            return self.scan_folder(path, timeout_s=_FILE_TIMEOUT_S)

    def scan_folder(self, *paths: Path, timeout_s: float = _SCAN_TIMEOUT_S) -> Scanned:
        """Scan files and folders with `clamscan`.

        Raises:
            LinkError: It is not installed, has no signatures, or does not end.
        """
        program = shutil.which("clamscan")
        if program is None:
            raise LinkError("no virus scanner", thing="clamscan", fix="install ClamAV")
        command = [program, "--recursive", "--infected", "--no-summary", "--stdout"]
        if self._watch.virus_database:
            command.append(f"--database={self._watch.virus_database}")
        try:
            done = subprocess.run(
                [*command, *map(str, paths)],
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LinkError(f"the virus scan broke off: {error}", thing="clamscan") from error
        if done.returncode not in (0, 1):
            said = (done.stderr or done.stdout).strip()[-300:]
            raise LinkError(f"the virus scan failed: {said}", thing="clamscan")
        lines = [line for line in done.stdout.splitlines() if line.endswith(" FOUND")]
        return Scanned(tool="clamscan", found=tuple(lines[:_MOST_FOUND]))

    def _ask_daemon(self, data: bytes) -> Scanned:
        """Send a stream to clamd (INSTREAM: chunks with their length, a zero length at the end)."""
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as link:
                link.settimeout(_FILE_TIMEOUT_S)
                link.connect(self._watch.clamd)
                link.sendall(b"zINSTREAM\0")
                for at in range(0, len(data), _CHUNK):
                    part = data[at : at + _CHUNK]
                    link.sendall(struct.pack("!I", len(part)) + part)
                link.sendall(struct.pack("!I", 0))
                said = b""
                while block := link.recv(4096):
                    said += block
        except OSError as error:
            raise LinkError(
                f"clamd does not answer: {error}", thing=self._watch.clamd, fix="start clamd"
            ) from error
        answer = said.rstrip(b"\0\n").decode("utf-8", "replace")
        if answer.endswith(" FOUND"):
            return Scanned(tool="clamd", found=(answer,))
        if answer.endswith(" OK"):
            return Scanned(tool="clamd", found=())
        raise LinkError(f"clamd says {answer[:200]}", thing=self._watch.clamd)
