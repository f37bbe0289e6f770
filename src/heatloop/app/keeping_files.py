"""Photos, voice, papers and documents: kept by checksum, listed, given back."""

from __future__ import annotations

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.keeping import KeptFile, KeptFilePage
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.security.access import Principal
from heatloop.store.files import Files
from heatloop.store.records import Records
from heatloop.store.records.device_life import FileRow


class KeptFiles:
    """Files with what is known of them."""

    def __init__(self, records: Records, audit: Audit, files: Files) -> None:
        self._records, self._audit, self._files = records, audit, files

    async def page(self, page: int, size: int) -> KeptFilePage:
        """Return a page of files, newest first."""
        total, rows = await in_thread(
            self._records.keeping.files, offset=(page - 1) * size, limit=size
        )
        return KeptFilePage(total=total, items=[_view(row) for row in rows])

    async def add(self, by: Principal, name: str, data: bytes) -> KeptFile:
        """Keep a photo, voice, paper or document.

        Raises:
            Refused: It is empty, too large, or of a kind that is not kept.
        """
        try:
            digest, media = await in_thread(self._files.put, data, every=True)
        except InputError as error:
            raise Refused("file_refused", detail=error.message) from error
        row = FileRow(
            sha256=digest,
            name=name[:120],
            media=media,
            size_bytes=len(data),
            user=by.user,
            at=machine_s(),
        )
        await in_thread(self._records.devices.add_file, row)
        await self._audit.add(by.user, "keeping.file", digest, name=row.name, size=len(data))
        return _view(row)

    async def get(self, digest: str) -> tuple[KeptFile, bytes]:
        """Return a file whose checksum was computed again.

        Raises:
            Refused: There is none.
            InputError: It was damaged.
        """
        row = await in_thread(self._records.devices.file, digest)
        if row is None:
            raise Refused("not_found", thing=digest)
        return _view(row), await in_thread(self._files.get, digest)


def _view(row: FileRow) -> KeptFile:
    return KeptFile(
        sha256=row.sha256,
        name=row.name,
        media=row.media,
        size_bytes=row.size_bytes,
        user=row.user,
        at=utc(row.at),
    )
