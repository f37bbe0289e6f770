"""Jobs by (name, due plant time): each is done once, also over restarts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from heatloop.store.records.database import Database
from heatloop.store.records.work_schema import job

RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """One run of a job."""

    name: str
    """Job name."""
    due: float
    """Plant time it was due."""
    state: str
    """`running`, `done` or `failed`."""
    started_at: float
    """Plant time it was begun."""
    finished_at: float | None
    """Plant time it ended."""
    detail: str
    """What came of it."""


class Jobs:
    """Runs of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, name: str, due: float, *, at: float) -> bool:
        """Begin a job that was not done yet; return whether the caller is to do it.

        A run that failed may be begun again; one that runs or is done may not.
        """
        row = {"name": name, "due": due, "state": RUNNING, "started_at": at, "detail": ""}
        failed = update(job).where(job.c.name == name, job.c.due == due, job.c.state == FAILED)
        with self._database.write() as connection:
            if self._database.insert_new(connection, job, row):
                return True
            again = failed.values(state=RUNNING, started_at=at, finished_at=None, detail="")
            return bool(connection.execute(again).rowcount == 1)

    def finish(
        self, name: str, due: float, *, at: float, ok: bool = True, detail: str = ""
    ) -> None:
        """End a run."""
        state = DONE if ok else FAILED
        mine = update(job).where(job.c.name == name, job.c.due == due)
        with self._database.write() as connection:
            connection.execute(mine.values(state=state, finished_at=at, detail=detail))

    def release(self, *, at: float) -> int:
        """Let runs that a stopped process left be begun again; call once at the start."""
        left = update(job).where(job.c.state == RUNNING)
        with self._database.write() as connection:
            done = left.values(state=FAILED, finished_at=at, detail="process ended")
            return connection.execute(done).rowcount

    def last(self, name: str) -> JobRow | None:
        """Return the run of the latest due time that is done, or None."""
        query = select(job).where(job.c.name == name, job.c.state == DONE)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(job.c.due.desc()).limit(1)).one_or_none()
        return None if row is None else JobRow(**row._mapping)

    def forget(self, *, before: float) -> int:
        """Forget runs that were done before this plant time, but the last of each job."""
        newest = select(job.c.name, job.c.due).where(job.c.state == DONE)
        keep: dict[str, float] = {}
        with self._database.write() as connection:
            for name, due in connection.execute(newest):
                keep[name] = max(due, keep.get(name, due))
            gone = 0
            for name, due in keep.items():
                old = job.delete().where(
                    job.c.name == name, job.c.due < min(due, before), job.c.state == DONE
                )
                gone += connection.execute(old).rowcount
            return gone
