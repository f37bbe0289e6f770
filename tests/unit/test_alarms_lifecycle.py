"""ISA-18.2 states A to D as a table, and any walk through it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.alarms.lifecycle import acknowledge, again, clear, is_active, is_open, raise_
from heatloop.kernel.messages import AlarmState

B, C, D, A = (
    AlarmState.ACTIVE,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED,
    AlarmState.CLEARED,
)
MOVES = {"acknowledge": acknowledge, "clear": clear, "again": again}


@pytest.mark.parametrize(
    "state, move, after",
    [
        (B, "acknowledge", C), (B, "clear", D), (B, "again", B),
        (C, "acknowledge", C), (C, "clear", A), (C, "again", C),
        (D, "acknowledge", A), (D, "clear", D), (D, "again", B),
        (A, "acknowledge", A), (A, "clear", A), (A, "again", A),
    ],
)  # fmt: skip
def test_transitions(state, move, after):
    alarm = replace(raise_("P", "high", 100.0, value=5.0, limit=4.0), state=state)
    moved = MOVES[move](alarm)
    assert moved == replace(alarm, state=after)
    assert is_open(moved) is (after is not A)
    assert is_active(moved) is (after in (B, C))


def test_an_alarm_begins_unacknowledged_with_an_id_of_its_own():
    alarm = raise_("P", "high", 100.9, priority=2)
    assert alarm.state == B
    assert alarm.id == raise_("P", "high", 100.0).id
    assert alarm.id != raise_("P", "high", 101.0).id


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=20))
def test_no_walk_clears_an_alarm_unseen(walk):
    """Cleared means: seen by somebody, and its cause gone."""
    alarm, seen, gone = raise_("P", "high", 0.0), False, False
    for move in walk:
        before = alarm
        alarm = MOVES[move](alarm)
        seen = seen or move == "acknowledge"
        if move == "clear":
            gone = True
        elif move == "again" and alarm.state != before.state:
            gone = False
        if alarm.state == A:
            assert seen
            assert gone
        assert replace(alarm, state=before.state) == before
