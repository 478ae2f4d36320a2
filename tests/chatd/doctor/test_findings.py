"""What the doctor makes of what it saw. The page's judge reads the same vectors: tests/web/doctor.test.js."""

import json
import re
from typing import Any

import msgspec
import pytest

from chatd.doctor import findings as doctor
from chatd.doctor.framing import framed_by, origin_of
from chatd.doctor.seen import Seen
from chatd.tickets import LEEWAY_S
from tests.tree import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/web/doctor_vectors.json").read_text("utf-8"))


def seen(raw: dict[str, Any]) -> Seen:
    return msgspec.convert(raw, Seen)


@pytest.mark.parametrize("vector", VECTORS["findings"])
def test_what_is_seen_means(vector: dict[str, Any]) -> None:
    (finding,) = doctor.judge(seen(vector["seen"])).findings
    assert finding.outcome == vector["outcome"]
    assert finding.check == finding.outcome.partition(".")[0]
    assert finding.says == vector.get("says", finding.says)
    assert finding.it == vector.get("it", finding.it)
    assert not re.search(r"[{}]", finding.says + finding.it)


@pytest.mark.parametrize("vector", VECTORS["verdicts"])
def test_what_it_comes_to(vector: dict[str, Any]) -> None:
    report = doctor.judge(seen(vector["seen"]))
    assert report.verdict == vector["verdict"]
    assert (report.state, report.sentence) == doctor.words().verdicts[vector["verdict"]]


@pytest.mark.parametrize("vector", VECTORS["frames"])
def test_who_may_frame(vector: dict[str, Any]) -> None:
    rules = framed_by(vector["policies"], vector["options"], vector["host"], vector["own"])
    assert rules == vector["rules"]


@pytest.mark.parametrize("vector", VECTORS["addresses"])
def test_the_origin_of_an_address(vector: dict[str, Any]) -> None:
    assert origin_of(vector["address"]) == vector["origin"]


@pytest.mark.parametrize("vector", VECTORS["products"])
def test_products_are_named_and_nothing_else_is_quoted(vector: dict[str, Any]) -> None:
    assert list(doctor.products(vector["fields"])) == vector["products"]


@pytest.mark.parametrize("vector", VECTORS["quiet"])
def test_how_long_to_keep_quiet(vector: dict[str, Any]) -> None:
    assert list(doctor.quiet_times(vector["longest_s"])) == vector["times"]


def test_the_text_for_it() -> None:
    vector = VECTORS["text"]
    report = doctor.judge(seen(vector["seen"]))
    assert doctor.as_text(report, day=vector["day"], seen_with=vector["with"]) == vector["text"]


def test_every_sentence_has_a_vector_and_every_check_a_sentence() -> None:
    words = doctor.words()
    assert {vector["outcome"] for vector in VECTORS["findings"]} == set(words.findings)
    assert {vector["verdict"] for vector in VECTORS["verdicts"]} == set(words.verdicts)
    checks = [check for check, _ in words.checks]
    assert set(checks) == {name.partition(".")[0] for name in words.findings}
    assert {check for product in words.products for check in product.settings} <= set(checks)


def test_sentences_are_sentences() -> None:
    """Each says something to a tired person, and something to IT; neither is left hanging."""
    words = doctor.words()
    said = [line for _, says, it in words.findings.values() for line in (says, it) if line != "{reason}"]
    said += [sentence for _, sentence in words.verdicts.values()]
    for line in (*said, *words.reasons.values()):
        assert re.search(r"([.?!]|--url\.|NAME:443)\Z", line), line


def test_a_clock_is_off_where_tickets_would_be_refused() -> None:
    assert doctor.words().limits.clock_s == LEEWAY_S


@pytest.mark.parametrize(
    ("issuer", "product"),
    [
        ("CN=Zscaler Intermediate Root CA,O=Zscaler Inc.", "Zscaler"),
        ("CN=FG100F,OU=Certificate Authority,O=Fortinet", "FortiGate"),
        ("CN=ESET SSL Filter CA", "ESET"),
        ("CN=R11,O=Let's Encrypt,C=US", ""),
        ("CN=Reset Ltd Issuing CA", ""),
        ("CN=Ward Hospital Issuing CA", ""),
    ],
)
def test_who_opens_connections(issuer: str, product: str) -> None:
    assert doctor.inspector(issuer) == product
