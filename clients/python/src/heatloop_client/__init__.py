"""Client of a heatloop platform."""

from heatloop_client.client import Client
from heatloop_client.stream import Event
from heatloop_client.transport import ApiError, Upload

__all__ = ["ApiError", "Client", "Event", "Upload"]
