"""What results tell is wrong: redacted, bounded, each thing once, and noted whether somebody asks for it or not."""

import sys
import threading
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.hub.audit import Audit
from mqtt_mcp.hub.findings import CODE_CHARS, MAX_OF_ONE_RESULT, TEXT_CHARS, WHERE_CHARS, Origin
from mqtt_mcp.hub.journal import MAX_FINDINGS, Journal
from mqtt_mcp.hub.opening import open_hub
from mqtt_mcp.hub.records import SEVERITIES, Finding, Found
from mqtt_mcp.hub.redaction import Redactor
from testkit.hub import MEMORY, Keeping, NoNetwork, no_progress, watch_request
from testkit.memory_broker import MemoryBroker

ORIGIN = Origin(tool="debug_device", label="home/#", session_id="s", collection_id="c", started_at_epoch_s=1000.0)


def found(text="it is offline", **fields):
    """Something wrong."""
    return Found(**{"severity": "high", "code": "device_offline", "topic": "home/lamp", **fields}, text=text)


def texts(journal):
    """What is recorded, oldest first."""
    return [one.text for one in journal.findings]


# -- what becomes of them ---------------------------------------------------------------------------


def test_a_finding_says_how_bad_what_where_since_when_and_who_saw_it():
    """A person judges it without opening the result."""
    journal = Journal()
    journal.found([found(at_s=4.5, count=3)], ORIGIN)
    (one,) = journal.findings

    assert (one.severity, one.code, one.text, one.where) == (
        "high",
        "device_offline",
        "it is offline",
        "home/lamp",
    )
    assert (one.tool, one.session_id, one.collection_id) == ("debug_device", "s", "c")
    assert (one.since_epoch_s, one.count) == (1004.5, 3)
    assert one.at_epoch_s > 1_000_000


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"topic": "home/lamp", "device": "lamp"}, "home/lamp"),
        ({"topic": "", "device": "lamp"}, "lamp"),
        ({"topic": "", "device": ""}, "home/#"),
    ],
)
def test_the_place_is_the_topic_or_the_device_or_what_was_watched(fields, where):
    """Never empty."""
    journal = Journal()
    journal.found([found(**fields)], ORIGIN)

    assert [one.where for one in journal.findings] == [where]


def test_a_time_that_is_not_known_is_not_made_up():
    """0 stands for "not known" in results."""
    journal = Journal()
    journal.found([found()], ORIGIN)

    assert next(iter(journal.findings)).since_epoch_s is msgspec.UNSET


def test_the_worst_of_a_result_is_the_newest_and_only_the_worst_are_taken():
    """A plant with a thousand troubled devices must not push every other watch out of the ring."""
    journal = Journal()
    many = [found(str(n), severity=SEVERITIES[n % 5], topic=f"t/{n}") for n in range(1000)]
    journal.found(many, ORIGIN)

    assert len(journal.findings) == MAX_OF_ONE_RESULT
    assert {one.severity for one in journal.findings} == {"critical"}
    journal.found(
        [found(severity=s, code=s) for s in ("info", "critical", "low")], msgspec.structs.replace(ORIGIN, tool="x")
    )
    assert [one.severity for one in journal.findings][-3:] == ["info", "low", "critical"]


def test_a_severity_nobody_knows_counts_as_the_least():
    """A tool may have a word of its own one day."""
    journal = Journal()
    journal.found([found(severity="catastrophic")], ORIGIN)

    assert [one.severity for one in journal.findings] == ["info"]


# -- once -------------------------------------------------------------------------------------------


def test_the_same_result_again_changes_nothing_and_tells_nobody():
    """collection_result may be asked again and again for ten minutes."""
    journal = Journal()
    heard: list[Any] = []
    journal.listen(heard.append)
    for _ in range(3):
        journal.found([found(), found("hot", code="alarm")], ORIGIN)

    assert len(journal.findings) == len(heard) == 2
    assert sum(journal.totals.findings.values()) == 2


