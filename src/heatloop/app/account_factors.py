"""Second factors of one's own account: setting up, removing, recovery codes."""

from __future__ import annotations

from pathlib import Path

import segno
from cryptography import x509

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.second_factor import SecondFactors
from heatloop.app.sessions import Place, Sessions
from heatloop.app.sessions_model import CERTIFICATE, PERSON, TOTP, Session, is_powerful
from heatloop.app.views.identity import Challenge, FactorView, RecoveryCodes, TotpOffer
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.security.factors import (
    new_recovery_codes,
    read_personal_key,
    recovery_hash,
    verify_personal_key,
)
from heatloop.security.passwords import new_token
from heatloop.security.totp import enrolment_uri, matching_step, new_secret, secret_text
from heatloop.store.records import Records
from heatloop.store.records.factors import KEY, FactorRow
from heatloop.store.records.factors import TOTP as CODES
from heatloop.store.records.users import UserRow

_MOST_FACTORS, _ID = 10, 16


def read_authorities(path: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM file; none for no file.

    Raises:
        ConfigError: It cannot be read.
    """
    if not path:
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(Path(path).read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "authorities cannot be read",
            thing=f"identity.certificate_ca_file = {path}",
            fix="give a PEM file of certificates",
        ) from error


class AccountFactors:
    """Second factors of whoever asks."""

    def __init__(self, sessions: Sessions, second: SecondFactors, records: Records) -> None:
        """Read the authorities of certificates now, so that a mistake shows at the start.

        Raises:
            ConfigError: Their file cannot be read.
        """
        self._sessions, self._second, self._records = sessions, second, records
        self._identity, self._audit = sessions.identity, sessions.audit
        self._authorities = read_authorities(self._identity.certificate_ca_file)

    async def _row(self, session: Session) -> UserRow:
        row = await in_thread(self._records.users.get, session.principal.user)
        if row is None:
            raise Refused("unauthenticated")
        return row

    async def offer_totp(self, session: Session, label: str) -> TotpOffer:
        """Return a new secret for one-time codes; it counts when a code has been confirmed.

        Raises:
            Refused: There are too many factors already.
        """
        await self._room(session)
        user, algorithm = session.principal.user, self._identity.totp_algorithm
        secret = new_secret(algorithm)
        row = _factor(user, CODES, label, algorithm, secret=secret)
        await in_thread(self._records.factors.add, row)
        uri = enrolment_uri(secret, user, self._identity.totp_issuer, algorithm)
        picture = segno.make(uri, error="m", micro=False)
        return TotpOffer(
            id=row.id,
            secret=secret_text(secret),
            uri=uri,
            picture=picture.svg_data_uri(border=4, light="#fff", dark="#000"),
            algorithm=algorithm,
        )

    async def confirm_totp(
        self, session: Session, factor: str, code: str, place: Place
    ) -> tuple[str, Session, RecoveryCodes]:
        """Take an offered secret into use; return the new token, session and recovery codes.

        Raises:
            Refused: The code is wrong, or nothing is offered.
        """
        user, now = session.principal.user, machine_s()
        rows = await in_thread(self._records.factors.of, user, confirmed=False)
        row = next(
            (r for r in rows if r.id == factor and r.kind == CODES and not r.confirmed), None
        )
        if row is None:
            raise Refused("not_found", thing=factor)
        who = await self._sessions.attempt(session, place)
        step = matching_step(row.secret, code, now, algorithm=row.algorithm)
        if step is None or not await in_thread(
            self._records.factors.use_step, row.id, step, at=now
        ):
            await self._sessions.failed(who, user, "enrolment")
            raise Refused("bad_code")
        codes = await self._recovery(user)
        await self._audit.add(user, "factor.add", user, kind=CODES, label=row.label)
        token, session = await self._again(session, TOTP, place)
        return token, session, codes

    async def add_key(
        self, session: Session, label: str, pem: str, signature: bytes, place: Place
    ) -> tuple[str, Session, RecoveryCodes]:
        """Register a public key or certificate, proved by a signature over the last challenge.

        Raises:
            Refused: It is no key that is accepted, or the signature is not its own.
        """
        await self._room(session)
        user, now = session.principal.user, machine_s()
        try:
            key = read_personal_key(pem, self._authorities, now)
            text = self._second.take_challenge(session)
            verify_personal_key(key.public, text, signature)
        except HeatloopError as error:
            raise Refused("key_refused", detail=error.message) from error
        row = _factor(
            user,
            KEY,
            label,
            key.algorithm,
            public=key.public,
            fingerprint=key.fingerprint,
            subject=key.subject,
            ends_at=key.ends_s,
        )
        await in_thread(self._records.factors.add, row)
        first = not await in_thread(self._records.factors.recovery_left, user)
        codes = await self._recovery(user) if first else RecoveryCodes(codes=[])
        await self._audit.add(
            user, "factor.add", user, kind=KEY, label=label, fingerprint=key.fingerprint
        )
        token, session = await self._again(session, CERTIFICATE, place)
        return token, session, codes

    async def _again(self, session: Session, factor: str, place: Place) -> tuple[str, Session]:
        """Go on under another token; the user's other sessions must give the factor, too."""
        self._sessions.forget(session.principal.user)
        return await self._sessions.begin(
            await self._row(session), session.factors | {factor}, place, replaces=session
        )

    async def _room(self, session: Session) -> None:
        if session.kind != PERSON:
            raise Refused("forbidden", thing=session.principal.user)
        if len(await in_thread(self._records.factors.of, session.principal.user)) >= _MOST_FACTORS:
            raise Refused("too_many_factors")

    async def challenge(self, session: Session) -> Challenge:
        """Return something to sign, and who may."""
        text, seconds = self._second.challenge(session)
        factors = await in_thread(self._records.factors.of, session.principal.user)
        keys = [factor_view(each) for each in factors if each.kind == KEY]
        return Challenge(challenge=text, seconds=seconds, keys=keys)

    async def remove_factor(self, session: Session, factor: str) -> None:
        """Remove a second factor; the last one stays where one is required.

        Raises:
            Refused: There is no such factor, or it is the last.
        """
        user = session.principal.user
        rows = await in_thread(self._records.factors.of, user)
        row = next((each for each in rows if each.id == factor), None)
        if row is None:
            raise Refused("not_found", thing=factor)
        needed = self._sessions.wants_second and is_powerful(session.principal)
        if needed and len(rows) == 1:
            raise Refused("last_factor")
        await in_thread(self._records.factors.remove, user, factor)
        self._sessions.forget(user)
        await self._audit.add(user, "factor.remove", user, kind=row.kind, label=row.label)

    async def new_recovery(self, session: Session) -> RecoveryCodes:
        """Return fresh recovery codes; the former ones open nothing any more.

        Raises:
            Refused: There is no factor they could stand in for.
        """
        if not session.methods:
            raise Refused("not_found", thing="second factor")
        codes = await self._recovery(session.principal.user)
        await self._audit.add(session.principal.user, "factor.recovery", session.principal.user)
        return codes

    async def _recovery(self, user: str) -> RecoveryCodes:
        codes = new_recovery_codes()
        await in_thread(
            self._records.factors.set_recovery, user, [recovery_hash(each) for each in codes]
        )
        return RecoveryCodes(codes=codes)


def _factor(
    user: str,
    kind: str,
    label: str,
    algorithm: str,
    *,
    secret: bytes = b"",
    public: bytes = b"",
    fingerprint: str = "",
    subject: str = "",
    ends_at: float | None = None,
) -> FactorRow:
    return FactorRow(
        id=new_token()[:_ID],
        user=user,
        kind=kind,
        label=label,
        algorithm=algorithm,
        secret=secret,
        public=public,
        fingerprint=fingerprint,
        subject=subject[:200],
        confirmed=kind == KEY,
        last_step=-1,
        created_at=machine_s(),
        used_at=None,
        ends_at=ends_at,
    )


def factor_view(row: FactorRow) -> FactorView:
    """Return a factor as the screens see it."""
    return FactorView(
        id=row.id,
        kind=row.kind,
        label=row.label,
        algorithm=row.algorithm,
        subject=row.subject,
        created_at=utc(row.created_at),
        used_at=None if row.used_at is None else utc(row.used_at),
        ends_at=None if row.ends_at is None else utc(row.ends_at),
    )
