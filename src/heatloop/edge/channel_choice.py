"""Builds a gateway's channels from its settings, and says what clock and channels did."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from random import Random

from heatloop.edge.carrier import OnInbound
from heatloop.edge.channel_meter import ChannelMeter
from heatloop.edge.channels import MAIN, SPARE, Channels, OnChange
from heatloop.edge.clock_guard import GuardedClock
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity, link_way
from heatloop.edge.kept import Kept
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.raised import Note, event_note
from heatloop.edge.uplink import Uplink
from heatloop.edge.uplink_session import UplinkSession
from heatloop.kernel.errors import ConfigError

_STALL_S, _STALL_WITH_SPARE_S = 60.0, 20.0
_PING_S, _PING_WITH_SPARE_S = 20.0, 8.0


def channels_of(
    config: EdgeConfig,
    identity: Identity,
    session: UplinkSession,
    on_inbound: OnInbound,
    on_change: OnChange,
    *,
    stats: LinkStats,
    now_s: Callable[[], float],
    rng: Random,
) -> Channels:
    """Return the channels of a gateway.

    With a spare, a main channel that is stalled is given up sooner: fail-over is to be done
    within 60 s (clause 6.1.3 c).

    Args:
        config: Its settings.
        identity: Its keys.
        session: What is carried.
        on_inbound: Called for every frame that came in.
        on_change: Called after every change of channel.
        stats: Counts what is carried.
        now_s: Plant time.
        rng: Spreads attempts at broken links.

    Raises:
        ConfigError: A setting of the spare channel cannot be used.
    """
    spared = bool(config.spare_url)
    # With another way or another instance to go to, a dead one is given up sooner.
    way = link_way(config, identity)
    choice = spared or len(way.urls) > 1
    main = Uplink(
        way.urls[0],
        [session],
        on_inbound,
        tls=way.tls,
        name=way.name,
        stall_s=_STALL_WITH_SPARE_S if choice else _STALL_S,
        ping_s=_PING_WITH_SPARE_S if choice else _PING_S,
        rng=rng,
        meter=ChannelMeter(stats, MAIN, config.channel, now_s),
        others=way.urls[1:],
    )
    if not spared:
        return Channels(main, None, on_change)
    # The library is loaded only where there is a spare channel.
    from heatloop.edge.uplink_mqtt import Broker, MqttUplink

    spare = MqttUplink(
        Broker(
            url=config.spare_url,
            user=config.spare_user,
            password=_password(config),
            tls=_spare_tls(config),
        ),
        session,
        identity.ring,
        on_inbound,
        stall_s=_STALL_WITH_SPARE_S,
        rng=rng,
        meter=ChannelMeter(stats, SPARE, config.spare_channel, now_s),
    )
    return Channels(
        main, spare, on_change, failover_s=config.failover_s, failback_s=config.failback_s
    )


def _password(config: EdgeConfig) -> str:
    path = config.spare_password_file
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"password cannot be read: {error}", thing="spare_password_file", place=str(path)
        ) from error


def _spare_tls(config: EdgeConfig) -> ssl.SSLContext | None:
    if not config.spare_url.startswith("mqtts:"):
        return None
    return ssl.create_default_context(cafile=config.spare_ca_file)


def clock_notes(clock: GuardedClock, kept: Kept, gateway: str, at_s: float) -> list[Note]:
    """Return the notes about leaps of the clock, and open or clear its alarm.

    Args:
        clock: The gateway's clock; what it has to tell is taken.
        kept: Told about skipped slots; its alarms are used.
        gateway: Gateway code.
        at_s: Plant time.
    """
    notes: list[Note] = []
    told, clock.leaps = clock.leaps, []
    for leap in told:
        if leap.followed:
            kept.clock_stepped()
        what = "followed, the platform confirms it" if leap.followed else "not followed"
        notes.append(event_note(gateway, at_s, f"clock leapt by {leap.by_s:+.0f} s: {what}"))
    if clock.doubtful or clock.wrong_by_s:
        detail = f"off={clock.wrong_by_s:+.0f} s doubtful={clock.doubtful}"
        notes += kept.alarms.raise_(gateway, "clock", at_s, 3, detail=detail)
    else:
        notes += kept.alarms.clear(gateway, "clock", at_s)
    return notes
