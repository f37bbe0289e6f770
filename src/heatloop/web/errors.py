"""Every error leaves as one envelope, in both languages, with thing, place and fix."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from heatloop.app.refusals import Refused, code_of, refusals
from heatloop.kernel.errors import HeatloopError
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.web.bodies import BadRowView

_log = structlog.get_logger("heatloop.web")
_STATUS_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    413: "too_large",
}


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str
    """What programs test for."""
    message_zh: str
    """Chinese sentence."""
    message_en: str
    """English sentence."""
    thing: str
    """The name of the thing at fault."""
    place: str
    """Where it was found."""
    fix: str
    """What to do, in English."""
    fix_zh: str
    """What to do, in Chinese."""
    rows: list[BadRowView] | None = None
    """Bad rows of a ledger file."""


class ErrorEnvelope(BaseModel):
    """The one form of every error."""

    error: ErrorBody


def envelope(
    code: str, *, detail: str = "", thing: str = "", place: str = "", fix: str = ""
) -> dict[str, Any]:
    """Return the error envelope of a code as plain values."""
    row = refusals()[code]
    return {
        "error": {
            "code": code,
            "message_zh": f"{row.zh}（{detail}）" if detail else row.zh,
            "message_en": f"{row.en}: {detail}" if detail else row.en,
            "thing": thing,
            "place": place,
            "fix": fix or row.fix_en,
            "fix_zh": row.fix_zh,
        }
    }


def response(error: HeatloopError) -> JSONResponse:
    """Return the response for an error of the tree."""
    code = code_of(error)
    detail = error.detail if isinstance(error, Refused) else error.message
    body = envelope(code, detail=detail, thing=error.thing, place=error.place, fix=error.fix)
    return JSONResponse(body, refusals()[code].status)


async def _on_ledger(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LedgerErrors)
    body = envelope("ledger_rows", detail=f"{len(error.rows)}", place=error.place)
    body["error"]["rows"] = [row.to_dict() for row in error.rows]
    return JSONResponse(body, 422)


async def _on_heatloop(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HeatloopError)
    answer = response(error)
    if answer.status_code >= 500:
        _log.warning("request failed", error=str(error))
    return answer


async def _on_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0] if error.errors() else {}
    where = ".".join(str(part) for part in first.get("loc", ()))
    body = envelope("invalid", detail=str(first.get("msg", "")), place=where)
    return JSONResponse(body, 422)


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _STATUS_CODES.get(error.status_code, "invalid")
    return JSONResponse(envelope(code), error.status_code, headers=error.headers)


async def _on_any(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected error", path=request.url.path, exc_info=error)
    return JSONResponse(envelope("internal"), 500)


def install(app: FastAPI) -> None:
    """Make every error of the application leave in the envelope."""
    app.add_exception_handler(LedgerErrors, _on_ledger)
    app.add_exception_handler(HeatloopError, _on_heatloop)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_any)
