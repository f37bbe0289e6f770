"""What requests about identity may carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from heatloop.web.bodies import Name, Roles, ScopePaths

Label = Annotated[str, Field(min_length=1, max_length=60)]
Code = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9 -]+$")]
Token = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
Signature = Annotated[str, Field(max_length=2048, pattern=r"^[0-9a-f]*$")]
Network = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9a-fA-F.:/]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SecondStep(_Body):
    """A one-time or recovery code, or a signature over the last challenge."""

    code: Code | None = None
    """One-time or recovery code."""
    key: Token = ""
    """Id of the key that signed."""
    signature: Signature = ""
    """Hexadecimal signature over `heatloop-sign-in`, a zero byte and the challenge."""


class ProofBody(_Body):
    """Who one is, again."""

    password: Annotated[str, Field(max_length=256)] = ""
    """The password; empty for who came by an identity provider."""
    code: Code | None = None
    """One-time or recovery code, for who has one."""
    key: Token = ""
    """Id of the key that signed."""
    signature: Signature = ""
    """Hexadecimal signature over the last challenge."""


class Labelled(_Body):
    """A name for something of one's own."""

    label: Label


class TotpConfirm(_Body):
    """The first code of a new secret."""

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    """Id of the offer."""
    code: Code


class NewKey(_Body):
    """A public key or certificate, and the proof that its private key is at hand."""

    label: Label
    pem: Annotated[str, Field(min_length=20, max_length=20_000)]
    """PEM of the public key or certificate."""
    signature: Annotated[str, Field(min_length=2, max_length=2048, pattern=r"^[0-9a-f]+$")]
    """Hexadecimal signature over the last challenge of this session."""


class ServiceKeyCreate(_Body):
    """A key for a program."""

    name: Name
    """Name of the service account."""
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    """What it is for."""
    owner: Name
    """Whose rights it borrows."""
    roles: Roles
    permissions: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=40)] = (
        Field(default_factory=list)
    )
    """Of the roles' rights only these; empty: all."""
    scope: ScopePaths = Field(default_factory=lambda: [""])
    """Subtree paths inside the owner's scope."""
    addresses: Annotated[list[Network], Field(max_length=20)] = Field(default_factory=list)
    """Networks it may come from; empty: any."""
    days: Annotated[float, Field(gt=0, le=3650)] = 90.0
    """Life in days."""


class ServiceKeyRenew(_Body):
    """Another secret for a key."""

    days: Annotated[float, Field(gt=0, le=3650)] = 90.0
    """Life in days."""
