"""Signing a run's result and its PDF, and checking both again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.app.device_life_views import SignatureView
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.report.device_test import device_test_pdf
from heatloop.security.keys import open_document, sign_document
from heatloop.store.files import Files
from heatloop.store.records import Records
from heatloop.store.records.device_life import FileRow
from heatloop.store.records.device_life_runs import RunRow

_PDF_S = 60.0
_TITLES = {
    "acceptance": ("设备功能验收报告", "Functional acceptance of a device"),
    "season": ("供热前检查报告", "Pre-season check"),
}
_FORMAT = "heatloop device test 1"


class Reports:
    """Makes the signed report of a run that has ended."""

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        files: Files,
        keys: PlatformKeys,
        workers: Workers,
        company: CompanySettings,
    ) -> None:
        self._world, self._records, self._files = world, records, files
        self._keys, self._workers, self._company = keys, workers, company
        self._zone = ZoneInfo(company.time_zone)

    async def make(self, run: RunRow) -> None:
        """Sign a run's result, set its PDF, sign that too, and keep all of it.

        Raises:
            HeatloopError: No Chinese font, no worker, or no disk; the signed result is kept.
        """
        waivers = await in_thread(self._records.devices.notes, run.subject, "waiver")
        item = await in_thread(self._records.devices.get, run.subject)
        told = [dict(row.body) for row in waivers]
        signed = sign_document(self._keys.signing, result_of(run, told))
        await self._sign(run, signed, "", "")
        shown = self._shown(run, signed, told, "" if item is None else item.model)
        pdf = await self._workers.call(device_test_pdf, _PDF_S, shown)
        digest, media = await in_thread(self._files.put, pdf)
        name = f"{run.kind}-{run.subject}-{run.id[:12]}.pdf"
        row = FileRow(
            sha256=digest,
            name=name,
            media=media,
            size_bytes=len(pdf),
            user=run.user,
            at=machine_s(),
        )
        await in_thread(self._records.devices.add_file, row)
        await self._sign(run, signed, digest, self._keys.signing.sign(pdf).hex())

    async def _sign(self, run: RunRow, signed: dict[str, str], pdf: str, signature: str) -> None:
        await in_thread(
            self._records.device_runs.sign,
            run.id,
            document=signed,
            pdf=pdf,
            signature=signature,
            key_id=self._keys.signing.key_id,
        )

    async def check(self, run: RunRow) -> SignatureView:
        """Return whether result and report are still what was signed."""
        ring = self._keys.ring
        ok = bool(run.pdf_signature)
        try:
            if ok:
                opened = open_document(ring, run.document)
                pdf = await in_thread(self._files.get, run.pdf)
                ring.verify(run.key_id, pdf, bytes.fromhex(run.pdf_signature))
                ok = opened["id"] == run.id and opened["state"] == run.state
        except (HeatloopError, ValueError):
            ok = False
        return SignatureView(
            ok=ok,
            key_id=run.key_id,
            alg=self._keys.signing.algorithm,
            public_key=self._keys.signing.public.hex(),
            pdf_sha256=run.pdf,
            pdf_signature=run.pdf_signature,
            document=dict(run.document),
        )

    def _when(self, at_s: float | None) -> str:
        if at_s is None:
            return "–"
        return utc(at_s).astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def _shown(
        self, run: RunRow, signed: Mapping[str, str], waivers: list[dict[str, Any]], model: str
    ) -> dict[str, Any]:
        body, ledger = run.body, self._world.ledger
        thing = ledger.assets.get(run.station) or ledger.gateways.get(run.station)
        place = f"{run.station} {thing.zh} {thing.en}" if thing is not None else run.station
        demo = ""
        if self._company.demo:
            state = self._world.clock.state
            speed = "lockstep" if state.lockstep else f"x{state.speed:g}"
            demo = f"DEMO 演示 · {self._when(self._world.now_s())} · {speed}"
        digest = hashlib.sha256(signed["body"].encode()).hexdigest()
        return {
            "title": list(_TITLES[run.kind]),
            "company": [self._company.zh, self._company.en],
            "demo": demo,
            "number": f"{run.kind} {run.id}",
            "state": run.state,
            "facts": [
                ["对象 Subject", f"{run.subject} {model}".strip()],
                ["地点 Place", place],
                ["开始 Started", self._when(run.started_at)],
                ["结束 Ended", self._when(run.ended_at)],
                ["测试人 Tester", run.user],
                ["时区 Time zone", self._company.time_zone],
            ],
            "steps": [
                {**step, "time": f"{self._when(step['started_s'])} – {self._when(step['ended_s'])}"}
                for step in body.get("steps", ())
            ],
            "checks": [dict(check) for check in body.get("checks", ())],
            "problems": [list(each) for each in body.get("problems", ())],
            "waivers": [[w["item"], w["reason"], w["by"], self._when(w["at"])] for w in waivers],
            "signature": [
                ["算法 Algorithm", signed["alg"]],
                ["密钥 Key id", signed["key_id"]],
                ["结果摘要 SHA-256 of the result", digest],
                ["签名 Signature", signed["signature"]],
            ],
        }


def result_of(run: RunRow, waivers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a run as the plain values that are signed."""
    return {
        "format": _FORMAT,
        "id": run.id,
        "kind": run.kind,
        "subject": run.subject,
        "station": run.station,
        "state": run.state,
        "by": run.user,
        "started_s": run.started_at,
        "ended_s": run.ended_at,
        "steps": list(run.body.get("steps", ())),
        "checks": list(run.body.get("checks", ())),
        "findings": list(run.body.get("findings", ())),
        "problems": [list(each) for each in run.body.get("problems", ())],
        "waivers": waivers,
    }
