"""Security labels of people: given and taken by the security administrator, audited."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.personal import LabelPage, LabelView
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.security.access import Principal, Role, default_label
from heatloop.security.labels import label_of
from heatloop.store.records.personal_labels import LabelRow
from heatloop.store.records.users import UserRow


class Labels:
    """Keeps labels.

    Args:
        platform: Whose records and trail to use.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform, self._records = platform, platform.records

    async def page(self) -> LabelPage:
        """Return the label of every account, given or following from its roles."""
        accounts = await in_thread(self._records.users.list)
        given = await in_thread(self._records.labels.all)
        return LabelPage(
            total=len(accounts),
            items=[_view(account, given.get(account.name)) for account in accounts],
        )

    async def give(
        self, by: Principal, name: str, *, level: str, categories: list[str], reason: str
    ) -> LabelView:
        """Give somebody a label, in force at once.

        Raises:
            Refused: There is no such account, level or category.
            Forbidden: It is one's own.
        """
        account = await self._account(by, name)
        try:
            label = label_of(level, categories)
        except InputError as error:
            raise Refused("invalid", thing=error.thing, place="label") from error
        before = _view(account, await in_thread(self._records.labels.get, name))
        await in_thread(
            self._records.labels.put, name, level=label.level.value, categories=label.categories,
            reason=reason, user=by.user, at=machine_s(),
        )  # fmt: skip
        after = _view(account, await in_thread(self._records.labels.get, name))
        await self._told(by, "user.label", before, after, reason)
        return after

    async def take(self, by: Principal, name: str) -> LabelView:
        """Take a label away: what follows from the roles is in force again.

        Raises:
            Refused: There is no such account.
            Forbidden: It is one's own.
        """
        account = await self._account(by, name)
        before = _view(account, await in_thread(self._records.labels.get, name))
        await in_thread(self._records.labels.remove, name)
        after = _view(account, None)
        await self._told(by, "user.label_removed", before, after, "")
        return after

    async def _account(self, by: Principal, name: str) -> UserRow:
        account = await in_thread(self._records.users.get, name)
        if account is None:
            raise Refused("not_found", thing=name)
        if name == by.user:
            raise Forbidden("own_request", thing=name)
        return account

    async def _told(
        self, by: Principal, action: str, before: LabelView, after: LabelView, reason: str
    ) -> None:
        await self._platform.audit.add(
            by.user, action, after.name, reason=reason,
            before={"level": before.level, "categories": before.categories},
            after={"level": after.level, "categories": after.categories},
        )  # fmt: skip
        self._platform.people.rights_changed(after.name)


def _view(account: UserRow, row: LabelRow | None) -> LabelView:
    usual = default_label(Role(role) for role in account.roles)
    label = usual if row is None else label_of(row.level, row.categories)
    return LabelView(
        name=account.name,
        roles=sorted(account.roles),
        level=label.level.value,
        categories=sorted(label.categories),
        given=row is not None,
        usual_level=usual.level.value,
        usual_categories=sorted(usual.categories),
        reason="" if row is None else row.reason,
        given_by=None if row is None else row.user,
        given_at=None if row is None else utc(row.at),
    )
