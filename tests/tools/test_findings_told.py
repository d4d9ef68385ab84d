"""What the results of tools tell is wrong is in the journal too, with the tool's own words."""

import trio

from testkit.memory_broker import MemoryBroker
from testkit.product import product


def noted(hub):
    """Severity, code and place of what the journal holds, worst last."""
    return [(one.severity, one.code, one.where) for one in hub.journal.findings]


async def later(broker, *messages, at_s=2.0, **more):
    """Publish after a while."""
    await trio.sleep(at_s)
    for topic, payload in messages:
        broker.publish(topic, payload, **more)


async def test_the_issues_of_a_sample(autojump_clock):
    """Each with its topic, its count and when it showed first."""
    broker = MemoryBroker()
    async with product(broker) as p, trio.open_nursery() as nursery:
        nursery.start_soon(later, broker, *[("home/hall", b'{"temperature": 21')] * 3)
        result = await p.call("subscribe_and_collect", topic_pattern="home/#", duration=10)
        found = [*p.hub.journal.findings]

    assert result["issues"]
    assert sorted(noted(p.hub)) == sorted((one["severity"], one["code"], one["topic"]) for one in result["issues"])
    issue = next(one for one in result["issues"] if one["code"] == found[-1].code)
    assert found[-1].count == issue["count"]
    assert found[-1].text.startswith(issue["code"].replace("_", " ").capitalize())
    assert (found[-1].tool, found[-1].collection_id) == ("subscribe_and_collect", result["collection_id"])
    assert found[-1].session_id == p.session_id


async def test_issues_that_are_not_listed_one_by_one_are_told_by_their_kind(autojump_clock):
    """A hundred broken topics: the rest of them is one line, and the place is what was watched."""
    broker = MemoryBroker()
    async with product(broker) as p, trio.open_nursery() as nursery:
        nursery.start_soon(later, broker, *((f"home/{n}", b'{"temperature": 21') for n in range(100)))
        result = await p.call("subscribe_and_collect", topic_pattern="home/#", duration=10)
        told = [one for one in p.hub.journal.findings if one.where == "home/#"]

    assert result["more_issues"]
    assert sorted((one.severity, one.code, one.count) for one in told) == sorted(
        (one["severity"], one["code"], one["count"]) for one in result["more_issues"]
    )
    assert all("more topic" in one.text for one in told)


async def test_the_findings_of_one_device(autojump_clock):
    """The sentence is the finding's title."""
    broker = MemoryBroker()
    broker.publish("tele/plug/LWT", b"Offline", retain=True)
    async with product(broker) as p:
        result = await p.call("debug_device", device="plug", duration=10)

        assert result["findings"]
        assert {one.text for one in p.hub.journal.findings} == {one["title"] for one in result["findings"]}
        assert {one.where for one in p.hub.journal.findings} <= {one["topic"] for one in result["findings"]} | {"plug"}


async def test_the_worst_of_each_troubled_device(autojump_clock):
    """By the device's name; healthy ones are not in it."""
    broker = MemoryBroker()
    for name, state in [("plug", b"Offline"), ("lamp", b"Online")]:
        broker.publish(f"tele/{name}/LWT", state, retain=True)
    async with product(broker) as p:
        result = await p.call("debug_device", duration=10)
        troubled = [one for one in result["devices"] if one.get("severity")]

        assert [one["name"] for one in troubled] == ["plug"]
        assert noted(p.hub) == [(one["severity"], one["findings"][0], one["name"]) for one in troubled]
        assert [one.text for one in p.hub.journal.findings] == [one["worst"] for one in troubled]


async def test_the_findings_about_the_traffic(autojump_clock):
    """They belong to no topic: the place is what was watched."""
    broker = MemoryBroker()
    async with product(broker) as p, trio.open_nursery() as nursery:
        nursery.start_soon(later, broker, *[("plant/x", b"1")] * 2_000)
        result = await p.call("monitor_performance", pattern="plant/#", probe=False, duration=30)

        assert result["findings"]
        assert [one.text for one in p.hub.journal.findings][::-1] == [one["evidence"] for one in result["findings"]]
        assert {one.where for one in p.hub.journal.findings} == {"plant/#"}


async def test_a_topic_with_nothing_wrong_tells_nothing(autojump_clock):
    """Silence means that nothing was found."""
    broker = MemoryBroker()
    async with product(broker) as p, trio.open_nursery() as nursery:
        nursery.start_soon(later, broker, ("home/hall", b'{"temperature": 21}'))
        await p.call("subscribe_and_collect", topic_pattern="home/#", duration=10)

        assert noted(p.hub) == []
