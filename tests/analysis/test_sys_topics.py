"""Differences of ``$SYS`` counters: true with two live bursts, withheld without."""

from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.analysis.performance.sys_topics import SysTopics

SENT = "$SYS/broker/publish/messages/sent"
DROPPED = "$SYS/broker/publish/messages/dropped"


def changes(side):
    return {counter.name: (counter.change, counter.per_s) for counter in side.counters}


def test_a_rate_is_taken_between_two_live_bursts_and_not_from_the_stored_sample():
    """A stored sample is up to one interval old, so its time says nothing."""
    sys_topics = SysTopics()
    sys_topics.add(SENT, b"100", 0.0, stored=True)
    sys_topics.add(SENT, b"150", 4.0, stored=False)
    sys_topics.add(SENT, b"250", 14.0, stored=False)
    side = sys_topics.result()
    assert (side.status, side.bursts, side.span_s, side.product) == ("ok", 2, 10.0, "Mosquitto")
    assert changes(side) == {"publish_sent": (100.0, 10.0)}


def test_one_burst_is_not_enough_for_rates_but_levels_are_shown():
    """A watch of 15 s sees one or two of Mosquitto's ten-second bursts."""
    sys_topics = SysTopics()
    sys_topics.add("$SYS/broker/clients/connected", b"7", 0.0, stored=True)
    sys_topics.add("$SYS/broker/version", b"mosquitto version 2.0.11", 0.0, stored=True)
    sys_topics.add(SENT, b"150", 4.0, stored=False)
    side = sys_topics.result()
    assert side.status == "not_enough_data"
    assert "saw 1" in side.note
    assert side.counters == []
    assert [(gauge.name, gauge.value) for gauge in side.gauges] == [("clients_connected", 7.0)]
    assert side.version == "mosquitto version 2.0.11"


def test_a_counter_that_mosquitto_did_not_repeat_has_not_changed():
    """Mosquitto re-sends only what changed, so silence in a burst is a zero."""
    sys_topics = SysTopics()
    sys_topics.add(DROPPED, b"5", 0.0, stored=True)
    sys_topics.add(SENT, b"1", 3.0, stored=False)
    sys_topics.add(SENT, b"2", 13.0, stored=False)
    assert changes(sys_topics.result())["publish_dropped"] == (0.0, 0.0)


def test_a_drop_first_reported_in_the_second_burst_is_counted_from_the_stored_value():
    """269 messages dropped in a burst, as measured on Mosquitto 2.0.11."""
    sys_topics = SysTopics()
    sys_topics.add(DROPPED, b"0", 0.0, stored=True)
    sys_topics.add(SENT, b"1", 3.0, stored=False)
    sys_topics.add(DROPPED, b"269", 13.0, stored=False)
    assert sys_topics.result().change("publish_dropped") == 269.0


def test_a_counter_of_unknown_start_and_a_counter_that_fell_are_left_out():
    """Without a first value, or after a restart of the broker, a difference would be a lie."""
    sys_topics = SysTopics()
    sys_topics.add(SENT, b"100", 3.0, stored=False)
    sys_topics.add(DROPPED, b"9", 13.0, stored=False)
    sys_topics.add(SENT, b"3", 13.0, stored=False)
    assert sys_topics.result().counters == []


def test_the_nodes_of_a_cluster_are_added_up():
    """EMQX names each node in the topic."""
    sys_topics = SysTopics()
    for node, end in (("a@1", b"30"), ("b@2", b"50")):
        sys_topics.add(f"$SYS/brokers/{node}/metrics/packets/publish/received", b"10", 1.0, stored=False)
        sys_topics.add(f"$SYS/brokers/{node}/metrics/packets/publish/received", end, 1.0 + 60, stored=False)
    side = sys_topics.result()
    assert side.product == "EMQX"
    assert changes(side)["publish_received"][0] == 60.0


def test_a_broker_that_says_nothing_is_absent():
    """``$SYS`` is optional."""
    assert SysTopics().result().status == "absent"


@given(st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=30), st.booleans()), max_size=50))
def test_no_sample_makes_it_raise(samples):
    """``$SYS`` values are foreign text like any other."""
    sys_topics = SysTopics()
    for index, (tail, payload, stored) in enumerate(samples):
        sys_topics.add("$SYS/" + tail, payload, float(index), stored=stored)
        sys_topics.add(SENT, payload, float(index), stored=stored)
    sys_topics.result()
