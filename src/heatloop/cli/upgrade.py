"""`heatloop upgrade`: put another version in force while the plant goes on, or go back."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from heatloop.cli.bundle_signature import SIGNER, check_signer
from heatloop.cli.version_folders import Home, VersionError, check_bundle, unpack_bundle
from heatloop.kernel.errors import InputError


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "upgrade",
        help="upgrade to a wheel or an offline bundle, or go back",
        description="Installs the new version beside the old one, tries its migrations on a copy "
        "of the records, keeps a snapshot, puts the version in force and restarts historian, "
        "platform and gateways one after the other. If something does not come back healthy, the "
        "old version and the snapshot are put back. Gateways poll on while the platform restarts; "
        "each is away only for its own restart.",
        epilog="example: heatloop upgrade --to heatloop-bundle.tar --data /var/lib/heatloop",
    )
    parser.add_argument("--to", type=Path, help="wheel or bundle")
    parser.add_argument("--signer", type=Path, help="public key the bundle must be signed with")
    parser.add_argument("--rollback", action="store_true", help="go back to the version before")
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--url", help="address of the platform (default: from the settings)")
    home = os.environ.get("HEATLOOP_HOME")
    parser.add_argument(
        "--home", type=Path, default=Path(home) if home else None, help="folder of versions"
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Upgrade or go back.

    Raises:
        InputError: The installation has no folder of versions, or there is nothing to do.
    """
    from heatloop.cli.upgrade_steps import Plan, go_back, upgrade

    if options.home is None:
        raise InputError(
            "this installation has no folder of versions",
            thing="--home",
            fix="install from a bundle: python install.py --home /opt/heatloop",
        )
    if (options.to is None) == (not options.rollback):
        raise InputError("say what to do", thing="--to, --rollback", fix="give one of them")
    home = Home(options.home.resolve())
    plan = Plan.of(home, options.data.resolve(), options.config, options.url)
    try:
        if options.rollback:
            return asyncio.run(go_back(plan))
        with tempfile.TemporaryDirectory(prefix="heatloop-upgrade-") as scratch:
            version = _install(home, options.to, Path(scratch), options.signer)
        return asyncio.run(upgrade(plan, version))
    except VersionError as error:
        raise InputError(str(error), fix="give another wheel or bundle") from error


def _install(home: Home, given: Path, scratch: Path, signer: Path | None) -> str:
    if not given.exists():
        raise InputError("no such file", thing=str(given), fix="give a wheel or a bundle")
    if given.suffix == ".whl":
        if signer is not None or (home.folder / SIGNER).is_file():
            raise VersionError("a wheel alone is not signed, and this home takes signed bundles")
        return home.install_wheel(given)
    folder = given if given.is_dir() else unpack_bundle(given, scratch)
    check_bundle(folder)
    print(f"bundle 安装包: {check_signer(folder, home, signer)}")
    return home.install_bundle(folder)
