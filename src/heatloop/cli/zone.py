"""`heatloop zone`: pairing the control zone and the customer zone by files a person carries."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from heatloop.app.settings import load_settings
from heatloop.app.zone_keys import admit, join, offer


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "zone",
        help="pair the control zone and the customer zone",
        description="The control zone offers, the customer zone joins and answers, the control "
        "zone admits. Files are carried by a person; no connection is made.",
        epilog="example: heatloop zone offer --data control --out offer.json",
    )
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    first = steps.add_parser("offer", help="in the control zone: write the offer, a secret file")
    first.add_argument("--out", type=Path, required=True, help="file to carry to the other zone")
    first.add_argument("--renew", action="store_true", help="with a new sealing key")
    first.set_defaults(action=run_offer)
    second = steps.add_parser("join", help="in the customer zone: take the offer, write an answer")
    second.add_argument("--offer", type=Path, required=True, help="file of the control zone")
    second.add_argument("--out", type=Path, required=True, help="answer to carry back")
    second.set_defaults(action=run_join)
    third = steps.add_parser("admit", help="in the control zone: take the answer, for the gate")
    third.add_argument("--answer", type=Path, required=True, help="file of the customer zone")
    third.set_defaults(action=run_admit)
    for step in (first, second, third):
        step.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
        step.add_argument("--config", type=Path, help="heatloop.toml")


def _where(options: argparse.Namespace) -> tuple[Path, str]:
    settings = load_settings(options.data.resolve(), options.config, os.environ)
    settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings.keys, settings.crypto.suite


def run_offer(options: argparse.Namespace) -> int:
    """Write the control zone's offer."""
    folder, suite = _where(options)
    key_id = offer(folder, options.out, suite=suite, renew=options.renew)
    print(f"offer of key {key_id} written to {options.out}; it is secret, carry it by hand")
    print(f"控制区密钥 {key_id} 已写入 {options.out}；该文件含密钥，请专人传递")
    return 0


def run_join(options: argparse.Namespace) -> int:
    """Take the offer into the customer zone."""
    folder, suite = _where(options)
    key_id = join(folder, options.offer, options.out, suite=suite)
    print(f"joined control zone {key_id}; delete the offer, carry {options.out} back")
    print(f"已加入控制区 {key_id}；请销毁邀请文件，并将 {options.out} 带回控制区")
    return 0


def run_admit(options: argparse.Namespace) -> int:
    """Take the answer into the control zone."""
    folder, _ = _where(options)
    key_id = admit(folder, options.answer)
    print(f"customer zone {key_id} may use the reverse gate; restart the control zone")
    print(f"客户区 {key_id} 可使用反向通道；请重启控制区")
    return 0