def test_a_later_look_replaces_what_an_earlier_one_told():
    """A running watch is looked at; the latest counts, under the same number and in the same place of the list."""
    journal = Journal()
    heard: list[Any] = []
    journal.listen(heard.append)
    journal.found([found("seen twice", count=2)], ORIGIN)
    journal.changed("client_came", "somebody")
    journal.found([found("seen 9 times", severity="critical", count=9)], ORIGIN)
    (one,) = journal.findings

    assert (one.text, one.severity, one.count) == ("seen 9 times", "critical", 9)
    assert [record.id for record in heard] == [1, 2, 1]
    assert heard[0].at_epoch_s == one.at_epoch_s
    assert journal.totals.findings["high"] == 1
    assert journal.totals.findings["critical"] == 0


def test_several_findings_of_one_kind_in_one_place_are_kept_apart():
    """Two fields of one topic may both be out of range."""
    journal = Journal()
    for _ in range(2):
        journal.found([found("a is 99"), found("b is -1")], ORIGIN)

    assert sorted(texts(journal)) == ["a is 99", "b is -1"]


def test_two_watches_tell_the_same_thing_each():
    """A device that is still offline an hour later is news."""
    journal = Journal()
    for watch in ("c", "d"):
        journal.found([found()], msgspec.structs.replace(ORIGIN, collection_id=watch))

    assert [one.collection_id for one in journal.findings] == ["c", "d"]


# -- bounded and redacted ---------------------------------------------------------------------------


def test_the_ring_is_bounded_in_number_and_bytes_whatever_the_texts():
    """Unbounded memory may never happen."""
    journal = Journal()
    for watch in range(40):
        origin = msgspec.structs.replace(ORIGIN, collection_id=str(watch))
        journal.found([found("\U0001f525" * 5000, topic=f"\U0001f525{n}" * 900) for n in range(100)], origin)

    assert len(journal.findings) == MAX_FINDINGS
    held_bytes = sum(sys.getsizeof(one.text) + sys.getsizeof(one.where) for one in journal.findings)
    assert held_bytes < 2 * 1024 * 1024
    assert sum(journal.totals.findings.values()) == 40 * MAX_OF_ONE_RESULT


@given(code=st.text(max_size=300), text=st.text(max_size=2000), topic=st.text(max_size=900), device=st.text())
def test_any_text_becomes_one_bounded_printable_line(code, text, topic, device):
    """Control and bidirectional characters cannot reorder what stands beside them, nor break a line."""
    journal = Journal()
    journal.found([found(text, code=code, topic=topic, device=device)], ORIGIN)
    (one,) = journal.findings

    assert journal.totals.failures == 0
    assert len(one.code) <= CODE_CHARS
    assert len(one.text) <= TEXT_CHARS
    assert len(one.where) <= WHERE_CHARS
    for shown in (one.code, one.text, one.where):
        assert not set(shown) & set("\x00\n\r\x1b\u202e\u2066\u200b")
    msgspec.json.encode(one)


def test_secrets_are_taken_out_of_what_a_finding_quotes():
    """A device's error line may hold the password it was refused with."""
    journal = Journal(Redactor(["hunter2-secret"]))
    told = 'It says "login with hunter2-secret failed", mqtt://bob:pw@host and {"password": "other"}'
    journal.found([found(told, device="hunter2-secret", topic="")], ORIGIN)
    (one,) = journal.findings

    assert "It says" in one.text
    for secret in ("hunter2", "pw@", "other"):
        assert secret not in one.text + one.where


@pytest.mark.parametrize("payloads", ["hash", "none"])
def test_where_payloads_are_not_shown_a_finding_quotes_none(payloads):
    """Its sentence and a device's name come from payloads; its code and topic do not."""
    journal = Journal(Redactor(payloads=payloads))
    journal.found([found('"temperature" is 999'), found(topic="", device="Anna's phone")], ORIGIN)

    assert texts(journal) == ["device offline"] * 2
    assert sorted(one.where for one in journal.findings) == ["home/#", "home/lamp"]


