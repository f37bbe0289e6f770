"""Sparkplug B: a payload written by hand, every data type, topics, births and lost messages."""

import struct

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.sparkplug.datatypes import data_types
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import (
    DataSet,
    Metric,
    Parameter,
    Payload,
    Property,
    Template,
)
from heatloop.protocols.sparkplug.session import (
    EdgeNode,
    HostNode,
    Topic,
    read_topic,
    rebirth_command,
)

AT = 1_768_460_400_000
TABLE = DataSet(
    columns=("t", "ok", "name"),
    types=(10, 11, 12),
    rows=((1.5, True, "a"), (None, False, "b")),
)
SHAPE = Template(
    version="1",
    reference="pump",
    metrics=(Metric(name="speed", datatype=9, value=0.5),),
    parameters=(Parameter(name="poles", type=3, value=-4),),
)
VALUES = [
    (1, -128), (2, -32768), (3, -(2**31)), (4, -(2**63)), (5, 255), (6, 65535), (7, 2**32 - 1),
    (8, 2**64 - 1), (9, 0.5), (10, 0.1), (11, True), (12, "热"), (13, AT), (14, "x"),
    (15, "123e4567-e89b-12d3-a456-426614174000"), (16, TABLE), (17, b"\x00\xff"), (18, b"PK"),
    (19, SHAPE), (22, (-1, 1)), (23, (-300,)), (24, (2**31 - 1,)), (25, (-(2**63),)),
    (26, (255, 0)), (27, (65535,)), (28, (2**32 - 1,)), (29, (2**64 - 1,)), (30, (0.5, -2.0)),
    (31, (0.1,)), (32, (True, False, True) * 3), (33, ("ABC", "", "热")), (34, (AT,)),
]  # fmt: skip


def test_a_payload_written_by_hand():
    """Field numbers and kinds as the published schema has them."""
    name, value = b"t", struct.pack("<d", 21.5)
    metric = (
        b"\x0a\x01" + name + b"\x10\x07" + b"\x20\x0a" + b"\x28\x01" + b"\x69" + value
    )  # name 1, alias 2, datatype 4, is_historical 5, double_value 13
    wire = b"\x08\x05" + b"\x12" + bytes((len(metric),)) + metric + b"\x18\x03"
    found = decode_payload(wire)
    wanted = Metric(name="t", alias=7, datatype=10, value=21.5, historical=True)
    assert found == Payload(timestamp_ms=5, seq=3, metrics=(wanted,))
    assert encode_payload(found) == wire


@pytest.mark.parametrize("code, value", VALUES)
def test_every_data_type_survives(code, value):
    said = Payload(metrics=(Metric(name="m", datatype=code, value=value),))
    assert decode_payload(encode_payload(said)) == said


def test_every_data_type_is_tested():
    properties = {20, 21}
    assert {code for code, _ in VALUES} | properties == set(data_types())


def test_properties_metadata_and_null_survive():
    inner = {"unit": Property(type=12, value="kPa"), "low": Property(type=9, value=None)}
    metric = Metric(
        name="p",
        datatype=10,
        value=None,
        timestamp_ms=AT,
        transient=True,
        metadata={"content_type": "text", "size": 5, "is_multi_part": True},
        properties={
            **inner,
            "set": Property(type=20, value=inner),
            "list": Property(type=21, value=(inner, {})),
        },
    )
    said = Payload(timestamp_ms=AT, seq=255, metrics=(metric,), uuid="u", body=b"b")
    assert decode_payload(encode_payload(said)) == said


def test_negative_numbers_come_in_any_width():
    for code, raw in ((1, 0xFF), (1, 0xFFFFFFFF), (3, 0xFFFFFFFF), (3, 2**64 - 1)):
        metric = b"\x20" + bytes((code,)) + b"\x50" + varint(raw)
        (found,) = decode_payload(b"\x12" + bytes((len(metric),)) + metric).metrics
        assert found.value == -1


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


@pytest.mark.parametrize(
    "text, message",
    [
        ("08", "needs 1 bytes"),
        ("08 80 80 80 80 80 80 80 80 80 80 01", "longer than 10 bytes"),
        ("12 05 0A", "needs 5 bytes"),
        ("03", "field number 0"),
        ("0B", "kind 3"),
        ("0A 00", "another kind"),
        ("12 03 0A 01 FF", "not UTF-8"),
        ("12 02 20 63", "data type 99"),
        ("12 04 20 05 50 80", "needs 1 bytes"),
        ("12 05 20 05 50 80 04", "does not fit UInt8"),
        ("12 06 20 17 82 01 01 00", "are no Int16Array"),
        ("12 02 20 14", "cannot be a PropertySet"),
    ],
)
def test_damaged_payloads_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        decode_payload(bytes.fromhex(text))
    assert caught.value.place.startswith("byte ")


