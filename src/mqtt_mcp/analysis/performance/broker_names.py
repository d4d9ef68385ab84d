"""Which broker calls what how under ``$SYS``: Mosquitto (2.1 included), EMQX (4 and 5) and VerneMQ.

Owns the tables and the way from a topic to our name for it. Does not keep values.
"""

import re

PREFIX = "$SYS/"

_MOSQUITTO = {
    "publish/messages/received": "publish_received",
    "publish/messages/sent": "publish_sent",
    "publish/messages/dropped": "publish_dropped",
    "messages/received": "packets_received",
    "messages/sent": "packets_sent",
    "bytes/received": "bytes_received",
    "bytes/sent": "bytes_sent",
    "connections/socket/count": "connections_opened",
    "publish/bytes/received": "publish_bytes_received",
    "publish/bytes/sent": "publish_bytes_sent",
    "packet/out/count": "outgoing_packets_queued",
    "packet/out/bytes": "outgoing_bytes_queued",
    "clients/connected": "clients_connected",
    "clients/disconnected": "clients_disconnected",
    "clients/expired": "clients_expired",
    "clients/total": "clients_total",
    "clients/maximum": "clients_maximum",
    "subscriptions/count": "subscriptions",
    "shared_subscriptions/count": "shared_subscriptions",
    "retained messages/count": "retained_messages",
    "store/messages/count": "stored_messages",
    "store/messages/bytes": "stored_bytes",
    "heap/current": "heap_bytes",
    "heap/maximum": "heap_maximum_bytes",
    "version": "version",
    "uptime": "uptime",
}
_EMQX = {
    "metrics/packets/publish/received": "publish_received",
    "metrics/packets/publish/sent": "publish_sent",
    # messages/dropped holds those nobody subscribed to as well; these two are what a full queue cost.
    "metrics/delivery/dropped/queue_full": "publish_dropped",
    "metrics/delivery/dropped/qos0_msg": "publish_dropped",
    "metrics/messages/dropped/no_subscribers": "publish_unheard",
    "metrics/packets/received": "packets_received",
    "metrics/packets/sent": "packets_sent",
    "metrics/bytes/received": "bytes_received",
    "metrics/bytes/sent": "bytes_sent",
    "stats/connections/count": "clients_connected",
    "stats/connections/max": "clients_maximum",
    "stats/subscriptions/count": "subscriptions",
    "stats/retained/count": "retained_messages",
    "stats/topics/count": "routed_topics",
    "metrics/packets/connect/received": "connections_opened",
    "metrics/packets/connect": "connections_opened",
    "version": "version",
    "uptime": "uptime",
}
_VERNEMQ = {
    "mqtt/publish/received": "publish_received",
    "mqtt/publish/sent": "publish_sent",
    "queue/message/drop": "publish_dropped",
    "bytes/received": "bytes_received",
    "bytes/sent": "bytes_sent",
    "socket/open": "connections_opened",
    "socket/close": "connections_closed",
    "total/active/connections": "clients_connected",
    "queue/message/unhandled": "publish_unheard",
    "client/expired": "clients_expired",
    "router/subscriptions": "subscriptions",
    "retain/messages": "retained_messages",
    "retain/memory": "retained_bytes",
    "queue/processes": "queues",
    "vm/memory/total": "heap_bytes",
}
COUNTERS = frozenset(
    {
        "publish_received",
        "publish_sent",
        "publish_dropped",
        "publish_unheard",
        "packets_received",
        "packets_sent",
        "bytes_received",
        "bytes_sent",
        "publish_bytes_received",
        "publish_bytes_sent",
        "connections_opened",
        "connections_closed",
        "clients_expired",
    }
)
TEXTS = frozenset({"version", "uptime"})
COUNTER_TEXT = re.compile(r"-?\d{1,18}(\.\d{1,9})?")


def name_of(topic: str) -> tuple[str, str]:
    """The product and our name for a ``$SYS`` topic; ``("", "")`` when it is none we know."""
    rest = topic[len(PREFIX) :]
    if rest.startswith("broker/"):
        name = _MOSQUITTO.get(rest[7:], "")
        return ("Mosquitto", name) if name else ("", "")
    if rest.startswith("brokers/"):
        # EMQX 4 wrote stats/connections.count where 5 writes stats/connections/count.
        name = _EMQX.get(rest[8:].partition("/")[2].replace(".", "/"), "")
        return ("EMQX", name) if name else ("", "")
    name = _VERNEMQ.get(rest.partition("/")[2], "")
    return ("VerneMQ", name) if name else ("", "")
