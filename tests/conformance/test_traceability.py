"""Clause 6.1.2 f: every topic of CJJ/T 241 that is built names a test that exists."""

from pathlib import Path

from heatloop.proof import traceability
from heatloop.proof.conformance import tests_under as under

ROOT = Path(__file__).resolve().parents[2]
# Reports and dispatch belong to parts that are not built yet.
OPEN = {"statistics and reports", "dispatch"}


def test_6_1_2_f_every_topic_is_traced_to_a_test(capsys):
    exists = under(ROOT)
    found = {t.en for t in traceability.topics() if not traceability.green(t, exists)}
    assert found == OPEN
    assert {t.part for t in traceability.topics()} == {"centre", "station", "network", "works"}
    assert traceability.main(["--root", str(ROOT)]) == 1
    assert capsys.readouterr().out.count("OPEN") == len(OPEN)


def test_6_1_2_f_a_test_that_is_gone_turns_its_row_red():
    topic = next(t for t in traceability.topics() if t.tests)
    assert traceability.green(topic, lambda test: True)
    assert not traceability.green(topic, lambda test: test not in topic.tests)
