"""Dispatch: figures with their history, outages, and plans with who decided on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.dispatch_schema import dispatch_figure, dispatch_outage, dispatch_plan
from heatloop.store.records.values import page


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureRow:
    """A figure from a time on."""

    number: int
    """Number."""
    subject: str
    """Asset, fuel or tariff it belongs to."""
    name: str
    """What it is."""
    value: float
    """Value, in the unit of its name."""
    valid_from: float
    """Plant time from which it holds."""
    note: str
    """Where it comes from."""
    user: str
    """Who entered it."""
    at: float
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutageRow:
    """A time in which a unit or source may not run."""

    number: int
    """Number."""
    subject: str
    """Asset code."""
    kind: str
    """`maintenance` or `failure`."""
    start_s: float
    """Plant time from which."""
    end_s: float
    """Plant time until which."""
    note: str
    """Why."""
    user: str
    """Who entered it."""
    at: float
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRow:
    """A plan; its figures a step stand in `body`, as JSON."""

    number: int
    """Version."""
    network: str
    """Code of the network's first source."""
    reason: str
    """Why it was made."""
    state: str
    """`proposed`, `approved`, `rejected`, `superseded` or `what_if`."""
    result: str
    """`optimal`, `feasible` or `fallback`."""
    made_at: float
    """Plant time."""
    start_s: float
    """First step."""
    step_s: int
    """Length of a step."""
    steps: int
    """Steps."""
    cost_yuan: float
    """Bill of the plan."""
    baseline_yuan: float
    """Bill of the proportional split."""
    unserved_kwh: float
    """Demand not met."""
    user: str
    """Who asked for it."""
    decided_by: str
    """Who approved or rejected it; empty: nobody yet."""
    decided_at: float | None
    """When."""
    body: str
    """Figures; empty in a list."""


