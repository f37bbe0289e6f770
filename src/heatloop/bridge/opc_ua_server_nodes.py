"""The nodes of the OPC UA server: made when somebody looks, forgotten when nobody does.

A company of 4,000 stations has 240,000 points; as nodes of the library they would take gigabytes
and minutes. Here a node is made from the model when it is first browsed or read, a bounded number
is kept, and those somebody subscribed to stay.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from heatloop.bridge.opc_ua_server_wire import Model
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns

NAMESPACE = "urn:heatloop:plant"
ROOT, ORGANISATION, HEAT_PATH = "heatloop", "Organisation", "HeatPath"
UNITS, RANGE = "EngineeringUnits", "EURange"
MOST_KEPT = 20_000
_A = AttributeIds
_OBJECT, _VARIABLE = ua.NodeClass.Object, ua.NodeClass.Variable
_FOLDERS = {
    ROOT: ("供热系统", "heating plant"),
    ORGANISATION: ("组织机构", "organisation"),
    HEAT_PATH: ("供热路径", "heat path"),
}
_STATUS = {
    Quality.GOOD: StatusCodes.Good,
    Quality.UNCERTAIN: 0x40000000,
    Quality.BAD: 0x80000000,
    Quality.STALE: StatusCodes.UncertainLastUsableValue,
    Quality.ESTIMATED: StatusCodes.UncertainSubstituteValue,
}
# Common codes of UN/ECE recommendation 20; their letters as a number are the unit's id (Part 8).
_UNECE = {
    "degC": "CEL", "kPa": "KPA", "m3/h": "MQH", "m3": "MTQ", "kW": "KWT", "kWh": "KWH",
    "Hz": "HTZ", "%": "P1", "permille": "NX", "m": "MTR", "m/s": "MTS", "deg": "DD",
    "W/m2": "D54", "ms": "C26", "h": "HUR", "A": "AMP", "V": "VLT", "kbit/s": "C74", "-": "C62",
}  # fmt: skip


def unit_id(unit: str) -> int:
    """Return the id of a unit: the letters of its common code as a number; -1 without one."""
    code = _UNECE.get(unit)
    return -1 if code is None else int.from_bytes(code.encode("ascii"), "big")


def status_of(quality: int) -> ua.StatusCode:
    """Return the status code of a quality."""
    return ua.StatusCode(ua.UInt32(_STATUS[Quality(quality)]))


def _time(at_s: float) -> ua.DateTime:
    """Return a time as the library wants it: without a zone it would take it for UTC as well."""
    return cast(ua.DateTime, utc(at_s))


def _standard(number: int) -> ua.NodeId:
    """Return the id of a node of the standard."""
    return ua.NodeId(ua.Int32(number))


class Values:
    """Latest values as arrays, in the order of the sorted keys."""

    def __init__(self, keys: list[int]) -> None:
        self.keys = np.unique(np.array(keys, "u4"))
        size = len(self.keys)
        self.values, self.quality = np.full(size, np.nan), np.zeros(size, "u1")
        self.slots = np.zeros(size, "u4")

    def at(self, key: int) -> int:
        """Return the position of a key that is there."""
        return int(np.searchsorted(self.keys, key))

    def take(self, columns: Columns) -> Any:
        """Take in newer values; return their positions."""
        at = np.minimum(np.searchsorted(self.keys, columns.keys), max(len(self.keys) - 1, 0))
        if not len(self.keys):
            return at[:0]
        fresh = (self.keys[at] == columns.keys) & (columns.slots >= self.slots[at])
        order = np.argsort(columns.slots[fresh], kind="stable")
        at = at[fresh][order]
        for own, new in (
            (self.values, columns.values),
            (self.quality, columns.quality),
            (self.slots, columns.slots),
        ):
            own[at] = new[fresh][order]
        return np.unique(at)

    def data(self, at: int) -> ua.DataValue:
        """Return a value as the server says it."""
        slot = int(self.slots[at])
        now = _time(machine_s())
        if not slot:
            waiting = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))
            return ua.DataValue(StatusCode=waiting, ServerTimestamp=now)
        value, quality = float(self.values[at]), int(self.quality[at])
        when = _time(slot)
        if value != value:
            missing = ua.StatusCode(ua.UInt32(StatusCodes.BadNoData))
            return ua.DataValue(StatusCode=missing, SourceTimestamp=when, ServerTimestamp=now)
        return ua.DataValue(
            Value=ua.Variant(value, ua.VariantType.Double),
            StatusCode=status_of(quality),
            SourceTimestamp=when,
            ServerTimestamp=now,
        )


class Plant:
    """The model, indexed, and how a node is made of it."""

    def __init__(self, model: Model, index: int) -> None:
        self._index = index
        self._assets = {row[0]: row for row in model.assets}
        self._kinds = model.kinds
        self.points = {row[1]: row for row in model.points}
        self.code_of = {int(row[0]): str(row[1]) for row in model.points}
        self.values = Values([int(row[0]) for row in model.points])
        self._points_of: dict[str, list[str]] = {}
        for _, code, asset, *_rest in model.points:
            self._points_of.setdefault(asset, []).append(code)
        self._below: dict[str, list[str]] = {}
        self._answers_for: dict[str, list[str]] = {}
        self._above: dict[str, str] = {}
        organisations = {row[0] for row in model.assets if row[3] in ("company", "branch", "team")}
        for code, _, _, _, parent, organisation in model.assets:
            top = ORGANISATION if code in organisations else HEAT_PATH
            above = parent if parent in self._assets else top
            self._above[code] = above
            self._below.setdefault(above, []).append(code)
            if organisation in self._assets:
                self._answers_for.setdefault(organisation, []).append(code)

    def id(self, text: str) -> ua.NodeId:
        """Return the node id of a name of ours."""
        return ua.NodeId(ua.String(text), ua.Int16(self._index))

    def make(self, name: str, changed: Callable[[str, bool], None]) -> NodeData | None:
        """Return a new node, or None when there is nothing of this name.

        Args:
            name: Identifier of its node id.
            changed: Is told whether somebody watches a point's value.
        """
        if name in _FOLDERS:
            return self._folder(name)
        if name in self._assets:
            return self._asset(name)
        if name in self.points:
            return self._point(name, changed)
        code, _, which = name.partition("#")
        if code in self.points and which in (UNITS, RANGE):
            return self._property(code, which)
        return None

    def _folder(self, name: str) -> NodeData:
        zh, en = _FOLDERS[name]
        node = self._object(name, name, zh, en)
        if name == ROOT:
            above = _standard(ObjectIds.ObjectsFolder)
            node.references.append(_reference(ObjectIds.Organizes, above, "Objects", forward=False))
            below = [ORGANISATION, HEAT_PATH]
        else:
            node.references.append(self._ref(ObjectIds.Organizes, ROOT, forward=False))
            below = self._below.get(name, [])
        node.references += [self._ref(ObjectIds.Organizes, each) for each in below]
        return node

    def _asset(self, code: str) -> NodeData:
        _, zh, en, _, _, organisation = self._assets[code]
        node = self._object(code, code, zh, en)
        refs = node.references
        refs.append(self._ref(ObjectIds.Organizes, self._above[code], forward=False))
        if organisation in self._assets:
            refs.append(self._ref(ObjectIds.Organizes, organisation, forward=False))
        below = (*self._below.get(code, ()), *self._answers_for.get(code, ()))
        refs += [self._ref(ObjectIds.Organizes, each) for each in dict.fromkeys(below)]
        refs += [self._ref(ObjectIds.HasComponent, each) for each in self._points_of.get(code, ())]
        return node

    def _point(self, code: str, changed: Callable[[str, bool], None]) -> NodeData:
        key, _, asset, kind, n = self.points[code]
        zh, en, *_ = self._kinds[kind]
        name = f"{kind}.{n}" if n else kind
        node = self._node(code, _VARIABLE, name, zh, en)
        _variable(node, _standard(ObjectIds.Double))
        at = self.values.at(int(key))
        held = AttributeValue(ua.DataValue())
        held.value = None
        held.value_callback = lambda *_: self.values.data(at)
        held.datachange_callbacks = _Watchers(lambda on: changed(code, on))
        node.attributes[_A.Value] = held
        node.references = [
            _type(ObjectIds.AnalogItemType),
            self._ref(ObjectIds.HasComponent, asset, forward=False),
            self._ref(ObjectIds.HasProperty, f"{code}#{UNITS}"),
            self._ref(ObjectIds.HasProperty, f"{code}#{RANGE}"),
        ]
        return node

    def _property(self, code: str, which: str) -> NodeData:
        _, _, unit, low, high = self._kinds[self.points[code][3]]
        node = self._node(f"{code}#{which}", _VARIABLE, which, which, which, index=0)
        shown: Any
        if which == UNITS:
            shown = ua.EUInformation(
                NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact",
                UnitId=ua.Int32(unit_id(unit)),
                DisplayName=ua.LocalizedText(unit, "en"),
                Description=ua.LocalizedText(unit, "en"),
            )
            _variable(node, _standard(ObjectIds.EUInformation))
        else:
            shown = ua.Range(Low=ua.Double(low), High=ua.Double(high))
            _variable(node, _standard(ObjectIds.Range))
        value = ua.DataValue(ua.Variant(shown, ua.VariantType.ExtensionObject))
        node.attributes[_A.Value] = AttributeValue(value)
        node.references = [
            _type(ObjectIds.PropertyType),
            self._ref(ObjectIds.HasProperty, code, forward=False),
        ]
        return node

    def _object(self, name: str, browse: str, zh: str, en: str) -> NodeData:
        node = self._node(name, _OBJECT, browse, zh, en)
        node.attributes[_A.EventNotifier] = _plain(0, ua.VariantType.Byte)
        node.references = [_type(ObjectIds.FolderType)]
        return node

    def _node(
        self,
        name: str,
        kind: ua.NodeClass,
        browse: str,
        zh: str,
        en: str,
        index: int | None = None,
    ) -> NodeData:
        node = NodeData(self.id(name))
        number = self._index if index is None else index
        texts = ua.VariantType.LocalizedText
        node.attributes = {
            _A.NodeId: _plain(node.nodeid, ua.VariantType.NodeId),
            _A.NodeClass: _plain(kind, ua.VariantType.Int32),
            _A.BrowseName: _plain(ua.QualifiedName(browse, number), ua.VariantType.QualifiedName),
            _A.DisplayName: _plain(ua.LocalizedText(zh or browse, "zh-CN"), texts),
            _A.Description: _plain(ua.LocalizedText(en or browse, "en"), texts),
            _A.WriteMask: _plain(0, ua.VariantType.UInt32),
            _A.UserWriteMask: _plain(0, ua.VariantType.UInt32),
        }
        return node

    def _ref(self, kind: int, name: str, *, forward: bool = True) -> ua.ReferenceDescription:
        """Return a reference to a node of ours, described without making that node."""
        node_class, index, definition = _OBJECT, self._index, ObjectIds.FolderType
        browse, zh = name, _FOLDERS.get(name, ("", ""))[0]
        if name in self._assets:
            zh = self._assets[name][1]
        elif name in self.points:
            _, _, _, kind_name, n = self.points[name]
            browse = f"{kind_name}.{n}" if n else kind_name
            zh, node_class = self._kinds[kind_name][0], _VARIABLE
            definition = ObjectIds.AnalogItemType
        elif "#" in name:
            browse = zh = name.partition("#")[2]
            node_class, index, definition = _VARIABLE, 0, ObjectIds.PropertyType
        found = ua.ReferenceDescription()
        found.ReferenceTypeId = _standard(kind)
        found.IsForward = forward
        found.NodeId = self.id(name)
        found.BrowseName = ua.QualifiedName(browse, index)
        found.DisplayName = ua.LocalizedText(zh or browse, "zh-CN")
        found.NodeClass = node_class
        found.TypeDefinition = _standard(definition)
        return found

    def root_reference(self) -> ua.ReferenceDescription:
        """Return the reference the folder `Objects` needs."""
        return self._ref(ObjectIds.Organizes, ROOT)


class _Watchers(dict[int, Any]):
    """Callbacks of one value; tells when the first comes and the last goes."""

    def __init__(self, changed: Callable[[bool], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, handle: int, callback: Any) -> None:
        super().__setitem__(handle, callback)
        self._changed(True)

    def pop(self, handle: int, *default: Any) -> Any:
        found = super().pop(handle, *default)
        if not self:
            self._changed(False)
        return found


class LazyNodes(dict[ua.NodeId, NodeData]):
    """The library's table of nodes, in which ours appear when asked for.

    Args:
        standard: Nodes of the standard, kept for good.
        plant: Makes ours.
        index: Namespace of ours.
    """

    def __init__(self, standard: dict[ua.NodeId, NodeData], plant: Plant, index: int) -> None:
        super().__init__(standard)
        self._plant, self._index = plant, index
        self._kept: OrderedDict[ua.NodeId, NodeData] = OrderedDict()
        self.watched: set[str] = set()
        """Codes of points somebody subscribed to."""

    @property
    def made(self) -> int:
        """Return how many of our nodes are in memory."""
        return len(self._kept)

    def _changed(self, code: str, on: bool) -> None:
        self.watched.add(code) if on else self.watched.discard(code)

    def _find(self, key: ua.NodeId) -> NodeData | None:
        name = key.Identifier
        if key.NamespaceIndex != self._index or not isinstance(name, str):
            return None
        node = self._kept.get(key)
        if node is None:
            node = self._plant.make(name, self._changed)
            if node is None:
                return None
            self._kept[node.nodeid] = node
            self._forget()
        else:
            self._kept.move_to_end(key)
        return node

    def _forget(self) -> None:
        """Let go of the nodes nobody looked at for longest; those that are watched stay."""
        for _ in range(16):
            if len(self._kept) <= MOST_KEPT:
                return
            key, node = self._kept.popitem(last=False)
            if any(held.datachange_callbacks for held in node.attributes.values()):
                self._kept[key] = node

    def __missing__(self, key: ua.NodeId) -> NodeData:
        node = self._find(key)
        if node is None:
            raise KeyError(key)
        return node

    def get(self, key: ua.NodeId, default: Any = None) -> Any:
        """Return a node, or the default."""
        found = super().get(key)
        if found is None:
            found = self._find(key)
        return default if found is None else found

    def __contains__(self, key: object) -> bool:
        if super().__contains__(key):
            return True
        return isinstance(key, ua.NodeId) and self._find(key) is not None

    def watched_at(self, at: Any) -> Iterator[tuple[NodeData, int]]:
        """Yield the nodes at these positions that somebody watches, with their position."""
        values = self._plant.values
        if len(at) > 4 * len(self.watched):
            positions = {values.at(int(self._plant.points[c][0])): c for c in self.watched}
            changed = set(at.tolist()) & positions.keys()
            codes = [(positions[each], each) for each in sorted(changed)]
        else:
            named = ((self._plant.code_of[int(values.keys[each])], each) for each in at.tolist())
            codes = [(code, each) for code, each in named if code in self.watched]
        for code, each in codes:
            yield self[self._plant.id(code)], each


def _plain(value: Any, kind: ua.VariantType) -> AttributeValue:
    return AttributeValue(ua.DataValue(ua.Variant(value, kind)))


def _variable(node: NodeData, data_type: ua.NodeId) -> None:
    node.attributes |= {
        _A.DataType: _plain(data_type, ua.VariantType.NodeId),
        _A.ValueRank: _plain(-1, ua.VariantType.Int32),
        _A.AccessLevel: _plain(1, ua.VariantType.Byte),
        _A.UserAccessLevel: _plain(1, ua.VariantType.Byte),
        _A.MinimumSamplingInterval: _plain(1000.0, ua.VariantType.Double),
        _A.Historizing: _plain(False, ua.VariantType.Boolean),
    }


def _reference(
    kind: int, target: ua.NodeId, name: str, *, forward: bool = True
) -> ua.ReferenceDescription:
    found = ua.ReferenceDescription()
    found.ReferenceTypeId = _standard(kind)
    found.IsForward = forward
    found.NodeId = target
    found.BrowseName = ua.QualifiedName(name, 0)
    found.DisplayName = ua.LocalizedText(name)
    found.NodeClass = _OBJECT
    return found


def _type(kind: int) -> ua.ReferenceDescription:
    """Return the reference to a type definition."""
    found = _reference(ObjectIds.HasTypeDefinition, _standard(kind), "")
    found.NodeClass = (
        ua.NodeClass.ObjectType if kind == ObjectIds.FolderType else ua.NodeClass.VariableType
    )
    return found
