"""All modules: ours with their manifests, and plug-ins, which are called only through a guard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.extensions_api import (
    ACCEPTED,
    EXTENSION_API,
    Decoder,
    Manifest,
    Report,
    ReportFile,
)
from heatloop.app.extensions_found import Found, find_plug_ins
from heatloop.app.extensions_guard import Guard, Stopped
from heatloop.app.extensions_own import OWN
from heatloop.app.extensions_view import ScopedView
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.open_settings import ExtensionSettings, words
from heatloop.app.refusals import Refused
from heatloop.app.views.interfaces import InterfaceState, ModulesView, ModuleView
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.scope import Scope
from heatloop.security.access import Principal
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.extensions")
_SETTING = "extensions.enabled"
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_MEDIA = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+")
_MOST_FILE = 64 * 1024 * 1024
_TALKS_BY_ITSELF = ("driver", "point_kind")
_DISABLED = ("已被管理员停用", "disabled by an administrator")


class Plugged:
    """One plug-in that was let in, and its guard."""

    def __init__(self, found: Found, guard: Guard) -> None:
        self.manifest, self.distribution = found.manifest, found.distribution
        self.made: Any = found.made
        self.guard = guard
        self.given = 0
        """Values and events a bridge took."""
        self.missed = 0
        """Values it was too slow for, or failed with."""
        self.failed_at: float | None = None
        """Machine time of the last failure."""

    @property
    def early(self) -> bool:
        """Return whether it was written for interface 1.0."""
        return self.manifest.api in ("1", "1.0")

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        """Return what one of its functions gives.

        Raises:
            Exception: Whatever went wrong; it was counted.
        """
        try:
            return await self.guard.call(function, *args)
        except Exception:
            self.failed_at = machine_s()
            raise


class Extensions:
    """Knows every module, switches them, and lends plug-ins what they may look at.

    Args:
        world: Ledger, latest values, plant time.
        historian: Time series.
        records: Which modules people switched.
        audit: Writes down who switched what, and what was stopped.
        settings: Which modules are off, and the patience with plug-ins.
        found: Plug-ins; None for those that are installed.
    """

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        records: Records,
        audit: Audit,
        settings: ExtensionSettings,
        found: Sequence[Found] | None = None,
    ) -> None:
        self._world, self._historian, self._records = world, historian, records
        self._audit, self._settings = audit, settings
        self._off = set(words(settings.disabled))
        self._chosen: dict[str, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.when_stopped: Callable[[str, str], Awaitable[None]] | None = None
        """Is told which module was stopped, and why."""
        self.when_switched: Callable[[str, bool], Awaitable[None]] | None = None
        """Is told which module was switched."""
        rows = find_plug_ins() if found is None else list(found)
        self._refused = [row for row in rows if row.refused_en]
        self.plugged = {
            row.manifest.name: Plugged(row, self._guard(row.manifest.name))
            for row in rows
            if not row.refused_en
        }
        """Plug-ins that were let in, by name."""
        for row in self._refused:
            _log.warning("plug-in refused", module=row.manifest.name, reason=row.refused_en)

    def _guard(self, name: str) -> Guard:
        settings = self._settings
        guard = Guard(name, settings.max_failures, settings.timeout_s, self._stopped)
        guard.enabled = name not in self._off
        return guard

    async def load(self) -> None:
        """Take up what people switched before a restart."""
        row = await in_thread(self._records.settings.get, _SETTING)
        chosen: Mapping[str, Any] = row.value if row is not None else {}
        self._chosen = {name: bool(on) for name, on in chosen.items()}
        for name, plug in self.plugged.items():
            plug.guard.enabled = self.wanted(name)

    def wanted(self, name: str) -> bool:
        """Return whether a module is to run; people's word comes before the settings file."""
        return self._chosen.get(name, name not in self._off)

    def runs(self, name: str) -> bool:
        """Return whether a module runs now."""
        plug = self.plugged.get(name)
        return self.wanted(name) if plug is None else plug.guard.runs

    def of_kind(self, kind: str) -> list[Plugged]:
        """Return the plug-ins of a kind that run."""
        return [p for p in self.plugged.values() if p.manifest.kind == kind and p.guard.runs]

    def look(self, scope: Scope) -> ScopedView:
        """Return what a module may see; call it on the event loop."""
        loop = asyncio.get_running_loop()
        return ScopedView(self._world, self._historian, scope, loop)

    async def switch(self, by: Principal, name: str, enabled: bool) -> None:
        """Enable or disable a module; takes effect at once.

        Raises:
            Refused: There is no such module, or it does not run in the platform.
        """
        plug = self.plugged.get(name)
        if plug is None and all(own.name != name for own in OWN):
            raise Refused("not_found", thing=name)
        if plug is not None and plug.manifest.kind in _TALKS_BY_ITSELF:
            raise Refused("invalid", thing=name, detail="remove its package to disable it")
        self._chosen[name] = enabled
        if plug is not None:
            plug.guard.enabled = enabled
            plug.guard.begin_again()
        await in_thread(
            self._records.settings.set,
            _SETTING,
            dict(self._chosen),
            source="person",
            by=by.user,
            at=self._world.now_s(),
        )
        await self._audit.add(by.user, "extension.switch", name, enabled=enabled)
        if self.when_switched is not None:
            await self.when_switched(name, enabled)

    def _stopped(self, name: str, why: str) -> None:
        async def tell() -> None:
            await self._audit.add(SYSTEM, "extension.stopped", name, reason=why)
            if self.when_stopped is not None:
                await self.when_stopped(name, why)

        task = asyncio.get_running_loop().create_task(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def report(
        self, scope: Scope, name: str, start_s: float, end_s: float, language: str
    ) -> ReportFile:
        """Return the file a report module makes of what a user may see.

        Raises:
            Refused: There is no such module, it does not run, or it failed.
        """
        plug = self._one(name, "report")
        if not start_s < end_s:
            raise Refused("range_invalid")
        made: Report = plug.made
        more = () if plug.early else (language,)
        file = await self._called(plug, made.build, self.look(scope), start_s, end_s, *more)
        good = isinstance(file, ReportFile) and isinstance(file.data, bytes)
        if not good or len(file.data) > _MOST_FILE:
            raise Refused("unavailable", thing=name, detail="no report file")
        if not _FILE.fullmatch(file.name) or not _MEDIA.fullmatch(file.media):
            raise Refused("unavailable", thing=name, detail="file name or media type")
        return cast(ReportFile, file)

    async def decode(self, name: str, payload: bytes, port: int) -> dict[str, float]:
        """Return what a decoder reads from a message.

        Raises:
            Refused: There is no such decoder, or these bytes are none of its.
        """
        plug = self._one(name, "decoder")
        made: Decoder = plug.made

        def attempt() -> dict[str, float] | str:
            try:
                return {str(k): float(v) for k, v in made.decode(payload, port).items()}
            except ValueError as error:
                return str(error)  # Bytes it does not know are no fault of the module.

        answer = await self._called(plug, attempt)
        if isinstance(answer, str):
            raise Refused("invalid", thing=name, detail=answer[:200])
        return dict(answer)

    def _one(self, name: str, kind: str) -> Plugged:
        plug = self.plugged.get(name)
        if plug is None or plug.manifest.kind != kind:
            raise Refused("not_found", thing=name)
        return plug

    async def _called(self, plug: Plugged, function: Callable[..., Any], *args: object) -> Any:
        try:
            return await plug.call(function, *args)
        except Stopped as error:
            detail = plug.guard.stopped or _DISABLED[1]
            raise Refused("unavailable", thing=plug.guard.name, detail=detail) from error
        except Exception as error:
            why = f"{type(error).__name__}: {error}"[:200]
            raise Refused("unavailable", thing=plug.guard.name, detail=why) from error

    def bridges(self) -> list[InterfaceState]:
        """Return the bridges of plug-ins as interfaces."""
        return [
            InterfaceState(
                name=plug.manifest.name,
                zh=plug.manifest.zh,
                en=plug.manifest.en,
                enabled=plug.guard.enabled,
                connected=plug.guard.runs,
                clients=0,
                sent=plug.given,
                dropped=plug.missed,
                waiting=0,
                last_error=plug.guard.last_error,
                last_error_at=None if plug.failed_at is None else utc(plug.failed_at),
                address="",
                detail=plug.distribution,
            )
            for plug in self.plugged.values()
            if plug.manifest.kind == "bridge"
        ]

    def view(self) -> ModulesView:
        """Return every module with its state."""
        own = [self._own_view(manifest) for manifest in OWN]
        plugged = [self._view(plug) for plug in self.plugged.values()]
        refused = [
            _module(row.manifest, row.distribution, "refused", row.refused_zh, row.refused_en)
            for row in self._refused
        ]
        items = [*own, *sorted((*plugged, *refused), key=lambda m: (m.kind, m.name))]
        return ModulesView(api=EXTENSION_API, accepted=list(ACCEPTED), items=items)

    def _own_view(self, manifest: Manifest) -> ModuleView:
        on = self.wanted(manifest.name)
        reason = ("", "") if on else _DISABLED
        return _module(manifest, "heatloop", "running" if on else "disabled", *reason)

    def _view(self, plug: Plugged) -> ModuleView:
        guard = plug.guard
        state, zh, en = "running", "", ""
        if not guard.enabled:
            state, (zh, en) = "disabled", _DISABLED
        elif guard.stopped:
            state, zh = "failed", f"多次失败后已停用：{guard.stopped}"
            en = f"stopped after failing: {guard.stopped}"
        return _module(plug.manifest, plug.distribution, state, zh, en, guard)


def _module(
    manifest: Manifest, distribution: str, state: str, zh: str, en: str, guard: Guard | None = None
) -> ModuleView:
    return ModuleView(
        name=manifest.name,
        zh=manifest.zh,
        en=manifest.en,
        kind=manifest.kind,
        version=manifest.version,
        author=manifest.author,
        inputs=list(manifest.inputs),
        outputs=list(manifest.outputs),
        api=manifest.api,
        distribution=distribution,
        state=state,
        reason_zh=zh,
        reason_en=en,
        calls=guard.calls if guard is not None else 0,
        failures=guard.failures if guard is not None else 0,
        last_error=guard.last_error if guard is not None else "",
        last_ms=guard.last_ms if guard is not None else None,
    )
