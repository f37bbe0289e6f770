"""`heatloop keys`: the platform's keys, and keys of those who receive exports."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from heatloop.cli.keeping_options import password_of
from heatloop.kernel.errors import ConfigError

_ONLINE = ("rotate", "reseal", "retire", "revoke")


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "keys",
        help="list, rotate, reseal, retire or wrap the platform's keys",
        description="Keys seal personal data and sign commands. rotate, reseal, retire and revoke "
        "ask a running platform and are audited; only security administrators may. list, "
        "export-public and wrap work on the data folder.",
        epilog="example: heatloop keys rotate data --user security --reason 'yearly change'",
    )
    parser.set_defaults(action=run)
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, text in (
        ("list", "print the keys of a data folder; never a secret"),
        ("export-public", "print the signing keys others verify with"),
        ("wrap", "write every key file anew under the passphrase of the environment"),
    ):
        step = steps.add_parser(name, help=text)
        step.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    rotate = steps.add_parser("rotate", help="make a new key the one in use")
    rotate.add_argument("kind", choices=("data", "signing", "backup"), help="what it is for")
    rotate.add_argument("--data", type=Path, default=Path("heatloop-data"), help="for backup keys")
    rotate.add_argument("--config", type=Path, help="heatloop.toml, for backup keys")
    rotate.add_argument("--new-passphrase-file", type=Path, help="for backup keys")
    steps.add_parser("reseal", help="seal everything stored under the data key in use")
    retire = steps.add_parser("retire", help="forget an old key nothing needs any more")
    retire.add_argument("kind", choices=("data", "signing"), help="what it was for")
    retire.add_argument("id", help="id of the key")
    retire.add_argument("--force", action="store_true", help="do not wait for silent gateways")
    revoke = steps.add_parser("revoke", help="revoke a gateway's certificates")
    revoke.add_argument("gateway", help="gateway code")
    for name in _ONLINE:
        step = steps.choices[name]
        step.add_argument("--url", default="http://127.0.0.1:8080", help="address of the platform")
        step.add_argument("--user", default="admin", help="who asks")
        step.add_argument("--reason", required=True, help="what for; kept in the audit trail")
    receiver = steps.add_parser("receiver", help="make a key pair for receiving exports")
    receiver.add_argument("--algorithm", choices=("X25519", "SM2"), default="X25519")
    receiver.add_argument("--out", type=Path, required=True, help="file for the private key")


def run(options: argparse.Namespace) -> int:
    """Do what is asked."""
    match options.step:
        case "list" | "export-public":
            return _told(options)
        case "wrap":
            return _wrap(options)
        case "receiver":
            return _receiver(options)
        case "rotate" if options.kind == "backup":
            from heatloop.cli.keys_backup import rotate_backup

            return rotate_backup(options)
        case _:
            return asyncio.run(_online(options, password_of(options.user)))


def _told(options: argparse.Namespace) -> int:
    from heatloop.store.key_files import SIGNING, folder_keys

    folder = options.data / "keys"
    if not folder.is_dir():
        raise ConfigError("no folder of keys", thing=str(folder), fix="give --data")
    held = folder_keys(folder)
    rows = []
    for key in held.keys:
        public = key.signer().public.hex() if key.kind == SIGNING else ""
        if options.step == "export-public" and not public:
            continue
        row: dict[str, Any] = {"kind": key.kind, "id": key.id, "algorithm": key.algorithm}
        row |= {"current": key.current, "source": key.suite or key.file or "environment"}
        rows.append(row | ({"public_key": public} if public else {}))
    print(json.dumps(rows, indent=1))
    return 0


def _wrap(options: argparse.Namespace) -> int:
    from heatloop.app.keys import load_keys
    from heatloop.app.settings import load_settings

    settings = load_settings(options.data.resolve(), None, os.environ)
    count = load_keys(settings.keys, settings.crypto.suite).wrap_all()
    print(json.dumps({"wrapped": count}))
    return 0


def _receiver(options: argparse.Namespace) -> int:
    from heatloop.security.container import new_receiver

    private, public = new_receiver(options.algorithm)
    try:
        descriptor = os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"key file cannot be made: {error.strerror}", thing=str(options.out), fix="another"
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{options.algorithm}:{private.hex()}\n")
    print(public.hex())
    return 0


async def _online(options: argparse.Namespace, password: str) -> int:
    from heatloop.cli.api import Api

    api = await Api.sign_in(options.url, options.user, password)
    body: dict[str, Any] = {"reason": options.reason}
    try:
        match options.step:
            case "rotate":
                done = await api.send("POST", "/keys/rotate", body | {"kind": options.kind})
            case "retire":
                body |= {"kind": options.kind, "id": options.id, "force": options.force}
                done = await api.send("POST", "/keys/retire", body)
            case "revoke":
                done = await api.send("POST", f"/gateways/{options.gateway}/revoke", body)
            case _:
                done = await _resealed(api, body)
    finally:
        await api.close()
    print(json.dumps(done, ensure_ascii=False, indent=1))
    return 0 if done.get("state", "done") == "done" else 1


async def _resealed(api: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a run and wait until it is over."""
    run: dict[str, Any] = await api.send("POST", "/keys/reseal", body)
    while run["state"] == "running":
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{run['done']} / {run['total']}")
        await asyncio.sleep(0.2)
        run = (await api.send("GET", "/keys"))["reseal"]
    return run
