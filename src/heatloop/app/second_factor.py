"""The second step of signing in, and proving again who one is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.sessions import Place, Sessions
from heatloop.app.sessions_model import CERTIFICATE, DISPLAY, OIDC, PASSWORD, TOTP, Session
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.security.factors import recovery_hash, verify_personal_key
from heatloop.security.totp import matching_step
from heatloop.store.records import Records
from heatloop.store.records.factors import KEY
from heatloop.store.records.factors import TOTP as CODES
from heatloop.store.records.users import UserRow

_CHALLENGE_S = 120.0
_MOST_CHALLENGES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What somebody gives to prove who he is."""

    password: str = ""
    """His password."""
    code: str = ""
    """One-time or recovery code."""
    factor: str = ""
    """Which of his keys signed; empty: any of them may have."""
    signature: bytes = b""
    """Signature over the last challenge of this session."""


class SecondFactors:
    """Checks codes and signatures; every one is good once."""

    def __init__(self, sessions: Sessions, records: Records) -> None:
        self._sessions, self._records = sessions, records
        self._challenges: dict[str, tuple[str, float]] = {}

    def challenge(self, session: Session) -> tuple[str, float]:
        """Return a fresh challenge for this session, and how many seconds it holds."""
        now = machine_s()
        if len(self._challenges) >= _MOST_CHALLENGES:
            self._challenges = {k: v for k, v in self._challenges.items() if v[1] > now}
            if len(self._challenges) >= _MOST_CHALLENGES:
                raise Refused("sign_in_busy")
        text = secrets.token_urlsafe(32)
        self._challenges[session.token_hash] = (text, now + _CHALLENGE_S)
        return text, _CHALLENGE_S

    def take_challenge(self, session: Session) -> str:
        """Return the last challenge of a session, once.

        Raises:
            Refused: There is none that holds.
        """
        text, until_s = self._challenges.pop(session.token_hash, ("", 0.0))
        if not text or machine_s() > until_s:
            raise Refused("bad_code", detail="no challenge holds")
        return text

    async def second(self, session: Session, proof: Proof, place: Place) -> tuple[str, Session]:
        """Return the token and session after the second step; the former token is dead.

        Raises:
            Refused: The code or signature is wrong or was used before, or he is locked out.
        """
        account = await self._account(session)
        who = await self._sessions.attempt(session, place)
        factor = await self._given(account, session, proof)
        if factor is None:
            await self._sessions.failed(who, account.name, "second factor")
            raise Refused("bad_code")
        return await self._sessions.begin(
            account, session.factors | {factor}, place, replaces=session
        )

    async def prove(self, session: Session, proof: Proof, place: Place) -> Session:
        """Return the session with a fresh proof of identity.

        Who has a password gives it, and a second factor if he has one; who came by an identity
        provider gives the second factor alone, or signs in there again.

        Raises:
            Refused: A proof is wrong or missing, or he is locked out.
        """
        if session.kind == DISPLAY or session.must_prove:
            raise Refused("second_factor_required" if session.must_prove else "proof_needed")
        account = await self._account(session)
        who = await self._sessions.attempt(session, place)
        needs_password = OIDC not in session.factors or PASSWORD in session.factors
        good = True
        if needs_password:
            good = await self._sessions.hashing.verify(
                account.password_hash, proof.password, who.source
            )
        elif not session.methods:
            raise Refused("provider_proof")
        if good and session.methods:
            good = await self._given(account, session, proof) is not None
        if not good:
            await self._sessions.failed(who, account.name, "proof")
            raise Refused("bad_proof")
        self._sessions.guard.passed(who)
        await self._sessions.audit.add(account.name, "session.proof", account.name)
        return await self._sessions.prove(session)

    async def _account(self, session: Session) -> UserRow:
        account = await in_thread(self._records.users.get, session.principal.user)
        if account is None or account.disabled:
            raise Refused("unauthenticated")
        return account

    async def _given(self, account: UserRow, session: Session, proof: Proof) -> str | None:
        """Return which factor was proved, None if none was."""
        if proof.signature:
            good = await self._signed(account.name, session, proof)
            return CERTIFICATE if good else None
        if proof.code and await self._code(account.name, proof.code):
            return TOTP
        return None

    async def _code(self, user: str, code: str) -> bool:
        now = machine_s()
        plain = "".join(letter for letter in code if letter.isalnum())
        if len(plain) > 8:
            if not await in_thread(
                self._records.factors.use_recovery, user, recovery_hash(code), at=now
            ):
                return False
            left = await in_thread(self._records.factors.recovery_left, user)
            await self._sessions.audit.add(user, "factor.recovery_used", user, left=left)
            return True
        for factor in await in_thread(self._records.factors.of, user):
            if factor.kind != CODES:
                continue
            step = matching_step(
                factor.secret, code, now, after=factor.last_step, algorithm=factor.algorithm
            )
            # Of two who send the same code at once the records let one pass.
            if step is not None and await in_thread(
                self._records.factors.use_step, factor.id, step, at=now
            ):
                return True
        return False

    async def _signed(self, user: str, session: Session, proof: Proof) -> bool:
        now = machine_s()
        try:
            text = self.take_challenge(session)
        except Refused:
            return False
        for factor in await in_thread(self._records.factors.of, user):
            if factor.kind != KEY or proof.factor not in ("", factor.id):
                continue
            if factor.ends_at is not None and now > factor.ends_at:
                continue
            try:
                verify_personal_key(factor.public, text, proof.signature)
            except HeatloopError:
                continue
            await in_thread(self._records.factors.used, factor.id, at=now)
            return True
        return False
