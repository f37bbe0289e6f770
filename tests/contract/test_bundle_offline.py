"""A real bundle with all its packages, installed into a new Python without any index (6.2 c).

Making one takes a package index and minutes, so it is made apart and named:

    heatloop bundle --out b.tar --sign key.pem
    HEATLOOP_BUNDLE=b.tar HEATLOOP_SIGNER=key.pem.pub pytest tests/contract/test_bundle_offline.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from heatloop.cli.bundle_signature import check_signer
from heatloop.cli.version_folders import Home, check_bundle, unpack_bundle

BUNDLE = os.environ.get("HEATLOOP_BUNDLE", "")
SIGNER = os.environ.get("HEATLOOP_SIGNER", "")


@pytest.mark.slow
@pytest.mark.skipif(not BUNDLE, reason="HEATLOOP_BUNDLE names no bundle")
def test_6_2_c_1_a_real_bundle_installs_into_a_bare_python_without_an_index(
    tmp_path: Path,
) -> None:
    folder = unpack_bundle(Path(BUNDLE), tmp_path / "there")
    told = check_bundle(folder)
    home = tmp_path / "home"
    if SIGNER:
        assert check_signer(folder, Home(home), Path(SIGNER)) == "signed"
    venv.create(tmp_path / "bare", with_pip=True)
    bare = tmp_path / "bare" / "bin" / "python"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_"))}
    alone = {**kept, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    command = [str(bare), str(folder / "install.py"), "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    assert done.returncode == 0, done.stderr
    heatloop = home / "bin" / "heatloop"
    said = subprocess.run([heatloop, "--version"], capture_output=True, text=True, env=alone)
    assert said.stdout == f"heatloop {told['version']}\n", said.stderr
    # What it needs comes from the bundle alone: the engine of the series, too.
    probe = "import chdb, heatloop.web.factory as web; print(web.__file__, chdb.__file__)"
    found = subprocess.run(
        [bare, "-c", probe], capture_output=True, text=True, check=False,
        env={**alone, "PYTHONPATH": str(home / "current")},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert all(str(home) in word for word in found.stdout.split())
    assert sys.version_info[:2] == tuple(map(int, str(told["python"]).split(".")[:2]))
