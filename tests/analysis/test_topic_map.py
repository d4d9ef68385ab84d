"""The map of topics: exact counts, pages in order of code points, templates over everything, bounded results."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.topics.topic_map import TopicMap
from mqtt_mcp.settings import DEFAULTS
from testkit.messages import feed, message, window


def small(**limits):
    return msgspec.structs.replace(DEFAULTS, **limits)


def all_pages(topic_map):
    """Walk every page; returns the topics and how many pages there were."""
    found: list[str] = []
    after, pages = "", 0
    while True:
        page = topic_map.page_result(after).page
        pages += 1
        found.extend(row.split("\t")[0] for row in page.rows)
        after = page.next_after
        if not after:
            return found, pages
        assert pages < 2_000


def test_a_row_tells_counts_times_and_flags():
    """first and last in seconds of the watch; R stored, L live, E empty last payload, B binary, $ system."""
    topic_map = TopicMap()
    feed(
        topic_map,
        [
            message("a", "1", t_s=0.5, retain=True),
            message("a", "2", t_s=12.25),
            message("b", b"\x00\x01\x02\xff", t_s=1),
            message("c", "x", t_s=1),
            message("c", "", t_s=2),
            message("$SYS/uptime", "7", t_s=3),
        ],
    )
    assert topic_map.result(window()).page.rows == [
        "$SYS/uptime\t1\t3\t3\tL$",
        "a\t2\t0.5\t12.2\tRL",
        "b\t1\t1\t1\tLB",
        "c\t2\t1\t2\tLE",
    ]


def test_order_is_by_code_point():
    """Empty levels, a leading slash and non-ASCII letters."""
    topics = ["a//b", "/a", "a/b", "Z", "z", "ä", "日本", "a"]
    topic_map = TopicMap()
    feed(topic_map, [message(topic) for topic in topics])
    assert [row.split("\t")[0] for row in topic_map.result(window()).page.rows] == sorted(topics)


def test_pages_cover_every_topic_once_and_templates_cover_all_at_once():
    """3,000 topics do not fit one result; nothing may be hidden by the cut."""
    topics = [f"fleet/{i:04x}ab/{leaf}" for i in range(1_000) for leaf in ("gps", "status", "temp")]
    topic_map = TopicMap()
    feed(topic_map, [message(topic) for topic in topics])
    first = topic_map.result(window())
    assert first.page.detail == "names"
    assert first.page.next_after
    assert sum(int(line.split("\t")[1]) for line in first.templates) == 3_000
    found, _ = all_pages(topic_map)
    assert found == sorted(topics)


def test_the_first_page_says_how_much_of_the_rows_it_could_show():
    """Lines, else names, else the first and the last hundred names; every topic shown once."""
    shown = []
    for count in (50, 700, 900):
        topic_map = TopicMap()
        topics = [f"site/{i:04}/{'x' * 10}" for i in range(count)]
        feed(topic_map, [message(topic) for topic in topics])
        page = topic_map.result(window()).page
        shown.append((page.detail, len(page.rows), len(page.last_rows)))
        assert len(set(page.rows + page.last_rows)) == len(page.rows) + len(page.last_rows)
    assert shown == [("lines", 50, 0), ("names", 700, 0), ("ends", 100, 100)]


def test_a_few_huge_names_are_shown_from_both_ends_without_overlap():
    """The halves of the room belong to the first and the last."""
    topic_map = TopicMap(small(result_chars=6_500))
    feed(topic_map, [message(f"{i:02}" + "y" * 290) for i in range(12)])
    page = topic_map.result(window()).page
    assert page.detail == "ends"
    assert [row[:2] for row in page.rows + page.last_rows] == sorted({row[:2] for row in page.rows + page.last_rows})
    assert page.rows[0].startswith("00")
    assert page.last_rows[-1].startswith("11")


def test_live_messages_of_publishers_that_retain_are_marked():
    """P, whichever of two connections is told first; only where a live message was counted too."""
    topic_map = TopicMap()
    topic_map.note_live_retained("early")
    topic_map.note_live_retained("never/counted")
    feed(topic_map, [message("early"), message("late"), message("plain"), message("stored", retain=True)])
    topic_map.note_live_retained("late")
    topic_map.note_live_retained("stored")
    result = topic_map.result(window())
    assert [(row.split("\t")[0], row.split("\t")[-1]) for row in result.page.rows] == [
        ("early", "LP"),
        ("late", "LP"),
        ("plain", "L"),
        ("stored", "RP"),
    ]
    assert (result.live_retained_topics, result.topics, result.messages) == (2, 4, 4)


def test_names_of_topics_that_are_never_counted_are_bounded():
    """The second connection may name what the first one never brings."""
    topic_map = TopicMap()
    for number in range(200_000):
        topic_map.note_live_retained(f"t{number}")
    assert topic_map.kept_bytes < 4 * 1024 * 1024
    topic_map.shrink(100_000)
    assert topic_map.kept_bytes <= 100_000


GROWTH = """
import resource
from mqtt_mcp.analysis.topics.topic_map import TopicMap
from mqtt_mcp.mqtt.client import Message

