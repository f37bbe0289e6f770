"""The feed between zones: order, carriers, keys, the model it builds, wishes."""

from __future__ import annotations

import itertools
import socket
from dataclasses import replace

import numpy as np
import pytest

from heatloop.app.zone_keys import ZoneKeys, join, load_zone_keys, offer
from heatloop.app.zone_model import ZoneModel, hour_value, ledger_of, pack_hours
from heatloop.app.zone_sections import DIRECTORY, STATE, digest
from heatloop.app.zone_settings import ZoneSettings, check_zones
from heatloop.bridge.feed_files import DropReader, DropWriter
from heatloop.bridge.feed_frame import SNAPSHOT, batch_hash
from heatloop.bridge.feed_order import Order
from heatloop.bridge.feed_schema import FeedRefused
from heatloop.control.arbiter import Bounds, Priority, Proposal, arbitrate
from heatloop.control.wishes import propose_wish, supply_shift_k
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.network.cooling import fall, heat_index_w_m2
from heatloop.network.cooling_hours import HOURS, hours_until
from heatloop.security.keys import SigningKey
from tests.unit.zone_pair import NOW_S, Stream, answer, columns, opened, pair

POINT = "UN0001.secondary_supply_temperature_setpoint"


@pytest.fixture
def keys(tmp_path) -> tuple[ZoneKeys, ZoneKeys]:
    return pair(tmp_path)


def refused(follow, blob, keys, carrier="file", now_s=NOW_S):
    with pytest.raises(FeedRefused) as error:
        follow.take(opened(blob, keys), now_s, carrier)
    return error.value


class TestOrder:
    def test_replay_reorder_and_broken_chain_are_refused(self, keys):
        control, customer = keys
        stream, follow = Stream(control), Order(3600, 300)
        blobs = [stream.next() for _ in range(5)]
        assert follow.take(opened(blobs[0], customer), NOW_S, "file") is None
        assert refused(follow, blobs[0], customer).reason == "replay"
        gap = follow.take(opened(blobs[3], customer), NOW_S, "file")
        assert (gap.first, gap.last) == (2, 3)
        assert refused(follow, blobs[1], customer).reason == "order"
        fork = Stream(control)
        fork.seq, fork.previous = 4, "ab" * 32
        assert refused(follow, fork.next(), customer).reason == "chain"
        assert follow.take(opened(blobs[4], customer), NOW_S, "file") is None

    def test_the_same_batch_by_the_other_carrier_is_no_replay(self, keys):
        control, customer = keys
        follow, blob = Order(3600, 300), Stream(control).next()
        follow.take(opened(blob, customer), NOW_S, "file")
        assert refused(follow, blob, customer, "udp").detail == ""
        assert refused(follow, blob, customer, "udp").detail != ""

    def test_an_old_epoch_does_not_come_back(self, keys):
        control, customer = keys
        old, new = Stream(control), Stream(control, epoch="f" * 16)
        follow = Order(3600, 300)
        follow.take(opened(old.next(at=NOW_S), customer), NOW_S, "file")
        follow.take(opened(new.next(at=NOW_S + 1), customer), NOW_S, "file")
        assert refused(follow, old.next(at=NOW_S), customer).reason == "replay"

    def test_too_old_and_from_the_future_are_refused(self, keys):
        control, customer = keys
        follow = Order(3600, 300)
        assert refused(follow, Stream(control).next(at=NOW_S - 3601), customer).reason == "stale"
        assert refused(follow, Stream(control).next(at=NOW_S + 301), customer).reason == "future"


