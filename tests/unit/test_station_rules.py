"""Edge rules: what the language takes, what a document must be, and what one pass does."""

import pytest

from heatloop.kernel.errors import InputError
from heatloop.station.rule_book import RuleTarget
from heatloop.station.rule_check import MAX_COST, compile_book
from heatloop.station.rule_language import MAX_PARTS, RuleFailure, read
from heatloop.station.rule_run import RuleRun

SUPPLY, BACK, FLOW = "UN0001.supply", "UN0001.back", "UN0001.flow"
PUMP = "UN0001.pump"
KNOWN = {SUPPLY: False, BACK: False, FLOW: False, "hot": True, "UN0001.curve.1": False}
VALUES = {SUPPLY: 60.0, BACK: 45.0, FLOW: 100.0, "hot": 1.0, "UN0001.curve.1": -9.0}
POINTS = {
    SUPPLY: RuleTarget(kind="secondary_supply_temperature", writable=False),
    BACK: RuleTarget(kind="secondary_return_temperature", writable=False),
    FLOW: RuleTarget(kind="secondary_flow", writable=False),
    PUMP: RuleTarget(kind="circulation_pump_frequency_setpoint", writable=True),
    "UN0001.mode": RuleTarget(kind="station_mode", writable=True),
}


@pytest.mark.parametrize(
    "text, value",
    [
        ("1 + 2 * 3", 7.0),
        ("-(UN0001.supply - UN0001.back) / 3", -5.0),
        ("min(UN0001.supply, 50, 70)", 50.0),
        ("max(1, abs(-4))", 4.0),
        ("clamp(UN0001.supply, 20, 55)", 55.0),
        ("if_else(UN0001.supply > 50 and not UN0001.back > 50, 1, 2)", 1.0),
        ("UN0001.supply >= 60", True),
        ("hot or UN0001.supply < 0", True),
        ('point("UN0001.curve.1") + 1', -8.0),
        # 100 m3/h, 15 K, 0.990 kg/L at 45 degC.
        ("heat_kw(UN0001.flow, UN0001.supply, UN0001.back)", pytest.approx(1727.3, abs=1.0)),
        ("water_kg_per_l(20)", pytest.approx(0.9982, abs=0.0001)),
        ('drive_fault("inovance_md500", 9)', 32.0),
        ('drive_fault("danfoss_vlt_fc", 4 + 32)', 65.0),
        ('drive_fault("abb_580", 999)', 32768.0),
    ],
)
def test_what_an_expression_gives(text, value):
    assert read(text, KNOWN).run(VALUES.get) == value


@pytest.mark.parametrize(
    "text, value",
    [
        ("missing.x + 1", None),
        ("UN0001.supply > missing.x", None),
        ("UN0001.supply > 50 or missing.x > 1", True),
        ("UN0001.supply < 50 and missing.x > 1", False),
        ("UN0001.supply > 50 and missing.x > 1", None),
        ("if_else(missing.x > 1, 1, 2)", None),
    ],
)
def test_a_missing_value_is_never_made_up(text, value):
    assert read(text, KNOWN | {"missing.x": False}).run(VALUES.get) is value


@pytest.mark.parametrize(
    "text",
    [
        "", "1 +", "x = 1", "[1, 2]", "lambda: 1", "unknown.point", "__import__('os')",
        "UN0001.supply.real", "(1).bit_length()", "UN0001.supply ** 9", "1 if hot else 2",
        "min(1)", "abs(1, 2)", "clamp(1, 2)", "sum(1, 2)", "hot + 1", "not 3", "1 and 2",
        "1 < 2 < 3", "if_else(1, 2, 3)", "if_else(hot, 1, hot)", "'text'", "1e400",
        'drive_fault("nobody", 1)', "f(x for x in y)", "min(*hot)", "UN0001.supply := 1",
        "(" * 40 + "1" + ")" * 40, "+".join("1" * (MAX_PARTS + 1)), "1" + " " * 700, "\\1",
    ],
)  # fmt: skip
def test_what_the_language_refuses(text):
    with pytest.raises(InputError):
        read(text, KNOWN)


@pytest.mark.parametrize("text", ["1 / (UN0001.flow - 100)", "1e300 * 1e300 * UN0001.flow"])
def test_no_number_is_a_failure_and_no_value(text):
    with pytest.raises(RuleFailure):
        read(text, KNOWN).run(VALUES.get)


def document(**parts):
    return {"format": 1, "gateway": "GW0001", "version": 3, **parts}


def compiled(**parts):
    return compile_book(document(**parts), POINTS, {"UN0001"})


DERIVED = {"name": "dt", "asset": "UN0001", "expr": "UN0001.supply - UN0001.back", "unit": "K"}
OUTPUT = {"name": "slow", "point": PUMP, "expr": "30 + dt", "every_s": 60}
ALARM = {"name": "low_dt", "subject": "UN0001", "when": "dt < 5", "for_s": 60, "priority": 3,
         "zh": "温差过小", "en": "small difference"}  # fmt: skip


