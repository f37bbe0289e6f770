"""Settings of the two zones and of what passes between them."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.bridge.feed_udp import address_of
from heatloop.kernel.errors import ConfigError, InputError

ALL, CONTROL, CUSTOMER = "all", "control", "customer"
ZONES = (ALL, CONTROL, CUSTOMER)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneSettings:
    """Which zone this is, and by which carriers the zones are joined (machine time)."""

    zone: str = ALL
    """`all` (one process for both), `control` or `customer`; set by `heatloop run --zone`."""
    feed_folder: str = ""
    """Folder of the feed: the control zone writes it, the customer zone reads it; empty: none."""
    feed_udp: str = ""
    """`host:port` the control zone sends to, and the customer zone listens on; empty: none."""
    gate_folder: str = ""
    """Folder of the reverse gate: the customer zone writes it, the control zone reads it."""
    interval_s: float = 1.0
    """How often what changed is sent, 0.2 to 30."""
    answers_s: float = 30.0
    """How often the answers per building are worked out, 5 to 3600."""
    snapshot_s: float = 120.0
    """How often everything is sent again, 10 to 3600: how long a gap lasts at most."""
    directory_s: float = 300.0
    """How often the list of things is sent again, 10 to 86400."""
    silent_s: float = 60.0
    """A stream that is silent longer than this raises an alarm in both zones, 5 to 3600."""
    max_age_s: float = 3600.0
    """Batches issued longer ago than this are refused, 60 to 86400."""
    skew_s: float = 300.0
    """How far the clocks of the zones may lie apart, 1 to 3600."""
    udp_rate_mbit: float = 20.0
    """Datagrams are sent no faster than this, 0.1 to 1000 Mbit/s."""
    udp_parity_pct: float = 20.0
    """Parity added to datagrams: so much may get lost, 0 to 100 %."""
    kept_files: int = 2000
    """Files kept in the feed folder when nobody fetches them, 10 to 100000."""
    kept_mb: int = 512
    """Megabytes kept there."""
    kept_days: int = 400
    """How long the customer zone keeps hourly values and records, 1 to 4000 days."""
    wish_low_c: float = 16.0
    """Lowest room temperature that may be wished for."""
    wish_high_c: float = 24.0
    """Highest room temperature that may be wished for."""
    wish_most_k: float = 2.0
    """How far all wishes together may move a unit's supply temperature, 0 to 5 K; 0: not."""
    wish_days: float = 14.0
    """How long a wish holds at most, 1 to 200 days of plant time."""

    @property
    def joined(self) -> bool:
        """Return whether a feed is set up."""
        return bool(self.feed_folder or self.feed_udp)


_RANGES: dict[str, tuple[float, float]] = {
    "interval_s": (0.2, 30),
    "answers_s": (5, 3600),
    "snapshot_s": (10, 3600),
    "directory_s": (10, 86400),
    "silent_s": (5, 3600),
    "max_age_s": (60, 86400),
    "skew_s": (1, 3600),
    "udp_rate_mbit": (0.1, 1000),
    "udp_parity_pct": (0, 100),
    "kept_files": (10, 100_000),
    "kept_mb": (1, 1_000_000),
    "kept_days": (1, 4000),
    "wish_low_c": (10, 30),
    "wish_high_c": (10, 30),
    "wish_most_k": (0, 5),
    "wish_days": (1, 200),
}


def check_zones(zones: ZoneSettings) -> None:
    """Return if the zones can run so.

    Raises:
        ConfigError: A zone, an address or a figure is not possible.
    """
    if zones.zone not in ZONES:
        fix = "give all, control or customer"
        raise ConfigError("no such zone", thing=f"zones.zone = {zones.zone}", fix=fix)
    for name, (low, high) in _RANGES.items():
        value = getattr(zones, name)
        if not low <= value <= high:
            raise ConfigError(
                "out of range", thing=f"zones.{name} = {value}", fix=f"give {low:g} to {high:g}"
            )
    if zones.wish_low_c > zones.wish_high_c:
        raise ConfigError(
            "wishes have no range", thing="zones.wish_low_c", fix="keep it below wish_high_c"
        )
    if zones.feed_udp:
        try:
            address_of(zones.feed_udp)
        except InputError as error:
            raise ConfigError(error.message, thing="zones.feed_udp", fix=error.fix) from error
    folders = [each for each in (zones.feed_folder, zones.gate_folder) if each]
    if len(set(folders)) != len(folders):
        raise ConfigError(
            "feed and gate share a folder", thing="zones.gate_folder", fix="give two folders"
        )
