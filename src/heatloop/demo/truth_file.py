"""The city's truth in a file, for tools that check what the platform found out.

Only the city writes it: into its own folder, which nobody but its user may enter, as a file nobody
but its user may read. Where the platform runs under the same user, as `heatloop run --demo` has it,
file modes say nothing; there `heatloop.cli.fence` keeps the platform process out of the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.demo.city import City
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats

NAME = "truth.npz"


def _flat(owner: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in fields(owner):
        value = getattr(owner, field.name)
        name = prefix + field.name
        if is_dataclass(value):
            yield from _flat(value, name + ".")
        elif value is not None:
            yield name, value


def write_truth(city: City, folder: Path) -> Path:
    """Write the truth of a city into its folder; return the file.

    Args:
        city: Whose truth.
        folder: The city's own folder; closed to everybody else from now on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / NAME
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    # Never readable to others, not even while it is being written.
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    arrays = {name: np.asarray(value) for name, value in _flat(city.works.truth)}
    arrays["meters.gain"], arrays["meters.bias"] = city.meters.gain, city.meters.bias
    about = {"seed": city.seed, "size": city.size, "points": list(city.measured)}
    with os.fdopen(handle, "wb") as file:
        np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
    fresh.replace(path)
    return path


def read_truth(path: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return what a truth file is about, and its arrays by dotted name of `Truth`.

    Raises:
        InputError: There is no such file, or it is damaged.
        PermissionError: The reader may not open it.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            return about, {key: file[key] for key in file.files if key != "about"}
    except PermissionError:
        raise
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise InputError(f"no truth can be read: {error}", thing=str(path)) from error