def resident():
    with open("/proc/self/statm") as facts:
        return int(facts.read().split()[1]) * resource.getpagesize()

topic_map, before = TopicMap(), resident()
for n in range(1_000_000):
    topic = f"site{n % 7}/line{n % 311}/machine-{n % 100_000:06d}/sensor"
    topic_map.add(Message(topic, b'{"value":%d}' % n, 0, False, n / 50_000), n / 50_000)
print(resident() - before, len(topic_map._rows))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="NOT TESTED: no /proc to read the resident set from")
def test_a_million_messages_on_a_hundred_thousand_topics_take_64_mib_at_most():
    """The resident set of a process of its own, the templates' merge included."""
    ran = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, timeout=120, check=True)
    grown_bytes, rows = map(int, ran.stdout.split())
    assert rows == 100_000
    assert grown_bytes <= 64 * 1024 * 1024


def test_a_page_has_at_most_a_thousand_rows():
    """max_topics_listed bounds the page even when more would fit."""
    topic_map = TopicMap(small(max_topics_listed=10))
    feed(topic_map, [message(f"t{i:02}") for i in range(25)])
    assert len(topic_map.result(window()).page.rows) == 10
    assert all_pages(topic_map)[1] == 3


def test_topics_too_long_to_show_can_still_be_paged():
    """A name that had to be cut cannot be a page mark: row numbers are."""
    topic_map = TopicMap(small(max_topics_listed=2))
    feed(topic_map, [message("x" * 1_000 + str(i)) for i in range(5)])
    assert topic_map.result(window()).page.next_after == "#2"
    assert len(all_pages(topic_map)[0]) == 5


@given(st.lists(st.tuples(st.text(max_size=60), st.binary(max_size=20)), max_size=60))
def test_any_topics_give_a_result_within_the_budget(pairs):
    """Topic names are foreign text too."""
    topic_map = TopicMap()
    feed(topic_map, [message(topic, payload) for topic, payload in pairs])
    result = topic_map.result(window())
    assert result.messages == len(pairs)
    assert result.topics == len({topic for topic, _ in pairs})
    assert len(msgspec.json.encode(result)) <= DEFAULTS.result_chars


def test_the_budget_holds_for_very_many_long_topics():
    """Escapes make names longer than they are."""
    topic_map = TopicMap()
    feed(topic_map, [message(f"{i}/" + "\x00\u202e" * 100) for i in range(3_000)])
    assert len(msgspec.json.encode(topic_map.result(window()))) <= DEFAULTS.result_chars


def test_beyond_the_exact_bound_topics_are_estimated_and_messages_stay_exact():
    """HyperLogLog: 1.6 % standard error; 5 % is three of them."""
    topic_map = TopicMap(small(max_topics_exact=1_000))
    feed(topic_map, [message(f"dev/{i:05x}f1/state", "x") for i in range(20_000)])
    result = topic_map.result(window())
    assert result.topics_estimated
    assert result.topics == pytest.approx(20_000, rel=0.05)
    assert result.messages == 20_000
    assert sum(int(line.split("\t")[2]) for line in result.templates) == 20_000


def test_shrinking_takes_no_new_topics_and_counts_those_it_let_go():
    """Under memory pressure the rows seen last go into the templates' counts, and new topics are estimated."""
    topic_map = TopicMap()
    feed(topic_map, [message(f"t{i}") for i in range(100)])
    topic_map.shrink(topic_map.kept_bytes // 2)
    held = topic_map.kept_bytes
    feed(topic_map, [message(f"u{i}") for i in range(1_000)])
    result = topic_map.result(window())
    assert result.topics_estimated
    assert 0 < len(result.page.rows) < 100
    assert sum(int(line.split("\t")[2]) for line in result.templates) == 1_100
    topic_map.shrink(held)
    assert topic_map.kept_bytes <= held
    assert result.messages == 1_100
    assert result.topics == pytest.approx(1_100, rel=0.1)


def test_conventions_are_named():
    """What a reader should know before looking closer."""
    topic_map = TopicMap()
    feed(topic_map, [message("zigbee2mqtt/bridge/state"), message("tele/plug/LWT"), message("own/thing")])
    assert topic_map.result(window()).conventions == ["tasmota", "zigbee2mqtt"]


def test_asking_for_the_result_changes_nothing():
    """The contract: again and again."""
    topic_map = TopicMap()
    feed(topic_map, [message(f"a/{i}") for i in range(50)])
    assert topic_map.result(window()) == topic_map.result(window())