def test_derived_values_stand_in_an_order_that_works():
    first = {"name": "heat", "asset": "UN0001", "expr": "dt * UN0001.flow", "unit": "kW"}
    book = compiled(derived=[first, DERIVED])
    assert [d.name for d in book.derived] == ["dt", "heat"]
    assert RuleRun(book).step(0.0, VALUES).values == {"dt": 15.0, "heat": 1500.0}


@pytest.mark.parametrize(
    "parts, why",
    [
        ({"version": True}, "version"),
        ({"format": 2}, "format"),
        ({"extra": []}, "unknown fields"),
        ({"derived": [DERIVED | {"loop": 1}]}, "unknown fields"),
        ({"derived": [DERIVED, DERIVED]}, "same name"),
        ({"derived": [DERIVED | {"expr": "dt + 1"}]}, "need each other"),
        ({"derived": [DERIVED | {"asset": "UN0009"}]}, "no asset"),
        ({"derived": [DERIVED | {"name": "Bad Name"}]}, "a name is"),
        ({"report": [{"of": "nothing", "band": 1, "max_interval_s": 600}]}, "no value"),
        ({"report": [{"of": SUPPLY, "band": -1, "max_interval_s": 600}]}, "band"),
        ({"report": [{"of": SUPPLY, "band": 1, "max_interval_s": 1}]}, "max_interval_s"),
        ({"outputs": [OUTPUT]}, "names what"),
        ({"derived": [DERIVED], "outputs": [OUTPUT, OUTPUT | {"name": "b"}]}, "same point"),
        ({"derived": [DERIVED], "outputs": [OUTPUT | {"point": SUPPLY}]}, "no writable point"),
        ({"derived": [DERIVED], "outputs": [OUTPUT | {"point": "UN0001.mode"}]}, "no program"),
        ({"derived": [DERIVED], "outputs": [OUTPUT | {"expr": "dt > 1"}]}, "must give a number"),
        ({"derived": [DERIVED], "outputs": [OUTPUT | {"every_s": 1}]}, "every_s"),
        ({"derived": [DERIVED], "alarms": [ALARM | {"when": "dt"}]}, "yes or no"),
        ({"derived": [DERIVED], "alarms": [ALARM | {"priority": 9}]}, "priority"),
        ({"derived": [DERIVED], "alarms": [ALARM | {"zh": ""}]}, "Chinese"),
        ({"derived": [DERIVED], "alarms": [ALARM | {"subject": "UN0002"}]}, "subject"),
        ({"derived": [DERIVED], "alarms": [ALARM | {"name": "dt"}]}, "same name"),
        ({"derived": "dt"}, "no list"),
        ({"derived": [7]}, "no object"),
    ],
)  # fmt: skip
def test_a_document_is_refused_as_a_whole(parts, why):
    with pytest.raises(InputError) as error:
        compile_book(document() | parts, POINTS, {"UN0001"})
    assert why in str(error.value)


def test_cost_is_bounded():
    long = "+".join(["UN0001.flow"] * 40)
    rows = [DERIVED | {"name": f"d{n}", "expr": long} for n in range(MAX_COST // 79 + 1)]
    with pytest.raises(InputError, match="costs"):
        compiled(derived=rows)
    assert compiled(derived=rows[:-1]).cost <= MAX_COST


def test_a_dead_band_tells_changes_and_long_silences_only():
    run = RuleRun(compiled(report=[{"of": SUPPLY, "band": 0.5, "max_interval_s": 600}]))
    told = []
    for n, value in enumerate([60.0, 60.4, 60.6, 60.2, *[60.3] * 30]):
        told += [(n, v) for _, v in run.step(30.0 * n, {SUPPLY: value}).told]
    assert told == [(0, 60.0), (2, 60.6), (22, 60.3)]


def test_an_alarm_waits_goes_and_knows_nothing_of_missing_values():
    run = RuleRun(compiled(derived=[DERIVED], alarms=[ALARM]))
    cold = VALUES | {BACK: 58.0}
    assert run.step(0.0, cold).raised == []
    assert [a.name for a in run.step(60.0, cold).raised] == ["low_dt"]
    unknown = run.step(90.0, {SUPPLY: 60.0, BACK: float("nan")})
    assert (unknown.raised, unknown.quiet) == ([], [])
    assert [a.name for a in run.step(120.0, VALUES).quiet] == ["low_dt"]
    assert run.step(150.0, cold).raised == []


def test_an_output_waits_its_time_and_its_condition():
    book = compiled(derived=[DERIVED], outputs=[OUTPUT | {"every_s": 300, "when": "dt > 10"}])
    run = RuleRun(book)
    ((output, value),) = run.step(0.0, VALUES).writes
    assert value == 45.0
    assert run.step(30.0, VALUES).writes != []  # not written yet: asked again
    run.wrote(output, 30.0)
    assert run.step(300.0, VALUES).writes == []
    assert run.step(330.0, VALUES).writes != []
    assert run.step(660.0, VALUES | {BACK: 55.0}).writes == []


def test_a_failure_is_named_and_stops_nothing_else():
    bad = {"name": "bad", "asset": "UN0001", "expr": "1 / (UN0001.flow - 100)", "unit": ""}
    found = RuleRun(compiled(derived=[bad, DERIVED])).step(0.0, VALUES)
    assert list(found.failures) == ["bad"]
    assert found.values == {"dt": 15.0}
