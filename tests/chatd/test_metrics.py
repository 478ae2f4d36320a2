"""Metrics: what a scrape says, over several workers too, and that nobody is in it."""

import os
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatd import metrics
from chatd.metrics import Metrics
from chatd.wire import ErrorCode


def scraped(shown: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(shown.render().decode())
        for sample in family.samples
    }


def test_counters_gauges_and_families_show_what_was_added() -> None:
    numbers = Metrics()
    numbers.connections.set(3)
    numbers.posts.add()
    numbers.posts += 2
    numbers.recoveries["recovered"].add()
    numbers.refusals[ErrorCode.TOO_FAST].add(4)
    seen = scraped(numbers)
    here = ("worker", "0")
    assert seen["chatd_connections", (here,)] == 3
    assert seen["chatd_posts_total", (here,)] == 3
    assert seen["chatd_recoveries_total", (("outcome", "recovered"), here)] == 1
    assert seen["chatd_refusals_total", (("code", "too_fast"), here)] == 4


def test_a_histogram_puts_each_value_under_its_bounds() -> None:
    numbers = Metrics()
    for value in (0.0005, 0.003, 0.004, 99):
        numbers.commit_seconds.observe(value)
    seen = scraped(numbers)

    def under(bound: str) -> float:
        return seen["chatd_commit_seconds_bucket", (("le", bound), ("worker", "0"))]

    assert [under("0.0005"), under("0.002"), under("0.005"), under("10.0"), under("+Inf")] == [1, 1, 3, 3, 4]
    assert seen["chatd_commit_seconds_count", (("worker", "0"),)] == 4
    assert seen["chatd_commit_seconds_sum", (("worker", "0"),)] == pytest.approx(99.0075)
    assert numbers.commit_seconds.count == 4


def test_all_workers_are_in_every_scrape_and_a_death_takes_nothing_back() -> None:
    block = metrics.shared_cells(3)
    try:
        first, second = Metrics(0, 3, block), Metrics(1, 3, block)
        first.posts.add(5)
        second.posts.add(7)
        second.connections.set(9)
        for shown in (first, second):
            seen = scraped(shown)
            assert seen["chatd_posts_total", (("worker", "0"),)] == 5
            assert seen["chatd_posts_total", (("worker", "1"),)] == 7
            assert ("chatd_posts_total", (("worker", "2"),)) not in seen  # has not started yet

        again = Metrics(1, 3, block)  # the second was killed, and its successor begins
        again.posts.add()
        seen = scraped(first)
        assert seen["chatd_posts_total", (("worker", "1"),)] == 8
        assert seen["chatd_connections", (("worker", "1"),)] == 0
    finally:
        os.close(block)


def test_labels_come_from_fixed_lists() -> None:
    """Whatever is asked for, nothing new appears: no room, no handle, no address."""
    numbers = Metrics()
    before = scraped(numbers).keys()
    numbers.refusals["icu-debrief"].add()
    numbers.recoveries["Quiet Heron"].add()
    numbers.closes["192.0.2.7"].add()
    after = scraped(numbers)
    assert after.keys() == before
    assert after["chatd_refusals_total", (("code", "other"), ("worker", "0"))] == 1
    names = set(re.findall(r"(\w+)=", numbers.render().decode()))
    assert names == {"worker", "code", "outcome", "le", "transport", "why"}


def test_memory_and_processor_time_of_the_workers_are_there() -> None:
    seen = scraped(Metrics())
    assert seen["chatd_process_resident_bytes", (("worker", "0"),)] > 1_000_000
    assert seen["chatd_process_cpu_seconds_total", (("worker", "0"),)] > 0


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("chatd_posts_total", "Events"),  # reactions and the rest as well
        ("chatd_presence_frames_total", "told to a room"),  # once, and not for each connection
        ("chatd_typing_frames_total", "told to a room"),
        ("chatd_gaps_repaired_total", "Events"),  # not holes
    ],
)
def test_a_metric_says_what_one_of_it_is(name: str, word: str) -> None:
    text = Metrics().render().decode()
    assert re.search(rf"# HELP {name} .*{word}", text), name


def test_every_metric_says_what_it_is() -> None:
    text = Metrics().render().decode()
    for name in re.findall(r"# TYPE (\w+)", text):
        assert re.search(rf"# HELP {name} \S.*\.", text), name