class DispatchRecords:
    """What dispatch remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_figure(
        self,
        *,
        subject: str,
        name: str,
        value: float,
        valid_from: float,
        note: str,
        user: str,
        at: float,
    ) -> int:
        """Keep a figure that holds from a time on; earlier ones stay."""
        row = {
            "subject": subject,
            "name": name,
            "value": value,
            "valid_from": valid_from,
            "note": note,
            "user": user,
            "at": at,
        }
        with self._database.write() as connection:
            made = connection.execute(
                dispatch_figure.insert().values(row).returning(dispatch_figure.c.number)
            )
            return int(made.scalar_one())

    def figures_at(self, at: float) -> dict[tuple[str, str], float]:
        """Return the figures that hold at a time, by subject and name."""
        c = dispatch_figure.c
        query = (
            select(c.subject, c.name, c.value)
            .where(c.valid_from <= at)
            .order_by(c.valid_from, c.number)
        )
        with self._database.read() as connection:
            return {(row.subject, row.name): row.value for row in connection.execute(query)}

    def figures(
        self, *, subject: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[FigureRow]]:
        """Return how many figures were entered, and a page of them, newest first."""
        query = select(dispatch_figure).order_by(dispatch_figure.c.number.desc())
        if subject:
            query = query.where(dispatch_figure.c.subject == subject)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [FigureRow(**row._mapping) for row in rows]

    def add_outage(
        self,
        *,
        subject: str,
        kind: str,
        start_s: float,
        end_s: float,
        note: str,
        user: str,
        at: float,
    ) -> int:
        """Keep an outage."""
        row = {
            "subject": subject,
            "kind": kind,
            "start_s": start_s,
            "end_s": end_s,
            "note": note,
            "user": user,
            "at": at,
        }
        with self._database.write() as connection:
            made = connection.execute(
                dispatch_outage.insert().values(row).returning(dispatch_outage.c.number)
            )
            return int(made.scalar_one())

    def end_outage(self, number: int, end_s: float) -> bool:
        """Let an outage end at a time; return whether there is one that ends later."""
        c = dispatch_outage.c
        query = update(dispatch_outage).where(c.number == number, c.end_s > end_s)
        with self._database.write() as connection:
            return bool(connection.execute(query.values(end_s=end_s)).rowcount)

    def outages(self, after_s: float, limit: int = 500) -> Sequence[OutageRow]:
        """Return outages that end after a time, the first to begin first."""
        c = dispatch_outage.c
        query = (
            select(dispatch_outage)
            .where(c.end_s > after_s, c.end_s > c.start_s)
            .order_by(c.start_s, c.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [OutageRow(**row._mapping) for row in connection.execute(query)]

    def add_plan(self, row: PlanRow) -> int:
        """Keep a plan and return its number; an older proposal of its network is superseded."""
        values = {
            name: getattr(row, name) for name in PlanRow.__dataclass_fields__ if name != "number"
        }
        c = dispatch_plan.c
        older = update(dispatch_plan).where(c.network == row.network, c.state == "proposed")
        with self._database.write() as connection:
            if row.state == "proposed":
                connection.execute(older.values(state="superseded"))
            made = connection.execute(dispatch_plan.insert().values(values).returning(c.number))
            return int(made.scalar_one())

    def decide(self, number: int, state: str, *, by: str, at: float) -> bool:
        """Approve or reject a plan that is proposed; return whether it was."""
        c = dispatch_plan.c
        query = update(dispatch_plan).where(c.number == number, c.state == "proposed")
        with self._database.write() as connection:
            done = connection.execute(query.values(state=state, decided_by=by, decided_at=at))
            return bool(done.rowcount)

    def plan(self, number: int) -> PlanRow | None:
        """Return a plan, None if there is none."""
        query = select(dispatch_plan).where(dispatch_plan.c.number == number)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else PlanRow(**row._mapping)

    def newest(self, network: str, states: Sequence[str]) -> PlanRow | None:
        """Return the newest plan of a network in one of these states, None without any."""
        c = dispatch_plan.c
        query = select(dispatch_plan).where(c.network == network, c.state.in_(states))
        with self._database.read() as connection:
            row = connection.execute(query.order_by(c.number.desc()).limit(1)).one_or_none()
        return None if row is None else PlanRow(**row._mapping)

    def first_after(self, network: str, at: float) -> PlanRow | None:
        """Return the first plan made for a network from a time on, what-ifs apart."""
        c = dispatch_plan.c
        query = select(dispatch_plan).where(
            c.network == network, c.made_at >= at, c.state != "what_if"
        )
        with self._database.read() as connection:
            row = connection.execute(query.order_by(c.number).limit(1)).one_or_none()
        return None if row is None else PlanRow(**row._mapping)

    def made_between(
        self, network: str, start: float, end: float, limit: int = 2000
    ) -> Sequence[PlanRow]:
        """Return the plans of a network made in a time, what-ifs and rejected ones apart."""
        c = dispatch_plan.c
        query = (
            select(dispatch_plan)
            .where(c.network == network, c.made_at >= start, c.made_at < end)
            .where(c.state.not_in(("what_if", "rejected")))
            .order_by(c.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [PlanRow(**row._mapping) for row in connection.execute(query)]

    def plans(
        self, *, network: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[PlanRow]]:
        """Return how many plans there are, and a page of them without bodies, newest first."""
        columns = [column for column in dispatch_plan.c if column.name != "body"]
        query = select(*columns).order_by(dispatch_plan.c.number.desc())
        if network:
            query = query.where(dispatch_plan.c.network == network)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [PlanRow(**row._mapping, body="") for row in rows]

    def forget(self, before: float) -> int:
        """Remove plans made before a time that nobody approved; return how many."""
        c = dispatch_plan.c
        query = delete(dispatch_plan).where(c.made_at < before, c.state != "approved")
        with self._database.write() as connection:
            return int(connection.execute(query).rowcount)
