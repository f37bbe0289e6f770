"""Sparkplug B: what is written reads the same, and noise is refused, never crashed on."""

from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.sparkplug.datatypes import data_types
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import DataSet, Metric, Payload, Property, Template

U64 = st.integers(0, (1 << 64) - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SIMPLE = [kind for kind in data_types().values() if kind.code <= 15]


EVERY = tuple(data_types().values())


@st.composite
def typed(draw, kinds=EVERY):
    """Return a data type code and a value of it."""
    kind = draw(
        st.sampled_from([k for k in kinds if k.slot not in {"propertyset", "propertysets"}])
    )
    if kind.slot == "array":
        return kind.code, tuple(draw(st.lists(element(kind), max_size=9)))
    if kind.slot == "dataset":
        columns = draw(st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=3))
        rows = draw(st.lists(st.tuples(*(st.none() | element(c) for c in columns)), max_size=3))
        names = tuple(f"c{n}" for n in range(len(columns)))
        types = tuple(c.code for c in columns)
        return kind.code, DataSet(columns=names, types=types, rows=tuple(rows))
    if kind.slot == "template":
        return kind.code, Template(version=draw(st.none() | TEXT))
    if kind.slot == "bytes":
        return kind.code, draw(st.binary(max_size=20))
    return kind.code, draw(element(kind))


def element(kind):
    if kind.name.startswith(("Float", "Double")):
        return st.floats(width=32 if kind.name.startswith("Float") else 64, allow_nan=False)
    if kind.name.startswith("Boolean"):
        return st.booleans()
    if kind.slot == "string" or kind.name == "StringArray":
        return TEXT
    low = -(1 << kind.bits - 1) if kind.signed else 0
    return st.integers(low, low + (1 << kind.bits) - 1)


@st.composite
def metrics(draw):
    code, value = draw(typed())
    simple, held = draw(typed(tuple(SIMPLE)))
    return Metric(
        name=draw(st.none() | TEXT),
        alias=draw(st.none() | U64),
        timestamp_ms=draw(st.none() | U64),
        datatype=code,
        value=draw(st.sampled_from([value, None])),
        historical=draw(st.booleans()),
        transient=draw(st.booleans()),
        properties=draw(st.sampled_from([{}, {"p": Property(type=simple, value=held)}])),
    )


PAYLOADS = st.builds(
    Payload,
    timestamp_ms=st.none() | U64,
    seq=st.none() | st.integers(0, 255),
    metrics=st.lists(metrics(), max_size=4).map(tuple),
    body=st.binary(max_size=5),
)


@given(PAYLOADS)
def test_a_payload_survives(payload):
    assert decode_payload(encode_payload(payload)) == payload


@given(PAYLOADS)
def test_types_come_from_the_birth(payload):
    named = [m for m in payload.metrics if m.name]
    types = {m.name: m.datatype for m in named}
    said = Payload(metrics=tuple(m for m in named if types[m.name] == m.datatype))
    assert decode_payload(encode_payload(said, with_types=False), types) == said


def reads(wire):
    named = True
    try:
        decode_payload(wire)
    except InputError as error:
        named = bool(error.thing) and error.place.startswith("byte ")
    assert named


@given(PAYLOADS, st.data())
def test_a_damaged_payload_is_read_or_refused(payload, data):
    wire = bytearray(encode_payload(payload))
    if wire:
        wire[data.draw(st.integers(0, len(wire) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    reads(bytes(wire))
    reads(bytes(wire[: data.draw(st.integers(0, len(wire)))]))


@given(st.binary(max_size=400))
def test_noise_is_refused(noise):
    reads(noise)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_noise_in_metrics_is_refused(blobs):
    reads(b"".join(b"\x12" + bytes((len(blob),)) + blob for blob in blobs))
