"""CoAP: the resources a device lists under /.well-known/core, and what they say.

::

    coap://192.168.1.70:5683
    coap://192.168.1.70/sensors/temperature     one resource
"""

from __future__ import annotations

import asyncio
import re

import aiocoap
from aiocoap.error import Error as CoapError

from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError

_LINK = re.compile(r"<([^>]*)>((?:;[^,<\"]*(?:\"[^\"]*\")?)*)")
_MOST = 100
_LIST = ".well-known/core"
_WAIT_S = 8.0


async def probe(target: Target, progress: Progress) -> Report:
    """Return the resources and their present content.

    Raises:
        InputError: The device refuses.
        LinkError: It does not answer.
    """
    target.known()
    report = Report(url=target.url, protocol="coap")
    context = await aiocoap.Context.create_client_context()
    try:
        paths = [target.path]
        if not target.path:
            listed = await _get(context, target, _LIST)
            links = [path for path, _ in _LINK.findall(listed)]
            # Others lead elsewhere, to documents about the device.
            paths = [path.strip("/") for path in links if re.fullmatch(r"/[^#?]+", path)][:_MOST]
            report.device["resources"] = listed
        for number, path in enumerate(path for path in paths if path != _LIST):
            progress(number / len(paths), path)
            try:
                said = await _get(context, target, path)
            except InputError as error:
                report.notes.append(f"{path}: {error.message}")
                continue
            report.offers.append(Offer(source=path, value=said[:500], dtype="text"))
    finally:
        await context.shutdown()
    progress(1.0, "")
    return report


async def _get(context: aiocoap.Context, target: Target, path: str) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    uri = f"coap://{host}:{target.port}/{path}"
    request = aiocoap.Message(code=aiocoap.Code.GET, uri=uri)
    fix = "check address and port; devices that only report cannot be asked"
    try:
        async with asyncio.timeout(max(target.timeout_s, _WAIT_S)):
            answer = await context.request(request).response
    except (CoapError, TimeoutError, OSError) as error:
        why = str(error) or type(error).__name__
        raise LinkError(f"device does not answer: {why}", thing=target.place, fix=fix) from error
    if not answer.code.is_successful():
        raise InputError(f"device answers {answer.code}", thing=path, fix="ask for another path")
    return bytes(answer.payload).decode("utf-8", "replace")
