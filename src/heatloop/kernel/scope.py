"""Which part of the company somebody may see or touch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of subtrees of the organisation or heat-path tree.

    A path is codes joined by `/` from the root, for example `CO01/BR02`. The empty path is
    the whole company. A scope without paths holds nothing.
    """

    paths: frozenset[str]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Scope:
        """Return the scope of these subtree paths."""
        return cls(frozenset(paths))

    @classmethod
    def everything(cls) -> Scope:
        """Return the scope of the whole company."""
        return cls(frozenset({""}))

    def holds(self, *paths: str) -> bool:
        """Return whether any of an asset's paths lies inside the scope."""
        roots = self.paths
        if "" in roots:
            return True
        below = _below(roots)
        # Asked with every request: the roots are compared in one call a path.
        return any(path in roots or path.startswith(below) for path in paths)


@lru_cache(maxsize=1024)
def _below(roots: frozenset[str]) -> tuple[str, ...]:
    """Return what the paths below these roots begin with."""
    return tuple(f"{root}/" for root in roots)
