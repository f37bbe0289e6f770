"""What requests may carry: bounded, named, nothing extra."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.@-]+$")]
Password = Annotated[str, Field(min_length=1, max_length=256)]
Code = Annotated[str, Field(min_length=1, max_length=120)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SignIn(_Body):
    """User name and password."""

    user: Name
    password: Password


class PasswordChange(_Body):
    """The present and the new password."""

    old: Password
    new: Password


class CommandRequest(_Body):
    """An order to set one point."""

    point: Code
    """Point code."""
    value: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
    """In the point's unit."""
    reason: Annotated[str, Field(max_length=400)] = ""
    """Why; kept in the audit trail."""


class ModeRequest(_Body):
    """A station mode."""

    mode: Literal["local", "remote_manual", "automatic"]


class StageRequest(_Body):
    """A strategy stage."""

    stage: Literal["observe", "advise", "automatic"]


Roles = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=10)]
ScopePaths = Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=100)]


class UserCreate(_Body):
    """A new user; the first password is made by the platform."""

    name: Name
    full_name: Annotated[str, Field(max_length=100)] = ""
    roles: Roles
    scope: ScopePaths = Field(default_factory=lambda: [""])
    """Subtree paths; an empty path is the whole company."""


class UserChange(_Body):
    """What is to change; fields left out stay."""

    roles: Roles | None = None
    scope: ScopePaths | None = None
    disabled: bool | None = None
    reset_password: bool = False
    """Make a new first password."""


class SignedRequest(_Body):
    """A document signed with the gateway's own key."""

    body: Annotated[str, Field(max_length=16_000)]
    key_id: Annotated[str, Field(max_length=64)]
    alg: Annotated[str, Field(max_length=32)]
    signature: Annotated[str, Field(max_length=256)]


class EnrolRequest(_Body):
    """A gateway's own public key and the token an administrator gave it."""

    gateway: Name
    public_key: Annotated[str, Field(pattern=r"^([0-9a-f]{64}|04[0-9a-f]{128})$")]
    """Ed25519 or SM2 public key, hexadecimal."""
    token: Annotated[str, Field(min_length=16, max_length=200)]
    certificate_request: SignedRequest | None = None
    """Asks for the gateway's certificate as well."""


class BadRowView(BaseModel):
    """One bad row of a ledger file."""

    sheet: str
    row: int
    column: str
    value: str
    message_zh: str
    message_en: str
    fix: str
