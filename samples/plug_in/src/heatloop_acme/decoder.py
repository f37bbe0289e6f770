"""The payload of Acme's battery sensors: `A5`, battery in percent, tenths of a degree."""

import struct

from heatloop.app.extensions_api import Decoder, Manifest
from heatloop_acme import AUTHOR, KIND, VERSION

_FRAME = struct.Struct(">BBh")
_START = 0xA5


class FrameDecoder(Decoder):
    """Reads four bytes; used in a gateway by a device with the parameter `decoder=x_acme_frame`."""

    manifest = Manifest(
        name="x_acme_frame",
        zh="Acme 电池传感器报文",
        en="Acme battery sensor payload",
        kind="decoder",
        version=VERSION,
        author=AUTHOR,
        outputs=(KIND, "battery"),
    )

    def decode(self, payload, port):
        if len(payload) != _FRAME.size or payload[0] != _START:
            raise ValueError("no Acme frame")
        _, battery, tenths = _FRAME.unpack(payload)
        return {KIND: tenths / 10, "battery": battery}
