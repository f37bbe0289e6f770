"""A gateway that devices report to: intake, spool and one listener, on ports the system gives."""

import asyncio
from dataclasses import replace

import httpx

from heatloop.edge.drivers.http import HttpListener
from heatloop.edge.drivers.http_json import JsonRoute
from heatloop.edge.drivers.listener import ListenerTools
from heatloop.edge.drivers.listener_intake import Intake
from heatloop.edge.drivers.lorawan import LorawanRoute
from heatloop.edge.drivers.wmbus import WmbusRoute
from heatloop.edge.index import ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.report_book import ReportBook
from heatloop.edge.spool import Spool, SpoolFullError
from heatloop.kernel.batch import SampleBatch
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from heatloop.plant.profiles import OWN, profile

NOW = 1_800_000_900
SLOT = 1_800_000_000
TOKEN = "s3cret"


def device(code, protocol, profile_name, **more):
    return Device(
        code=code, asset=more.pop("asset", f"RC{code[2:]}"), gateway="GW0001",
        profile=profile_name, protocol=protocol, port=0, **more,
    )  # fmt: skip


def index_of(*devices, children=1):
    """Return a profile of these devices; their keys count up from 1, device by device."""
    bindings, key = [], 0
    for each in devices:
        rows = [
            (row.register + k * row.stride, row, k)
            for row in profile(each.profile)
            for k in range(1 if row.child == OWN else children)
        ]
        for register, row, k in sorted(rows, key=lambda found: found[0]):
            key += 1
            asset = each.asset if row.child == OWN else f"UN{k + 1:04d}"
            name = f"{row.kind}.{row.n}" if row.n else row.kind
            bindings.append(
                Binding(
                    key=key, point=f"{asset}.{name}", kind=row.kind, device=each.code,
                    register=register, dtype=row.dtype, factor=row.factor, access=row.access,
                    period_s=point_kinds()[row.kind].period_s,
                    source=row.source.replace("{k}", str(k + 1)),
                )
            )  # fmt: skip
    return ProfileIndex(
        EdgeProfile(
            gateway="GW0001", version=1, ledger_version=1,
            devices=tuple(devices), bindings=tuple(bindings),
        )
    )  # fmt: skip


def with_source(index, point, source):
    """Return the index with another source for one point."""
    bindings = tuple(
        replace(b, source=source) if b.point == point else b for b in index.profile.bindings
    )
    return ProfileIndex(replace(index.profile, bindings=bindings))


class ReportRoom:
    """Intake and spool; `open` starts a listener on them."""

    def __init__(self, folder, index, zone="Asia/Shanghai"):
        self.folder, self.index, self.zone = folder, index, zone
        self.now_s = float(NOW)
        self.full = False
        self.appends = 0
        self.secrets = folder / "secrets"
        self.secrets.mkdir(exist_ok=True)
        (self.secrets / "http.city.token").write_text(f"{TOKEN}\n")
        self.begin()

    def begin(self):
        self.spool = Spool(self.folder / "spool")
        self.stats = LinkStats()
        book = ReportBook(self.folder / "reports.log")
        self.intake = Intake(book, self.keep, lambda: self.now_s, self.stats)
        self.intake.use(self.index)
        self.tools = ListenerTools(intake=self.intake, zone=self.zone, secrets=self.secrets)

    async def keep(self, batch):
        if self.full:
            raise SpoolFullError("full")
        self.appends += 1
        self.spool.append(batch, late=True)

    async def open(self, listener=None, **more):
        if listener is None:
            routes = {
                "report": JsonRoute(self.tools),
                "lorawan": LorawanRoute(self.tools),
                "wmbus": WmbusRoute(self.tools),
            }
            listener = HttpListener(self.tools, "127.0.0.1", 0, routes, **more)
        self.listener = listener
        self.listener.use(self.index)
        await self.listener.start()
        self.tasks = [asyncio.create_task(self.intake.run())]
        self.tasks.append(asyncio.create_task(self.listener.run()))

    async def close(self):
        await self.listener.stop()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.spool.close()

    def rows(self):
        found = []
        for record in self.spool.pending(0, 1 << 30):
            found += list(SampleBatch.from_bytes(record.body).rows())
        return found

    def values(self):
        """Return value by point of everything kept."""
        names = {b.key: b.point for b in self.index.profile.bindings}
        return {names[key]: value for key, _, value, _ in self.rows()}

    def hour(self):
        return self.stats.report(self.now_s, final=True)["devices"]


async def push(port, path, body, *, token=TOKEN, headers=None, tls=False):
    """Post with httpx, an independent client; return status and answer."""
    own = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
    async with httpx.AsyncClient(verify=False, trust_env=False) as client:
        answer = await client.post(url, content=body, headers={**own, **(headers or {})})
    return answer.status_code, answer.text
