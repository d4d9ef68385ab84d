"""Message counters in payloads: ``fCnt`` of LoRaWAN, ``seq`` of others; what jumped and what came out of order.

Owns the state of one counter per topic. Sparkplug's ``seq`` is ``payloads/edge_nodes.py``'s, which knows the node.
"""

from typing import Any

SEQUENCE_KEYS = frozenset(
    {"seq", "sequence", "seqno", "seq_no", "seqnum", "sequence_number", "sequencenumber", "fcnt", "f_cnt", "packet_id"}
    | {"msg_seq", "frame_counter", "framecounter", "packet_counter", "msgid", "msg_id", "message_counter", "n_seq"}
)
_JUMP = 5
_WRAPS = frozenset({255, 256, 65_535, 65_536})
_KNOWN_STEPS = 5
_RESTARTED = 2
_RADIO_COUNTERS = frozenset({"fcnt", "f_cnt", "frame_counter", "framecounter"})
"""Of transmissions of which a few are lost when all is well."""


class MessageCounter:
    """The counter in the payloads of one topic.

    Attributes:
        path: The field that is read.
        last: Its last value; -1 before the first.
        back: How often it fell a little.
    """

    __slots__ = ("_at", "_jumps", "_steps", "back", "last", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.last = self._at = -1
        self._steps = self._jumps = self.back = 0

    def take(self, item: Any, at: int) -> tuple[str, str] | None:
        """Take the counter of a live message.

        Args:
            item: The value of the field.
            at: How many messages the topic had with this one: when one between was left unread, nothing is concluded.

        Returns:
            ``sequence_gap`` or ``reordering`` and what was seen, or None.
        """
        if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < 2**53:
            return None
        before, read_on = self.last, self._at == at - 1
        self.last, self._at = item, at
        if before < 0 or not read_on or item == before:
            return None
        step = item - before
        if step == 1:
            self._steps += 1
        elif step > 1:
            if self._steps < (1 if step > _JUMP else _KNOWN_STEPS) or self._jumps > self._steps / 2:
                self._jumps += 1
                return None
            self._jumps += 1
            radio = self.path.rpartition(".")[2].lower() in _RADIO_COUNTERS
            if step > _JUMP or not radio:
                return "sequence_gap", f"{before} was followed by {item}: {step - 1} are missing"
        elif before + 1 - item in _WRAPS or item <= _RESTARTED:
            self._steps = 0
        else:
            self.back += 1
            return "reordering", f"{before} was followed by {item}"
        return None
