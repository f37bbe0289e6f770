"""Rows in bulk as Arrow streams, Parquet and CSV, written piece by piece to whoever reads.

Nothing is held longer than a piece: a writer gives the bytes that are ready after each batch.
"""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from heatloop.kernel.errors import InputError

ARROW, PARQUET, CSV = "arrow", "parquet", "csv"
MEDIA = {
    ARROW: "application/vnd.apache.arrow.stream",
    PARQUET: "application/vnd.apache.parquet",
    CSV: "text/csv; charset=utf-8",
}
"""Media type by kind."""
_ZSTD_LEVEL = 1


class ByteSink:
    """Collects what a writer writes until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> int:
        """Keep what is written."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is nothing behind."""

    def close(self) -> None:
        """Remember that nothing more comes."""
        self.closed = True

    def take(self) -> bytes:
        """Return what has come since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _Writer(Protocol):
    def write_batch(self, batch: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


class BulkWriter:
    """Turns record batches into the bytes of one file.

    Args:
        kind: `arrow`, `parquet` or `csv`.
        schema: Of every batch; its metadata goes into Arrow and Parquet.
        compressed: Arrow: whether columns are compressed (Parquet always is, CSV never).

    Raises:
        InputError: There is no such kind.
    """

    def __init__(self, kind: str, schema: pa.Schema, *, compressed: bool = False) -> None:
        if kind not in MEDIA:
            raise InputError("no such kind of file", thing=kind, fix=f"use {', '.join(MEDIA)}")
        self._sink = ByteSink()
        self._kind = kind
        self._schema = _decoded(schema) if kind == CSV else schema
        file = pa.PythonFile(self._sink, mode="w")
        self._writer: _Writer
        if kind == ARROW:
            options = pa.ipc.IpcWriteOptions(compression="zstd" if compressed else None)
            self._writer = pa.ipc.new_stream(file, schema, options=options)
        elif kind == PARQUET:
            self._writer = pq.ParquetWriter(
                file, schema, compression="zstd", compression_level=_ZSTD_LEVEL
            )
        else:
            self._writer = pa_csv.CSVWriter(file, self._schema)

    def add(self, batch: pa.RecordBatch) -> bytes:
        """Return the bytes that are ready after this batch; they may be none."""
        if self._kind == CSV:
            batch = pa.record_batch(
                [_plain(column) for column in batch.columns], schema=self._schema
            )
        self._writer.write_batch(batch)
        return self._sink.take()

    def end(self) -> bytes:
        """Return the last bytes."""
        self._writer.close()
        return self._sink.take()


def _decoded(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [
            pa.field(field.name, field.type.value_type)
            if pa.types.is_dictionary(field.type)
            else pa.field(field.name, pa.string())
            if pa.types.is_timestamp(field.type)
            else field
            for field in schema
        ]
    )


def _plain(column: pa.Array) -> pa.Array:
    """Return a column as CSV holds it: words in full, times as 2026-01-31T08:15:00Z."""
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        # Many rows share a time: each is written out once.
        found = pc.dictionary_encode(column)
        text = pc.strftime(found.dictionary, format="%Y-%m-%dT%H:%M:%SZ")
        return text.take(found.indices)
    return column
