"""What a Sparkplug B payload consists of.

Reference: Sparkplug 3.0.0, 6.4 (payload definition).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A table."""

    columns: tuple[str, ...]
    """Names of the columns."""
    types: tuple[int, ...]
    """Data type codes of the columns."""
    rows: tuple[tuple[Scalar, ...], ...]
    """The rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Property:
    """One property of a metric."""

    type: int
    """Data type code."""
    value: Value
    """Its value; None: null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter of a template."""

    name: str
    """Its name."""
    type: int
    """Data type code."""
    value: Scalar
    """Its value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A structured metric, or the definition of one."""

    version: str | None = None
    """Version of the definition."""
    reference: str | None = None
    """Name of the definition of an instance."""
    is_definition: bool = False
    """Whether it is a definition."""
    metrics: tuple[Metric, ...] = ()
    """Its members."""
    parameters: tuple[Parameter, ...] = ()
    """Its parameters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One value."""

    name: str | None = None
    """Its name; DATA messages may leave it out and give the alias."""
    alias: int | None = None
    """Its short number, unique in the node."""
    timestamp_ms: int | None = None
    """When it was measured, milliseconds since 1970 UTC."""
    datatype: int | None = None
    """Data type code; DATA messages may leave it out."""
    value: Value = None
    """Its value; None: null."""
    historical: bool = False
    """A late value that must not become the present one."""
    transient: bool = False
    """A value that should not be stored."""
    metadata: Mapping[str, int | str | bool] = field(default_factory=dict)
    """content_type, size, seq, file_name, file_type, md5, description, is_multi_part."""
    properties: Mapping[str, Property] = field(default_factory=dict)
    """Engineering unit, quality and the like."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """One message."""

    timestamp_ms: int | None = None
    """When it was sent."""
    seq: int | None = None
    """Number of the message, 0 to 255; None in NDEATH."""
    metrics: tuple[Metric, ...] = ()
    """The values."""
    uuid: str | None = None
    """Schema of the body."""
    body: bytes = b""
    """Anything else."""


Scalar = int | float | bool | str | None
Value = (
    Scalar
    | bytes
    | tuple[int | float | bool | str, ...]
    | DataSet
    | Template
    | Mapping[str, Property]
    | tuple[Mapping[str, Property], ...]
)