class TestKeys:
    @pytest.mark.parametrize("suite", ["international", "sm"])
    def test_both_suites_carry_a_batch(self, tmp_path, suite):
        control, customer = pair(tmp_path, suite)
        assert opened(Stream(control).next([answer()]), customer).records == [answer()]

    def test_who_was_not_paired_is_refused(self, keys):
        control, customer = keys
        thief = replace(control, signing=SigningKey.generate())
        with pytest.raises(FeedRefused, match="forged"):
            opened(Stream(thief).next(), customer)

    def test_a_renewed_seal_key_needs_a_new_offer_and_old_batches_stay_readable(self, tmp_path):
        control, _ = pair(tmp_path)
        before = Stream(control).next()
        offer(tmp_path / "control", tmp_path / "again.json", renew=True)
        with pytest.raises(FeedRefused, match="forged"):
            opened(
                Stream(load_zone_keys(tmp_path / "control")).next(),
                load_zone_keys(tmp_path / "customer"),
            )
        join(tmp_path / "customer", tmp_path / "again.json", tmp_path / "answer.json")
        again = load_zone_keys(tmp_path / "customer")
        assert opened(Stream(load_zone_keys(tmp_path / "control")).next(), again)
        assert opened(before, again)

    def test_no_zone_learns_the_private_key_of_the_other(self, tmp_path):
        control, customer = pair(tmp_path)
        secret = control.suite.signing_secret(control.signing).hex()
        for path in (tmp_path / "customer").iterdir():
            assert secret not in path.read_bytes().hex()
            assert secret not in path.read_text("latin-1")
        assert control.peers == (customer.signing.public,)

    def test_zones_that_were_never_paired_do_not_start(self, tmp_path):
        with pytest.raises(ConfigError, match="not paired"):
            load_zone_keys(tmp_path)
        with pytest.raises(ConfigError):
            join(tmp_path, tmp_path / "nothing.json", tmp_path / "answer.json")


class TestFiles:
    def test_rotation_bounds_what_nobody_fetches(self, tmp_path):
        writer = DropWriter(tmp_path / "out", most_files=3)
        for n in range(6):
            writer.write(f"feed-{'0' * 16}-{n:016d}.hlz", b"x")
        names = [name for name, _ in DropReader(tmp_path / "out", "feed").read()]
        assert [int(name[-20:-4]) for name in names] == [3, 4, 5]
        assert writer.waiting().files == 3

    def test_names_of_others_are_no_batches_and_links_are_not_followed(self, tmp_path):
        (tmp_path / "secret").write_text("not yours")
        inbox = tmp_path / "in"
        inbox.mkdir()
        (inbox / f"feed-{'0' * 16}-{1:016d}.hlz").symlink_to(tmp_path / "secret")
        (inbox / "hello.txt").write_bytes(b"x")
        (inbox / ".half.hlz.new").write_bytes(b"x")
        (inbox / f"gate-{'0' * 16}-{1:016d}.hlz").write_bytes(b"x")
        found = dict(DropReader(inbox, "feed").read())
        assert found == {"hello.txt": None, f"gate-{'0' * 16}-{1:016d}.hlz": None}

    def test_a_new_epoch_comes_after_the_one_before(self, tmp_path):
        import os

        writer = DropWriter(tmp_path)
        writer.write(f"feed-{'f' * 16}-{9:016d}.hlz", b"old")
        writer.write(f"feed-{'0' * 16}-{1:016d}.hlz", b"new")
        os.utime(tmp_path / f"feed-{'f' * 16}-{9:016d}.hlz", (1, 1))
        assert [body for _, body in DropReader(tmp_path, "feed").read()] == [b"old", b"new"]


def asset(code, sort, parent="", **attributes):
    return {
        "kind": "asset", "code": code, "sort": sort, "zh": code, "en": code, "parent": parent,
        "organisation": "", "attributes": attributes,
    }  # fmt: skip


def directory():
    return [
        asset("CO01", "company"),
        asset("HS0001", "heat_source"),
        asset("SS0001", "substation", "HS0001"),
        asset("UN0001", "unit", "SS0001"),
        asset("BD0001", "building", "UN0001"),
        asset("FL00001", "flat", "BD0001"),
        {
            "kind": "point", "code": "FL00001.room_temperature", "key": 7, "asset": "FL00001",
            "sort": "room_temperature", "n": 0,
        },
        {
            "kind": "flats", "building": "BD0001", "codes": ["FL00001", "FL00002"],
            "rooms": ["101", "102"], "floors": [1, 1], "positions": ["corner", "middle"],
        },
    ]  # fmt: skip