def test_nothing_is_quoted_of_a_topic_that_tells_secrets():
    """As of payloads: of …/MqttPassword nothing is shown."""
    journal = Journal()
    journal.found([found("the value is hunter2", topic="cmnd/lamp/MqttPassword", code="value_outlier")], ORIGIN)

    assert texts(journal) == ["value outlier"]


def test_a_journal_nobody_can_look_at_keeps_none():
    """As with every record."""
    journal = Journal(kept=False)
    journal.found([found()], ORIGIN)

    assert not [*journal.findings]


def test_findings_are_not_audited(tmp_path):
    """The audit holds what was done, not what was seen."""
    audit = Audit(tmp_path / "audit.jsonl")
    journal = Journal(audit=audit)
    journal.found([found()], ORIGIN)
    journal.changed("client_came", "somebody")

    assert [msgspec.json.decode(line)["record"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()] == [
        "change"
    ]


# -- when they are noted ----------------------------------------------------------------------------


class Counted(msgspec.Struct):
    """A result that tells how many messages there were."""

    messages: int


class Watch:
    """A hub, and a watch whose result tells something; counts how often its result is made, and where."""

    def __init__(self, hub, session, client):
        self.hub = hub
        self.session = session
        self.client = client
        self.kept = Keeping()
        self.made = 0
        self.breaks = False

    def request(self, **more):
        """What to watch."""

        def render(_collection):
            self.made += 1
            return Counted(self.kept.messages)

        def told(result):
            if self.breaks:
                raise ZeroDivisionError("broken on purpose")
            return [found(f"{result.messages} messages", count=result.messages)]

        request = watch_request(self.kept, duration_s=20)
        return msgspec.structs.replace(request, **{"render": render, "findings": told, **more})

    async def watch(self, wait_s, **more):
        """Start it."""
        return await self.hub.watch(
            self.session, self.request(**more), wait_s=wait_s, client=self.client, report_progress=no_progress
        )


@pytest.fixture
async def broker():
    return MemoryBroker()


@pytest.fixture
async def threads():
    """Results that were made where a worker thread would make them."""
    return []


@pytest.fixture
async def watch(broker, threads):
    async def offload(render):
        threads.append(1)
        await trio.sleep(0.1)
        return render()

    async with open_hub(broker, NoNetwork(), profiles={"memory": MEMORY}, offload=offload) as hub:
        client = hub.client_opened("test")
        yield Watch(hub, await hub.open_session(MEMORY, client), client)


async def test_a_result_that_was_waited_for_is_made_once_and_noted(autojump_clock, watch, threads):
    """What the assistant gets is what the person sees; nothing is computed twice."""
    collection = await watch.watch(45)
    await watch.hub.render(collection)
    await trio.sleep(5)

    assert texts(watch.hub.journal) == ["0 messages"]
    assert watch.made == len(threads) == 1


async def test_the_end_of_a_watch_nobody_fetches_is_noted(autojump_clock, broker, watch, threads):
    """The assistant looked once and forgot it; the person still sees what came of it."""
    collection = await watch.watch(1)
    await watch.hub.render(collection)
    assert texts(watch.hub.journal) == ["0 messages"]
    broker.publish("a", b"1")
    await trio.sleep(30)

    assert texts(watch.hub.journal) == ["1 messages"]
    assert (watch.made, len(threads)) == (2, 2), "the look at the running watch, and its end, both in the thread"
    await watch.hub.render(collection)
    assert texts(watch.hub.journal) == ["1 messages"]


async def test_a_watch_that_is_fetched_when_it_ends_is_made_once(autojump_clock, watch, threads):
    """collection_result waits for the end of a watch in the background."""
    collection = await watch.watch(1)
    await watch.hub.wait_for(collection, wait_s=45, report_progress=no_progress)
    await watch.hub.render(collection)
    await trio.sleep(5)

    assert texts(watch.hub.journal) == ["0 messages"]
    assert watch.made == len(threads) == 1


async def test_a_watch_whose_request_was_cancelled_is_noted(autojump_clock, broker, watch):
    """Its partial result stays fetchable; it may never be fetched."""
    with trio.move_on_after(5):
        await watch.watch(45)
    await trio.sleep(1)

    assert texts(watch.hub.journal) == ["0 messages"]


async def test_a_watch_that_broke_is_left_alone(autojump_clock, broker, watch):
    """Its failure is recorded elsewhere."""
    watch.kept = Keeping(break_at=1)
    await watch.watch(1)
    broker.publish("a", b"1")
    await trio.sleep(30)

    assert watch.made == 0
    assert not [*watch.hub.journal.findings]
    assert watch.hub.journal.totals.failures == 0


async def test_results_that_tell_nothing_are_not_made_for_the_journal(autojump_clock, watch):
    """The map of topics has no findings: its result is made for who asks."""
    await watch.watch(1, findings=None)
    await trio.sleep(30)

    assert watch.made == 0


async def test_a_hub_that_nobody_can_look_at_makes_no_result_for_the_journal(autojump_clock, broker):
    """A window of its own must not pay for it."""
    async with open_hub(broker, NoNetwork(), profiles={"memory": MEMORY}, journal=Journal(kept=False)) as hub:
        client = hub.client_opened("test")
        watch = Watch(hub, await hub.open_session(MEMORY, client), client)
        await watch.watch(1)
        await trio.sleep(30)

        assert watch.made == 0


@pytest.mark.parametrize("wait_s", [1, 45])
async def test_a_tool_whose_findings_cannot_be_read_loses_them_not_its_result(autojump_clock, watch, wait_s):
    """A recorder failure must never fail the call, nor the watch, nor the hub."""
    watch.breaks = True
    collection = await watch.watch(wait_s)
    assert (await watch.hub.render(collection)).messages == 0
    await trio.sleep(30)

    assert watch.hub.journal.totals.failures >= 1
    assert watch.hub.sessions() == [watch.session]


async def test_a_result_that_cannot_be_made_in_the_background_is_a_lost_record(autojump_clock, watch):
    """Nobody asked, so nobody is told but the counter."""

    def broken(_collection):
        raise ZeroDivisionError("broken on purpose")

    await watch.watch(1, render=broken)
    await trio.sleep(30)

    assert watch.hub.journal.totals.failures == 1
    assert watch.hub.sessions() == [watch.session]


async def test_a_worker_thread_makes_it_while_others_go_on(broker):
    """As in the product, in real time: the loop is free while the result is made."""
    begun, go_on = trio.Event(), threading.Event()

    def slow(_collection):
        trio.from_thread.run_sync(begun.set)
        assert go_on.wait(5), "nobody else could run meanwhile"
        return Counted(7)

    async with open_hub(broker, NoNetwork(), profiles={"memory": MEMORY}, offload=trio.to_thread.run_sync) as hub:
        client = hub.client_opened("test")
        watch = Watch(hub, await hub.open_session(MEMORY, client), client)
        heard = trio.Event()
        hub.journal.listen(lambda record: heard.set() if isinstance(record, Finding) else None)
        await watch.watch(0.0, duration_s=0.05, render=slow)
        with trio.fail_after(5):
            await begun.wait()
            go_on.set()
            await heard.wait()

    assert texts(hub.journal) == ["7 messages"]


async def test_a_hub_that_ends_meanwhile_waits_for_the_thread_and_no_longer(broker):
    """Nothing is left running behind the hub, and nothing is raised."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(_collection):
        begun.set()
        assert go_on.wait(5)
        return Counted(7)

    with trio.fail_after(10):
        async with open_hub(broker, NoNetwork(), profiles={"memory": MEMORY}, offload=trio.to_thread.run_sync) as hub:
            client = hub.client_opened("test")
            watch = Watch(hub, await hub.open_session(MEMORY, client), client)
            await watch.watch(0.0, duration_s=0.05, render=slow)
            await trio.to_thread.run_sync(begun.wait, 5)
            threading.Timer(0.05, go_on.set).start()
    assert go_on.is_set()
