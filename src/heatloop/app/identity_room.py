"""Everything about who people are, built in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from heatloop.app.account import Account
from heatloop.app.audit import Audit
from heatloop.app.oidc_sign_in import OidcSignIn
from heatloop.app.people import People
from heatloop.app.people_care import PeopleCare
from heatloop.app.second_factor import SecondFactors
from heatloop.app.service_keys import ServiceKeys
from heatloop.app.sessions import Sessions
from heatloop.app.setting_sections import Settings
from heatloop.app.stale_accounts import StaleAccounts
from heatloop.store.records import Records


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityRoom:
    """What identity consists of besides sessions and users."""

    second: SecondFactors
    """Second step of signing in, and fresh proofs."""
    account: Account
    """What one may do about oneself."""
    care: PeopleCare
    """What the security administrator does for others."""
    keys: ServiceKeys
    """Keys of programs."""
    stale: StaleAccounts
    """Accounts nobody uses."""
    oidc: OidcSignIn
    """The company's identity provider."""

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        records: Records,
        people: People,
        audit: Audit,
        sessions: Sessions,
    ) -> Self:
        """Build it.

        Raises:
            ConfigError: A file the settings name cannot be read.
        """
        second = SecondFactors(sessions, records)
        return cls(
            second=second,
            account=Account(sessions, second, records),
            care=PeopleCare(sessions, people, records),
            keys=ServiceKeys(records, people, audit, sessions, settings.identity),
            stale=StaleAccounts(records, people, audit, settings.identity.stale_days),
            oidc=OidcSignIn(settings.oidc, records, people, sessions),
        )
