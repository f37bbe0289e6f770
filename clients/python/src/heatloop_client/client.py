"""What is written by hand: signing in, pages, data in bulk, the live stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from heatloop_client.operations import Operations
from heatloop_client.stream import Event

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SAMPLES, _ROLLUPS = "/api/v1/bulk/samples", "/api/v1/bulk/rollups"


class Client(Operations):
    """A session with a platform: every operation of the API, and what follows here."""

    def login(self, user: str, password: str, code: str = "") -> None:
        """Begin a session; a first password must be changed before anything else is possible.

        `sign_out` ends it. Programs that run by themselves use a key instead (`key=`).

        Args:
            user: Login name.
            password: Password.
            code: One-time code, for a user who has a second factor.

        Raises:
            ApiError: User, password or code are wrong, or the account is locked.
        """
        session = self.sign_in(body={"user": user, "password": password})
        if session["must_prove"] and code:
            self.second_step(body={"code": code})

    def pages(self, operation: Callable[..., Any], size: int = 200, **query: Any) -> Iterator[Any]:
        """Yield every item of an operation that gives pages, asking for them one by one.

        Args:
            operation: A method of this client with `page` and `size`, for example `list_points`.
            size: Items a page.
            query: Its other arguments.
        """
        page = 1
        while True:
            found = operation(page=page, size=size, **query)
            yield from found["items"]
            if not found["items"] or page * size >= found["total"]:
                return
            page += 1

    def download(
        self,
        target: Path | BinaryIO,
        *,
        start: datetime,
        end: datetime,
        step: str | None = None,
        format: str = "parquet",  # noqa: A002 - the name the interface has
        **choose: Any,
    ) -> int:
        """Write samples (or, with a step, roll-ups) to a file as they come; return its bytes.

        Args:
            target: Path, or a file open for writing bytes.
            start: Begin, with a zone.
            end: End, with a zone.
            step: `10m`, `1h` or `1d`; None: samples.
            format: `arrow`, `parquet`, `csv` or `xlsx`.
            choose: Which points, as `query_points` takes it: `q`, `points`, `kind`, `within` ..

        Raises:
            ApiError: The platform refused.
        """
        query = {"start": start, "end": end, "format": format, **choose}
        with self._bulk(step, query) as pieces:
            if isinstance(target, Path):
                with target.open("wb") as file:
                    return sum(file.write(piece) for piece in pieces)
            return sum(target.write(piece) for piece in pieces)

    def samples_arrow(self, *, start: datetime, end: datetime, **choose: Any) -> pa.Table:
        """Return samples as an Arrow table of code, time, value, quality, unit; needs pyarrow."""
        return self._table(None, {"start": start, "end": end, **choose})

    def rollups_arrow(
        self, *, start: datetime, end: datetime, step: str = "1h", **choose: Any
    ) -> pa.Table:
        """Return roll-ups as an Arrow table; needs pyarrow."""
        return self._table(step, {"start": start, "end": end, **choose})

    def samples_pandas(self, *, start: datetime, end: datetime, **choose: Any) -> pd.DataFrame:
        """Return samples as a data frame; needs pandas and pyarrow."""
        return self.samples_arrow(start=start, end=end, **choose).to_pandas()

    def rollups_pandas(
        self, *, start: datetime, end: datetime, step: str = "1h", **choose: Any
    ) -> pd.DataFrame:
        """Return roll-ups as a data frame; needs pandas and pyarrow."""
        return self.rollups_arrow(start=start, end=end, step=step, **choose).to_pandas()

    def events(
        self, *, points: str = "", substation: str = "", overview: bool = False
    ) -> Iterator[Event]:
        """Yield the events of the live stream until the caller stops or the session ends.

        Args:
            points: Codes joined by commas.
            substation: Code of a substation: all its points.
            overview: Whether values of the overview come too.

        Raises:
            ApiError: The platform refused.
        """
        return self.get_stream(points=points, substation=substation, overview=overview)

    @contextmanager
    def _bulk(self, step: str | None, query: dict[str, Any]) -> Iterator[Iterator[bytes]]:
        path = _SAMPLES if step is None else _ROLLUPS
        more = {} if step is None else {"step": step}
        with self.streamed("GET", path, query={**query, **more}, read_timeout_s=600.0) as answer:
            yield answer.iter_raw(1 << 20)

    def _table(self, step: str | None, query: dict[str, Any]) -> pa.Table:
        import io

        import pyarrow as pa

        kept = io.BytesIO()
        with self._bulk(step, {**query, "format": "arrow", "compressed": True}) as pieces:
            for piece in pieces:
                kept.write(piece)
        return pa.ipc.open_stream(pa.py_buffer(kept.getbuffer())).read_all()
