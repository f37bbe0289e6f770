"""Finding the peers: tools we compare with, installed apart because their pandas is older."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def use_peers() -> None:
    """Make the peers importable; call it before anything imports pandas.

    Raises:
        ImportError: They are not installed.
    """
    folder = Path(sys.prefix) / "peers"
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if importlib.util.find_spec("pandapipes") is None:
        raise ImportError(f"pandapipes is not in {folder}: run `make install`")
