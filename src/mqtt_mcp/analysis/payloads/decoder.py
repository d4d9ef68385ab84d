"""Decoding a stream of messages: what one payload alone does not tell, because earlier ones named it.

Owns what is remembered between the messages of one watch: the births of Sparkplug edge nodes. One ``Decoder`` per
accumulator. A single payload without a stream is ``decoding.decode``'s.
"""

import msgspec

from mqtt_mcp.analysis.payloads.decoding import Decoded, decode
from mqtt_mcp.analysis.payloads.edge_nodes import EdgeNodes
from mqtt_mcp.analysis.payloads.sparkplug import is_sparkplug_topic, parse, structure, to_value


class Decoder:
    """Decodes the messages of one watch in order of arrival."""

    def __init__(self) -> None:
        self._nodes = EdgeNodes()

    def decode(self, payload: bytes, topic: str, content_type: str = "") -> Decoded:
        """As ``decoding.decode``; learns from births, and tells in ``events`` what does not fit the messages before."""
        if is_sparkplug_topic(topic):
            return self._sparkplug(payload, topic, content_type, learn=True)
        return decode(payload, topic, content_type)

    def again(self, payload: bytes, topic: str, content_type: str = "") -> Decoded:
        """Decode a message that was decoded before, to show it; nothing is learned."""
        if is_sparkplug_topic(topic):
            return self._sparkplug(payload, topic, content_type, learn=False)
        return decode(payload, topic, content_type)

    def skipped(self, topic: str) -> None:
        """A message arrived and was not decoded."""
        if is_sparkplug_topic(topic):
            self._nodes.skipped(topic.split("/", 5))

    @property
    def held_bytes(self) -> int:
        """About what is remembered; at most some 9 MiB."""
        return self._nodes.held_bytes

    def _sparkplug(self, payload: bytes, topic: str, content_type: str, *, learn: bool) -> Decoded:
        parsed = parse(payload) if payload else None
        if parsed is None:
            found = decode(payload, topic, content_type)
            broken = payload and found.format in {"hex", "protobuf", "sparkplug_b"}
            return msgspec.structs.replace(found, format="protobuf_malformed") if broken else found
        levels = topic.split("/", 5)
        events = self._nodes.take(levels, parsed) if learn else ()
        names = self._nodes.names(levels)
        return Decoded("sparkplug_b", to_value(parsed, names), shape=structure(parsed, names), events=events)
