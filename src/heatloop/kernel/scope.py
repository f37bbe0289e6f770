"""Which part of the company somebody may see or touch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
        if "" in self.paths:
            return True
        return any(
            path == root or path.startswith(root + "/") for path in paths for root in self.paths
        )
