"""Which points a standing way out shows: subtrees and kinds named in the settings."""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.app.world import World
from heatloop.kernel.errors import ConfigError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point


def chosen_assets(world: World, codes: Sequence[str], setting: str) -> frozenset[str] | None:
    """Return the assets of some subtrees with what lies below them; None for all there are.

    An organisation stands for every asset it answers for.

    Args:
        world: Ledger in force.
        codes: Roots of the subtrees; none: everything.
        setting: Name of the setting, for the error.

    Raises:
        ConfigError: A code is no asset.
    """
    if not codes:
        return None
    ledger = world.ledger
    paths = []
    for code in codes:
        if code not in ledger.assets:
            raise ConfigError("no such asset", thing=code, place=setting, fix="give asset codes")
        paths += [path for path in ledger.paths(code) if path.rpartition("/")[2] == code]
    return frozenset(
        code
        for code in ledger.assets
        if any(
            own == path or own.startswith(path + "/")
            for own in ledger.paths(code)
            for path in paths
        )
    )


def chosen_points(
    world: World, assets: frozenset[str] | None, kinds: Sequence[str], setting: str
) -> list[Point]:
    """Return the points of these assets and kinds.

    Raises:
        ConfigError: A kind does not exist.
    """
    for kind in kinds:
        if kind not in point_kinds():
            raise ConfigError("no such point kind", thing=kind, place=setting, fix="give kinds")
    return [
        point
        for point in world.ledger.points.values()
        if (assets is None or point.asset in assets) and (not kinds or point.kind in kinds)
    ]
