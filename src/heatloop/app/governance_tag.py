"""The tag every export carries: whose the data are, and by which permission they left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportTag:
    """What every export carries: whose the data are, and under which permission they left."""

    owners: tuple[str, ...]
    """Who owns what is in it."""
    classes: tuple[str, ...]
    """Classes of data in it."""
    level: str
    """Highest level in it."""
    purpose: str
    """What it is for."""
    user: str
    """Who took it."""
    permit: str
    """Approval ticket; empty where none is needed."""
    at: str
    """Machine time, ISO 8601."""

    def headers(self) -> dict[str, str]:
        """Return the tag as HTTP headers."""
        return {
            "x-heatloop-owner": _latin(";".join(self.owners)),
            "x-heatloop-classes": ";".join(self.classes),
            "x-heatloop-level": self.level,
            "x-heatloop-purpose": self.purpose,
            "x-heatloop-permit": self.permit,
        }

    def plain(self) -> dict[str, str]:
        """Return the tag as plain texts, for a file's own metadata or a sheet."""
        return {
            "owner": ";".join(self.owners),
            "classes": ";".join(self.classes),
            "level": self.level,
            "purpose": self.purpose,
            "user": self.user,
            "permit": self.permit,
            "exported_at": self.at,
        }


def _latin(text: str) -> str:
    # Headers take Latin letters only; what people entered may be Chinese.
    return text.encode("ascii", "backslashreplace").decode()
