"""The variables of the city's OPC UA servers, and who may see them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeService
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from heatloop.demo.devices.face import Face
from heatloop.plant.model import Binding

_TYPES = {
    "": ua.VariantType.Double,
    "float32": ua.VariantType.Float,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "bool": ua.VariantType.Boolean,
}
_REAL = (ua.VariantType.Double, ua.VariantType.Float)
_VALUE = AttributeIds.Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Who may come in."""

    folder: Path | None = None
    """Where the server keeps its certificate and key; made the first time."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Password by user name; empty: anyone whose certificate is trusted."""
    trusted: Collection[bytes] = ()
    """Certificates of clients, DER, looked at whenever one comes; empty: any."""


def _status(code: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(code))


class Users:
    """The library's user manager: it refuses whoever is not named."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Return who somebody is, None for nobody."""
        del iserver, certificate
        if self._users and (username is None or self._users.get(username) != password):
            return None
        return User(role=UserRole.User, name=username)


class Node:
    """One point as a variable."""

    __slots__ = ("binding", "face", "id", "said", "type")

    def __init__(self, face: Face, binding: Binding, node_id: ua.NodeId) -> None:
        self.face, self.binding, self.id = face, binding, node_id
        self.type = _TYPES[binding.dtype]
        self.said: ua.DataValue | None = None

    def value(self) -> ua.DataValue:
        """Return what it shows now."""
        if self.face.silent:
            return ua.DataValue(StatusCode=_status(StatusCodes.BadNoCommunication))
        shown = self.face.value(self.binding)
        if shown != shown:
            return ua.DataValue(StatusCode=_status(StatusCodes.BadNoData))
        raw = (shown - self.binding.offset) / self.binding.factor
        if self.type is ua.VariantType.Boolean:
            return ua.DataValue(ua.Variant(bool(round(raw)), self.type))
        return ua.DataValue(ua.Variant(raw if self.type in _REAL else round(raw), self.type))

    def write(self, value: ua.DataValue) -> int:
        """Take an order; return the status code."""
        variant = value.Value
        if self.binding.access != "rw":
            return StatusCodes.BadNotWritable
        if variant is None or variant.VariantType is not self.type or variant.is_array:
            return StatusCodes.BadTypeMismatch
        raw = float(variant.Value)
        if not math.isfinite(raw):
            return StatusCodes.BadOutOfRange
        taken = self.face.write(self.binding, raw * self.binding.factor + self.binding.offset)
        return StatusCodes.Good if taken else StatusCodes.BadUserAccessDenied


class Attributes(AttributeService):
    """Writes of our variables go to the devices; everything else to the library."""

    def __init__(self, aspace: Any, nodes: Mapping[ua.NodeId, Node]) -> None:
        super().__init__(aspace)
        self._ours = nodes

    async def write(self, params: ua.WriteParameters, user: User | None = None) -> list[Any]:
        """Write what was asked, one status a node."""
        found = []
        for wanted in params.NodesToWrite:
            node = self._ours.get(wanted.NodeId)
            if node is not None and wanted.AttributeId == _VALUE:
                found.append(_status(node.write(wanted.Value)))
            elif wanted.NodeId not in self._aspace:
                found.append(_status(StatusCodes.BadNodeIdUnknown))
            elif user is not None and user.role is not UserRole.Admin:
                found.append(_status(StatusCodes.BadUserAccessDenied))
            else:
                one = ua.WriteParameters(NodesToWrite=[wanted])
                found += await super().write(one)
        return found
