"""Serves the built screens: every unknown path is the single page, hashed files never change."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import JSONResponse, Response

from heatloop.web.errors import envelope

_PACKED = (".js", ".css", ".html", ".svg", ".json", ".map", ".txt", ".webmanifest")
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    plain: bytes
    packed: bytes | None
    media: str
    cache: str


def _load(path: Path, hashed: bool) -> _File:
    data = path.read_bytes()
    return _File(
        plain=data,
        packed=gzip.compress(data, 9, mtime=0) if path.suffix in _PACKED else None,
        media=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        cache=_FOREVER if hashed else "no-cache",
    )


class Screens:
    """All files of the screens in memory, compressed once at start."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, _File] = {}
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                self._files[name] = _load(path, hashed=name.startswith("assets/"))

    async def serve(self, request: Request) -> Response:
        """Return a file, or the single page for a path of its own router."""
        name = request.path_params.get("path", "")
        if name == "api" or name.startswith("api/"):
            return JSONResponse(envelope("not_found", place=f"/{name}"), 404)
        file = self._files.get(name)
        if file is None and not name.startswith("assets/"):
            file = self._files.get("index.html")
        if file is None:
            return Response("screens are not built: run make screens", 404, media_type="text/plain")
        headers = {"cache-control": file.cache, "vary": "accept-encoding"}
        body = file.plain
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = file.packed
            headers["content-encoding"] = "gzip"
        return Response(body, media_type=file.media, headers=headers)