def test_endless_nesting_is_refused():
    wire = b""
    for _ in range(40):
        inner = b"\x20\x13\x92\x01" + varint(len(wire)) + wire
        wire = b"\x12" + varint(len(inner)) + inner
    with pytest.raises(InputError, match="nested deeper"):
        decode_payload(wire)


@pytest.mark.parametrize(
    "code, value",
    [(1, 128), (5, -1), (9, "x"), (9, 1e39), (11, 1), (12, 5), (16, 1), (22, (200,)), (3, 1.5),
     (33, ("a\0b",)), (20, 1), (99, 1), (None, 1), (7, True)],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(code, value):
    with pytest.raises(InputError):
        encode_payload(Payload(metrics=(Metric(name="m", datatype=code, value=value),)))


@pytest.mark.parametrize(
    "text", ["", "spBv1.0/g/NDATA", "spBv1.0/g/NDATA/n/d", "spBv1.0/g/DDATA/n", "x/g/NDATA/n",
             "spBv1.0/g/NOTHING/n", "spBv1.0//NDATA/n", "spBv1.0/STATE/host"],
)  # fmt: skip
def test_other_topics_are_refused(text):
    with pytest.raises(InputError, match="no Sparkplug"):
        read_topic(text)


def topic(kind, device=""):
    return Topic(group="east", kind=kind, node="ST000001", device=device)


def test_topics_survive():
    for each in (topic("NDATA"), topic("DBIRTH", "meter")):
        assert read_topic(str(each)) == each


def metric(value=20.5, **more):
    return Metric(name="t_supply", alias=1, datatype=9, value=value, **more)


def born():
    edge, host = EdgeNode(bd_seq=255), HostNode()
    will = edge.will(AT)
    host.heard(topic("NBIRTH"), edge.birth(AT, [metric()]))
    return edge, host, will


def test_data_is_named_by_its_birth():
    edge, host, _ = born()
    data = edge.data(AT, [metric(21.5, historical=True)])
    assert b"t_supply" not in data
    heard = host.heard(topic("NDATA"), data)
    assert not heard.rebirth
    assert heard.payload.metrics == (metric(21.5, historical=True),)


def test_seq_wraps_and_a_missing_one_asks_for_a_rebirth():
    edge, host, _ = born()
    for _ in range(600):
        assert not host.heard(topic("NDATA"), edge.data(AT, [metric()])).rebirth
    edge.data(AT, [metric()])
    heard = host.heard(topic("NDATA"), edge.data(AT, [metric()]))
    assert heard.rebirth
    assert heard.payload.metrics[0].value == 20.5
    (command,) = decode_payload(rebirth_command(AT)).metrics
    assert (command.name, command.value) == ("Node Control/Rebirth", True)
    host.heard(topic("NBIRTH"), edge.birth(AT, [metric()]))
    assert not host.heard(topic("NDATA"), edge.data(AT, [metric()])).rebirth


def test_only_the_own_death_counts():
    edge, host, will = born()
    later = edge.will(AT)
    host.heard(topic("NBIRTH"), edge.birth(AT, []))
    assert host.bd_seq == 0
    assert host.heard(topic("NDEATH"), will).stale
    assert host.online
    assert not host.heard(topic("NDEATH"), later).stale
    assert not host.online
    assert host.heard(topic("NDATA"), edge.data(AT, [])).rebirth


def test_devices_are_born_and_die():
    edge, host, _ = born()
    assert host.heard(topic("DDATA", "m1"), edge.data(AT, [])).rebirth
    edge, host, _ = born()
    mine = Metric(name="heat", alias=2, datatype=8, value=7)
    assert not host.heard(topic("DBIRTH", "m1"), edge.device_birth(AT, [mine])).rebirth
    heard = host.heard(topic("DDATA", "m1"), edge.data(AT, [mine]))
    assert (heard.rebirth, heard.payload.metrics) == (False, (mine,))
    assert not host.heard(topic("DDEATH", "m1"), edge.device_death(AT)).rebirth
    assert host.heard(topic("DDATA", "m1"), edge.data(AT, [mine])).rebirth


def test_an_unknown_alias_asks_for_a_rebirth():
    edge, host, _ = born()
    stranger = Metric(name="x", alias=99, datatype=9, value=1.0)
    assert host.heard(topic("NDATA"), edge.data(AT, [stranger])).rebirth


def test_incomplete_births_are_refused():
    edge, host = EdgeNode(), HostNode()
    with pytest.raises(InputError, match="born before"):
        edge.data(AT, [])
    with pytest.raises(InputError, match="names every metric"):
        edge.birth(AT, [Metric(alias=1, datatype=9, value=1.0)])
    with pytest.raises(InputError, match="seq 0 and bdSeq"):
        host.heard(topic("NBIRTH"), encode_payload(Payload(seq=0)))
    edge.will(AT)
    twins = [metric(), Metric(name="other", alias=1, datatype=9, value=1.0)]
    with pytest.raises(InputError, match="share an alias"):
        host.heard(topic("NBIRTH"), edge.birth(AT, twins))
