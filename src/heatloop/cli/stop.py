"""`heatloop stop`: an emergency stop when the screens are down, through the platform's socket."""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any, Self

from heatloop.kernel.errors import ConfigError, InputError, LinkError

_SOCKET = "emergency.sock"
_WAIT_S = 30.0


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "stop",
        help="emergency stop (紧急停止) of a station, a source or everything, without screens",
        description="Shows what would be written, asks for the code of what is to be stopped, and "
        "sends the stop to the gateways. Works without database, historian and twin. Only the "
        "account the platform runs under, and root, may use it.",
        epilog='example: heatloop stop --station SS0001 --reason "burst pipe in the station"',
    )
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument(
        "--station", "--subject", dest="subject", default="",
        help="station, unit, source, or the company for everything",
    )  # fmt: skip
    parser.add_argument("--reason", default="", help="why; goes into the audit trail")
    parser.add_argument(
        "--cause", choices=("general", "burst", "leak"), default="general",
        help="burst: circulation stops as well; leak: make-up is isolated",
    )  # fmt: skip
    parser.add_argument("--release", action="store_true", help="release a stop, slowly")
    parser.add_argument("--list", action="store_true", help="what is stopped now")
    parser.add_argument(
        "--confirm", default="", metavar="CODE",
        help="the code of what is to be stopped, typed again: no question is asked",
    )  # fmt: skip
    parser.add_argument(
        "--break-glass", default="", metavar="WHY",
        help="whole network: why no second person can be waited for",
    )  # fmt: skip
    parser.set_defaults(action=run)


class _Socket:
    """The platform's emergency socket, one question at a time."""

    def __init__(self, data: Path) -> None:
        path = data / "run" / _SOCKET
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_WAIT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ConfigError(
                f"the platform does not answer: {error.strerror}",
                thing=str(path),
                fix="give --data of the running platform, as its own account or root; if it does "
                "not run, use the emergency stop at the station's cabinet",
            ) from error
        self._file = self._socket.makefile("rwb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, **wish: Any) -> dict[str, Any]:
        """Return the answer.

        Raises:
            InputError: The platform refuses.
            LinkError: It went away.
        """
        try:
            self._file.write(json.dumps(wish).encode() + b"\n")
            self._file.flush()
            line = self._file.readline()
        except OSError as error:
            raise LinkError(f"the platform went away: {error}") from error
        if not line:
            raise LinkError("the platform hung up", fix="are you its own account or root?")
        answer = json.loads(line)
        if not answer["ok"]:
            text = f"{answer['zh']} / {answer['en']}".strip(" /")
            raise InputError(text, thing=str(answer["detail"]))
        return dict(answer["result"])


def run(options: argparse.Namespace) -> int:
    """Stop, release or list; 0 when the gateways hold what was ordered."""
    with _Socket(options.data) as link:
        if options.list:
            _list(link.ask(do="list"))
            return 0
        if not options.subject or not options.reason:
            raise InputError("give --station and --reason", fix="see heatloop stop --help")
        made = link.ask(
            do="propose",
            action="release" if options.release else "stop",
            subject=options.subject,
            cause=options.cause,
            reason=options.reason,
        )
        _plan(made)
        typed = options.confirm or _typed(options.subject)
        if typed != options.subject:
            print("不一致，未执行 / not the same, nothing was done", file=sys.stderr)
            return 1
        done = link.ask(
            do="confirm", order=made["id"], token=made["token"], break_glass=options.break_glass
        )
        if done["state"] == "waiting_second":
            print("等待第二人在页面上确认 / waits for a second person at the screens")
            return 0
        return _follow(link, made["id"])


def _typed(subject: str) -> str:
    print(f"输入 {subject} 以确认 / type {subject} to confirm: ", end="", flush=True)
    return sys.stdin.readline().strip()


def _plan(made: dict[str, Any]) -> None:
    print(
        f"{made['action']} {made['subject']} {made['subject_zh']} / {made['subject_en']}: "
        f"{len(made['assets'])} 台设备 / pieces of equipment, "
        f"{made['connected']}/{made['gateways']} 网关在线 / gateways connected"
    )
    for asset in made["assets"][:200]:
        print(f"  {asset['asset']} {asset['zh']} / {asset['en']} ({asset['gateway']})")
        for step in asset["steps"]:
            before = "?" if step["before"] is None else f"{step['before']:g}"
            print(f"    {step['point']}: {before} → {step['value']:g}  {step['zh']} / {step['en']}")


def _follow(link: _Socket, order: str) -> int:
    """Say what the gateways report until all is done or the time is over."""
    end = time.monotonic() + _WAIT_S
    said = ""
    while True:
        orders = [o for o in link.ask(do="list")["orders"] if o["id"] == order]
        if orders:
            words = "  ".join(f"{a['asset']}={a['state']}" for a in orders[0]["assets"][:20])
            if words != said:
                print(f"{orders[0]['state']}: {words}")
                said = words
            if orders[0]["state"] in ("holding", "released"):
                return 0
        if time.monotonic() > end:
            print("已下发，网关尚未全部报告 / ordered; not every gateway has reported yet")
            return 1
        time.sleep(0.5)


def _list(found: dict[str, Any]) -> None:
    print("停止中 / held: " + (", ".join(found["held"]) or "–"))
    for order in found["orders"]:
        print(
            f"  {order['ordered']} {order['action']} {order['subject']} {order['state']} "
            f"{order['ordered_by']} {order['reason']}"
        )
