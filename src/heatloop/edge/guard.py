"""The door before the devices: what a command must satisfy before anything is written.

Checked in this order: signature of the platform, right gateway, time, not seen before, counter
rising, allow-list (a writable binding), the door book (not from before the present profile,
second signature, how many a minute); then, against fresh values: no emergency stop, its limits,
how often, how far in how short a time, station mode, safe envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from heatloop.edge.door import DoorKeeper
from heatloop.edge.index import LatestValues, ProfileIndex, asset_of
from heatloop.edge.memory import CommandMemory
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.messages import Command
from heatloop.plant.field_protocols import protocol
from heatloop.plant.model import Binding
from heatloop.security.keys import KeyRing
from heatloop.station import envelope, modes

LONGEST_LIFE_S = 3600.0
_CLOCK_TOLERANCE_S = 120.0
_AUTOMATIC_INTERVAL_S = 60.0

# With `regulates: edge` these are driven by the station logic here; only a person in
# remote-manual mode may set valve and make-up, and the pump's speed is an input to the logic.
DRIVEN_KINDS = frozenset(
    (
        "valve_opening_setpoint",
        "circulation_pump_frequency_setpoint",
        "makeup_pump_command",
    )
)


def _nothing_stopped(asset: str) -> bool:
    del asset
    return False


class Refusal(UnsafeError):
    """A command is not carried out; `message` is the reason code and its facts."""


class Guard:
    """Decides whether a command may be carried out.

    Args:
        index: The gateway's profile: the allow-list.
        ring: The platform's keys.
        memory: What was obeyed before.
        latest: Newest values; the caller reads the device just before asking.
        door: The door book; None: nothing but the profile binds.
    """

    def __init__(
        self,
        index: ProfileIndex,
        ring: KeyRing,
        memory: CommandMemory,
        latest: LatestValues,
        door: DoorKeeper | None = None,
    ) -> None:
        self._index, self._ring, self._memory, self._latest = index, ring, memory, latest
        self._door = door
        self.stopped: Callable[[str], bool] = _nothing_stopped
        """Says whether an asset is held by an emergency stop; set by whoever builds both."""

    def authentic(self, command: Command, now_s: float) -> Binding:
        """Return the binding a genuine, fresh command is for.

        Raises:
            Refusal: It is not genuine, not for this gateway, not fresh, or not writable.
        """
        self._check_signature(command)
        if command.gateway != self._index.profile.gateway:
            raise Refusal("foreign_gateway", thing=command.gateway)
        if now_s > command.expires:
            raise Refusal("expired", thing=command.id)
        if command.issued > now_s + _CLOCK_TOLERANCE_S:
            raise Refusal("issued_in_the_future", thing=command.id)
        if command.expires - command.issued > LONGEST_LIFE_S:
            raise Refusal("life_too_long", thing=command.id)
        if command.nonce in self._memory.nonces:
            raise Refusal("replayed", thing=command.id)
        if command.counter <= self._memory.counter:
            raise Refusal("counter_not_rising", thing=command.id)
        binding = self._index.by_point.get(command.point)
        if binding is None:
            raise Refusal("unknown_point", thing=command.point)
        device = self._index.devices.get(binding.device)
        if binding.access != "rw" or device is None or not protocol(device.protocol).writes:
            raise Refusal("not_writable", thing=command.point)
        why = None if self._door is None else self._door.refusal(command, binding.kind, now_s)
        if why is not None:
            raise Refusal(why, thing=command.id)
        return binding

    def _check_signature(self, command: Command) -> None:
        try:
            signature = bytes.fromhex(command.signature)
            signed = command.signed_bytes()
        except (ValueError, InputError) as error:
            raise Refusal("signature", thing=command.id) from error
        try:
            self._ring.verify(command.key_id, signed, signature)
        except UnsafeError as error:
            raise Refusal("signature", thing=command.id) from error

    def safe(self, command: Command, binding: Binding, now_s: float) -> None:
        """Return if the value may be written in the state the station is in now.

        Raises:
            Refusal: It may not, and why.
        """
        value = command.value
        if self.stopped(asset_of(binding)):
            raise Refusal("emergency_stop_holds", thing=command.point)
        if not (binding.low is None or value >= binding.low) or not (
            binding.high is None or value <= binding.high
        ):
            raise Refusal(f"out_of_limits: {value:g}", thing=command.point)
        automatic = command.mode == "automatic"
        wanted = self._memory.wanted.get(binding.key)
        if automatic and wanted is not None and now_s - wanted.at_s < _AUTOMATIC_INTERVAL_S:
            raise Refusal("too_often", thing=command.point)
        names = self._index.by_asset[asset_of(binding)]
        mode = self._mode(names)
        reason = modes.refusal(mode, binding.kind, command.mode)
        if reason is None and self._drives(binding, mode):
            reason = "unit_regulates_itself"
        if reason is None and self._door is not None:
            anchor = self._memory.anchors.get(binding.key)
            current = self._latest.values.get(binding.key)
            reason = self._door.leap(binding.kind, value, current, anchor, now_s)
        if reason is None:
            reason = envelope.refusal(
                binding.kind,
                value,
                current=self._latest.values.get(binding.key),
                automatic=automatic,
                others=self._latest.of_asset(names),
            )
        if reason is not None:
            raise Refusal(reason, thing=command.point)

    def _mode(self, names: Mapping[str, Binding]) -> modes.StationMode:
        binding = names.get("station_mode")
        if binding is None:  # sources and boilers have no cabinet switch
            return modes.StationMode.AUTOMATIC
        return modes.mode_of(self._latest.values.get(binding.key))

    def _drives(self, binding: Binding, mode: modes.StationMode) -> bool:
        return (
            self.driven(binding)
            and binding.kind != "circulation_pump_frequency_setpoint"
            and mode is not modes.StationMode.REMOTE_MANUAL
        )

    def driven(self, binding: Binding) -> bool:
        """Return whether the station logic in this gateway writes the point."""
        device = self._index.devices[binding.device]
        return device.regulates == "edge" and binding.kind in DRIVEN_KINDS

    def moving(self, binding: Binding, now_s: float) -> None:
        """Remember where a set-point stands before it is moved, as long as its kind asks."""
        hold_s = None if self._door is None else self._door.anchors(binding.kind)
        current = self._latest.values.get(binding.key)
        if hold_s is None or current is None:
            return
        held = self._memory.anchors.get(binding.key)
        if held is None or not 0.0 <= now_s - held[1] <= hold_s:
            self._memory.anchors[binding.key] = (current, now_s)