class TestModel:
    def take(self, model, blob, keys):
        return model.apply(opened(blob, keys[1]))

    def fed(self, keys):
        model, stream = ZoneModel(SharedClock()), Stream(keys[0])
        self.take(model, stream.next(directory(), kind=SNAPSHOT, sections=DIRECTORY), keys)
        present = {"kind": "present", "outdoor_c": -10.0, "directory": digest(directory())}
        self.take(
            model,
            stream.next(
                [answer(), present],
                kind=SNAPSHOT,
                sections=STATE,
                points=columns(k7=(int(NOW_S) - 60, 20.25)),
                hours=columns(k7=(int(NOW_S) // 3600 * 3600 - 3600, 20.0)),
            ),
            keys,
        )
        return model, stream

    def test_a_snapshot_replaces_and_a_delta_adds(self, keys):
        model, stream = self.fed(keys)
        assert model.fed
        assert model.current
        assert model.world.latest.value(7) == 20.25
        assert model.flat("FL00002") == ("BD0001", "102", "middle", 1)
        self.take(model, stream.next([answer("BD0002")]), keys)
        assert set(model.held["answer"]) == {"BD0001", "BD0002"}
        gone = {"kind": "gone", "of": "answer", "key": "BD0002"}
        self.take(model, stream.next([gone]), keys)
        assert set(model.held["answer"]) == {"BD0001"}
        self.take(model, stream.next([], kind=SNAPSHOT, sections=STATE), keys)
        assert not model.held["answer"]

    def test_values_out_of_range_or_of_unknown_points_are_never_shown(self, keys):
        model, stream = self.fed(keys)
        later = int(NOW_S)
        self.take(model, stream.next(points=columns(k7=(later, 900.0), k8=(later, 1.0))), keys)
        assert model.world.latest.value(7) == 20.25
        assert model.dropped == 1
        self.take(model, stream.next(points=columns(k7=(later + 9000, 21.0))), keys)
        assert model.dropped == 2

    def test_what_is_written_down_comes_back(self, keys):
        model, stream = self.fed(keys)
        follow = Order(3600, 300)
        blob = stream.next()
        follow.take(opened(blob, keys[1]), NOW_S, "file")
        states = model.states(follow.cursor, directory=True)
        again = ZoneModel(SharedClock())
        cursor = again.restore(states["model"], states["directory"], states["points"])
        assert cursor == follow.cursor
        assert cursor.hash == batch_hash(blob)
        assert again.held == model.held
        assert again.world.latest.value(7) == 20.25
        assert again.current

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda rows: rows.append(asset("UN0009", "unit", "SS0404")),
            lambda rows: rows.append(asset("XX0001", "rocket")),
            lambda rows: rows[2].update(parent="UN0001"),
            lambda rows: rows[6].update(sort="valve_opening_setpoint"),
            lambda rows: rows.append(dict(rows[6])),
        ],
    )
    def test_a_directory_that_cannot_be_is_refused_whole(self, spoil):
        rows = directory()
        spoil(rows)
        with pytest.raises(InputError):
            ledger_of(rows, 1)

    def test_hours_are_found_again(self):
        found = pack_hours(columns(k7=(3600, 20.0), k5000=(3600, 1.5)))
        assert set(found) == {(3600, 0), (3600, 5000 // 2048)}
        assert hour_value(found[3600, 0], 7) == 20.0
        assert hour_value(found[3600, 0], 8) is None


class TestWishes:
    BOUNDS = Bounds(low=25.0, high=85.0)

    def curve(self, value=50.0, **changed):
        return Proposal(
            **{
                "point": POINT, "value": value, "source": "curve", "priority": Priority.CURVE,
                "low": 30.0, "high": 60.0, **changed,
            }
        )  # fmt: skip

    @pytest.mark.parametrize("wished", [-1e9, -20, -0.5, 0.3, 4, 1e9])
    def test_all_wishes_together_never_pass_their_bound(self, wished):
        shift = supply_shift_k([wished] * 50, 3, 2.0)
        assert -2.0 <= shift <= 2.0
        proposals = [self.curve()]
        wish = propose_wish(proposals, POINT, wished, 2.0)
        made = arbitrate([*proposals, wish], self.BOUNDS)
        assert abs(made.value - 50.0) <= 2.0
        assert made.winner == "wish"

    def test_one_wish_of_many_flats_moves_little(self):
        assert supply_shift_k([2.0], 100, 2.0) == pytest.approx(0.032)

    def test_a_wish_alone_is_nothing(self):
        assert propose_wish([], POINT, 2.0, 2.0) is None
        assert propose_wish([self.curve(value=None)], POINT, 2.0, 2.0) is None
        for bad in (float("nan"), float("inf"), 0.0):
            assert propose_wish([self.curve()], POINT, bad, 2.0) is None
        assert propose_wish([self.curve()], POINT, 1.0, 0.0) is None

    def test_a_person_and_the_curve_keep_their_bounds(self):
        person = Proposal(
            point=POINT, value=40.0, low=40.0, high=40.0, source="person",
            priority=Priority.PERSON,
        )  # fmt: skip
        proposals = [person, self.curve()]
        wish = propose_wish(proposals, POINT, 2.0, 2.0)
        assert arbitrate([*proposals, wish], self.BOUNDS).value == 40.0
        hot = [self.curve(value=60.0)]
        wish = propose_wish(hot, POINT, 2.0, 2.0)
        assert arbitrate([*hot, wish], self.BOUNDS).value == 60.0


class TestCooling:
    def test_a_better_building_cools_slower_and_no_ratio_rises(self):
        poor, good = fall(50), fall(22)
        assert poor[0] == good[0] == 1.0
        assert all(a >= b for a, b in itertools.pairwise(poor))
        assert all(p <= g for p, g in zip(poor, good, strict=True))
        assert poor[-1] < good[-1]

    def test_hours_until_a_limit(self):
        ratios = fall(40)
        hours = hours_until(18.0, 21.0, -10.0, ratios)
        assert hours is not None
        assert 1 < hours < 24
        at = float(np.interp(hours, HOURS, ratios))
        assert -10 + 31 * at == pytest.approx(18.0, abs=0.01)
        assert hours_until(18.0, 17.0, -10.0, ratios) == 0.0
        assert hours_until(18.0, 21.0, 19.0, ratios) is None
        assert hours_until(-9.0, 21.0, -10.0, ratios) is None
        colder = hours_until(18.0, 21.0, -25.0, ratios)
        assert colder is not None
        assert colder < hours

    def test_the_index_is_the_buildings_own_or_that_of_its_class(self):
        assert heat_index_w_m2(36.8, "fair") == 36.8
        assert heat_index_w_m2(None, "poor") > heat_index_w_m2(None, "good")


@pytest.mark.parametrize(
    ("changed", "thing"),
    [
        ({"zone": "both"}, "zone"),
        ({"feed_udp": "nowhere"}, "feed_udp"),
        ({"silent_s": 0.0}, "silent_s"),
        ({"wish_most_k": 9.0}, "wish_most_k"),
        ({"wish_low_c": 25.0}, "wish_low_c"),
        ({"feed_folder": "/x", "gate_folder": "/x"}, "gate_folder"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed, thing):
    with pytest.raises(ConfigError) as error:
        check_zones(replace(ZoneSettings(), **changed))
    assert thing in error.value.thing


def test_the_sending_socket_is_never_connected(monkeypatch):
    import asyncio

    from heatloop.app.zone_send import UdpOut

    def no(*_):
        raise AssertionError("connected")

    monkeypatch.setattr(socket.socket, "connect", no, raising=False)

    async def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inlet:
            inlet.bind(("127.0.0.1", 0))
            inlet.setblocking(False)
            out = UdpOut(f"127.0.0.1:{inlet.getsockname()[1]}", b"k" * 32, 100.0, 20.0)
            try:
                await out.send(b"x" * 3000)
                return len(inlet.recv(2048))
            finally:
                out.close()

    assert asyncio.run(send()) <= 1232
