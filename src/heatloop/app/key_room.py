"""Work on keys while the platform runs: list, rotate, re-seal, retire; every step is audited."""

from __future__ import annotations

import asyncio

import structlog

from heatloop.app.audit import Audit
from heatloop.app.gateways import Gateways
from heatloop.app.history import in_thread
from heatloop.app.keys import DATA, SIGNING, PlatformKeys
from heatloop.app.refusals import Refused
from heatloop.app.views.crypto import KeyList, KeyView, ResealView
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.security.providers import suites
from heatloop.store.key_files import HeldKey
from heatloop.store.records import Records
from heatloop.store.records.crypto import BROKEN, DONE, RUNNING, ResealRow

_log = structlog.get_logger("heatloop.keys")


class KeyRoom:
    """Where keys are looked after.

    Args:
        keys: The keys.
        records: What is sealed.
        audit: Where every step is written down.
        gateways: Who has to know of new signing keys.
    """

    def __init__(
        self, keys: PlatformKeys, records: Records, audit: Audit, gateways: Gateways
    ) -> None:
        self._keys, self._records = keys, records
        self._audit, self._gateways = audit, gateways
        self._task: asyncio.Task[None] | None = None

    async def view(self) -> KeyList:
        """Return keys, what needs them, and the latest re-sealing run."""
        usage = await in_thread(self._records.crypto.usage)
        runs = await in_thread(self._records.crypto.reseals, 1)
        return KeyList(
            suite=self._keys.suite.name,
            suites=suites(),
            keys=[_view(key, usage[key.id]) for key in self._keys.held.keys],
            reseal=_run(runs[0]) if runs else None,
            gateways_behind=self._gateways.behind(self._keys.trust_seq),
        )

    async def rotate(self, user: str, kind: str, reason: str) -> KeyList:
        """Make a new key the one in use; gateways hear of a new signing key at once.

        Raises:
            Refused: There is no such kind, or its keys come from the environment.
        """
        before = self._keys.held.current(kind)
        # Written down first: a key nobody can account for must not be in use.
        await self._audit.add(user, "keys.rotate", kind, reason=reason)
        made = await in_thread(self._keys.rotate, kind)
        await self._audit.add(
            user, "keys.rotated", made.id, kind=kind, algorithm=made.algorithm,
            before="" if before is None else before.id,
        )  # fmt: skip
        _log.info("key rotated", kind=kind, key=made.id, algorithm=made.algorithm)
        if kind == SIGNING:
            await self._gateways.send_keys()
        return await self.view()

    async def reseal(self, user: str, reason: str) -> ResealView:
        """Begin to seal everything anew under the key in use.

        Raises:
            Refused: A run is under way.
        """
        if self._task is not None and not self._task.done():
            raise Refused("reseal_running")
        total = await in_thread(self._records.crypto.count)
        key_id = self._keys.data_id
        number = await in_thread(
            self._records.crypto.begin_reseal, key_id, user=user, total=total, at=machine_s()
        )
        await self._audit.add(user, "keys.reseal", key_id, run=number, values=total, reason=reason)
        self._task = asyncio.create_task(self._reseal(number, user), name="reseal")
        runs = await in_thread(self._records.crypto.reseals, 1)
        return _run(runs[0])

    async def resume(self) -> None:
        """Go on with a run that a stop or a crash broke off."""
        runs = await in_thread(self._records.crypto.reseals, 1)
        if runs and runs[0].state == RUNNING:
            await self.reseal("system", f"goes on with run {runs[0].number}")

    async def _reseal(self, number: int, user: str) -> None:
        looked, crypto = 0, self._records.crypto

        def told(done: int) -> None:
            nonlocal looked
            looked = done
            crypto.note_reseal(number, done=done)

        try:
            changed = await in_thread(crypto.reseal, told)
        except HeatloopError as error:
            # Only what is wrong and where: a message never holds what was sealed.
            note = f"{error.message} ({error.thing})"
            await in_thread(
                crypto.note_reseal, number, done=looked, state=BROKEN, at=machine_s(), note=note
            )
            await self._audit.add(user, "keys.reseal_broken", str(number), reason=note[:200])
            _log.error("re-sealing broke off", reason=note)
            return
        await in_thread(crypto.note_reseal, number, done=looked, state=DONE, at=machine_s())
        await self._audit.add(
            user, "keys.resealed", self._keys.data_id, run=number, values=looked, changed=changed
        )

    async def retire(
        self, user: str, kind: str, key_id: str, reason: str, *, force: bool = False
    ) -> KeyList:
        """Forget an old key for good.

        Args:
            user: Who asks.
            kind: `data` or `signing`.
            key_id: Which.
            reason: What for.
            force: Do not wait for gateways that were not heard; they must be enrolled anew.

        Raises:
            Refused: It is in use, values are sealed with it, or gateways have not confirmed its
                successor.
        """
        if kind == DATA:
            usage = await in_thread(self._records.crypto.usage)
            if usage[key_id]:
                raise Refused("key_in_use", thing=key_id, detail=str(usage[key_id]))
        behind = self._gateways.behind(self._keys.trust_seq) if kind == SIGNING else []
        if behind and not force:
            raise Refused("key_behind", thing=key_id, detail=", ".join(behind[:10]))
        await self._audit.add(
            user, "keys.retire", key_id, kind=kind, reason=reason, behind=behind[:100]
        )
        await in_thread(self._keys.retire, kind, key_id)
        await self._audit.add(user, "keys.retired", key_id, kind=kind)
        if kind == SIGNING:
            await self._gateways.send_keys()
        return await self.view()

    async def close(self) -> None:
        """Stop a run; it goes on at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _view(key: HeldKey, values: int) -> KeyView:
    return KeyView(
        kind=key.kind,
        id=key.id,
        algorithm=key.algorithm,
        current=key.current,
        made_at=utc(key.made_at) if key.made_at else None,
        source=key.suite or ("file" if key.file else "environment"),
        values=values if key.kind == DATA else 0,
        public_key=key.signer().public.hex() if key.kind == SIGNING else "",
    )


def _run(row: ResealRow) -> ResealView:
    return ResealView(
        number=row.number,
        key_id=row.key_id,
        user=row.user,
        state=row.state,
        done=row.done,
        total=row.total,
        started_at=utc(row.started_at),
        ended_at=None if row.ended_at is None else utc(row.ended_at),
        note=row.note,
    )
