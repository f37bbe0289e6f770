"""Whether an uploaded file is what its name says, and does not unpack without end."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from heatloop.app.refusals import Refused

_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}")
_MOST_RATIO, _RATIO_FROM = 200.0, 1 << 20
_MOST_UNPACKED, _MOST_MEMBERS = 2 << 30, 10_000
_BLOCK = 1 << 16
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!", b"\xfe\xed\xfa")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_BEGINS: dict[str, tuple[bytes, ...]] = {
    "xlsx": (_ZIP,),
    "zip": (_ZIP, b"PK\x05\x06"),
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "webp": (b"RIFF",),
    "parquet": (b"PAR1",),
    "arrow": (b"ARROW1", b"\xff\xff\xff\xff"),
    "gz": (b"\x1f\x8b",),
}
_TEXTS = ("csv", "json", "toml", "txt", "geojson", "epw", "tsv")


def check_upload(name: str, data: bytes) -> None:
    """Return if a file may be read further.

    Args:
        name: Name it was sent under.
        data: Its content.

    Raises:
        Refused: Its name is a path, it is a program, it is not what its name says, or it
            unpacks to more than can be meant.
    """
    if name and (not _NAME.fullmatch(name) or name in (".", "..")):
        raise Refused("unsafe_upload", detail="file name", place=name[:80])
    if data.startswith(_PROGRAMS):
        raise Refused("unsafe_upload", detail="a program", place=name)
    if data.startswith(_OLE):
        raise Refused("unsafe_upload", detail="an old Office file, may hold macros", place=name)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    begins = _BEGINS.get(ending)
    if begins is not None and data and not data.startswith(begins):
        raise Refused("unsafe_upload", detail=f"not {ending} inside", place=name)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if ending in _TEXTS and b"\x00" in data[:4096] and not wide:
        raise Refused("unsafe_upload", detail="not text inside", place=name)
    if data.startswith(_ZIP):
        _check_zip(name, data)
    elif data.startswith(b"\x1f\x8b"):
        _check_gzip(name, data)


def _check_zip(name: str, data: bytes) -> None:
    """Refuse archives that say, or turn out, to unpack to far more than they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise Refused("unsafe_upload", detail=f"{len(members)} members", place=name)
            total = 0
            for member in members:
                inside = member.filename
                parts = inside.replace("\\", "/").split("/")
                if inside.startswith(("/", "\\")) or ".." in parts:
                    raise Refused("unsafe_upload", detail="path in the archive", place=name)
                if parts[-1].lower().endswith(("vbaproject.bin", ".exe", ".dll", ".scr")):
                    raise Refused("unsafe_upload", detail=f"holds {parts[-1][:40]}", place=name)
                total += member.file_size
                big = member.file_size > _RATIO_FROM
                if big and member.file_size > _MOST_RATIO * max(member.compress_size, 1):
                    raise Refused("unsafe_upload", detail="unpacks without end", place=name)
            if total > _MOST_UNPACKED:
                raise Refused("unsafe_upload", detail="unpacks to too much", place=name)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Refused("unsafe_upload", detail=f"damaged archive: {error}", place=name) from error


def _check_gzip(name: str, data: bytes) -> None:
    unpacker, source, total = zlib.decompressobj(wbits=31), data, 0
    limit = max(int(len(data) * _MOST_RATIO), _RATIO_FROM)
    try:
        while source and not unpacker.eof:
            total += len(unpacker.decompress(source, _BLOCK))
            source = unpacker.unconsumed_tail
            if total > min(limit, _MOST_UNPACKED):
                raise Refused("unsafe_upload", detail="unpacks without end", place=name)
    except zlib.error as error:
        raise Refused("unsafe_upload", detail=f"damaged archive: {error}", place=name) from error
