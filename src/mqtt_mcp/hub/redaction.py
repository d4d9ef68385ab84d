"""The one way in which text gets into a record: secrets out, then the invisible made visible, then cut.

Owns what is shown of texts, topics, payloads and arguments, and the bound on it. What a secret is, is ``secrets``'.
Keeps nothing of the text; what a record holds, REST, stream, page, export and audit show alike.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.hub.records import Encoding
from mqtt_mcp.hub.secrets import HIDDEN, Secrets, is_telling, is_telling_topic

Payloads = Literal["head", "hash", "none"]

PAYLOAD_HEAD_BYTES = 512
MARGIN = 1024
"""Looked at beyond what is shown, so that a secret that begins inside is found whole."""
MAX_TEXT_CHARS = 4_000
MAX_ARGUMENT_CHARS = 1_000
MAX_CALL_CHARS = 8_000
"""Shown of all arguments of one call together: a call may carry megabytes."""
MAX_ITEMS = 50
MAX_DEPTH = 8
MORE = "…"

_CONTROLS = bytes(range(9)) + bytes(range(14, 32)) + b"\x0b\x0c\x7f"
_MOST_CONTROLS = 0.1
_FEW_CONTROLS = 8
_ADDRESSES = ("url", "profile", "broker", "host")
_TOPICS = ("topic", "topic_pattern", "pattern", "confirm_topic", "response_topic")
_NAMED = (
    *_ADDRESSES,
    *_TOPICS,
    "session_id",
    "collection_id",
    "device",
    "format",
    "payload_encoding",
    "after",
    "payload",
)
"""Arguments that hold no payload, also under a name that somebody mistyped."""


class Redactor:
    """Text made fit for a record.

    Args:
        secrets: Passwords and tokens known from the start.
        payloads: What may be shown of payloads: their head, a SHA-256, or nothing.
    """

    def __init__(self, secrets: Iterable[str] = (), *, payloads: Payloads = "head") -> None:
        self._secrets = Secrets(secrets)
        self._payloads = payloads

    @property
    def head_bytes(self) -> int:
        """How many bytes of a payload have to be kept to show its head."""
        return PAYLOAD_HEAD_BYTES + MARGIN

    def learn(self, secret: str) -> None:
        """Never show this password again, in any spelling it takes in JSON, a URL or a log line."""
        self._secrets.learn(secret)

    def text(self, text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
        """One line of text, at most ``max_chars``; what was cut is counted in it."""
        return _cleaned(self._secrets.out_of(self._beginning(text, max_chars)), max_chars)

    def topic(self, topic: str, max_chars: int = MAX_ARGUMENT_CHARS) -> str:
        """A topic name or filter; what clients call secret does not count, or they could hide what they do."""
        return _cleaned(self._secrets.out_of_topic(self._beginning(topic, max_chars)), max_chars)

    def quoting(self, text: str, max_chars: int, *, topic: str) -> str:
        """A sentence that may quote payloads of ``topic``; empty where nothing of them may be shown."""
        if not self.shows_payloads or is_telling_topic(topic):
            return ""
        return _cleaned(self._secrets.out_of_payload(self._beginning(text, max_chars)), max_chars)

    def lines(self, text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
        """Text whose line breaks stay, as of a traceback."""
        whole = self._secrets.out_of(self._beginning(text, max_chars))
        shown = "\n".join(_cleaned(line, max_chars) for line in whole[:max_chars].split("\n"))
        return shown[:max_chars] + (f"…(+{len(text) - max_chars})" if len(text) > max_chars else "")

    def arguments(self, raw: bytes) -> dict[str, Any]:
        """The arguments of a call: an object with its secrets taken out, bounded in depth, width and length.

        Args:
            raw: The JSON as it came; what is no object is shown as text under the key ``(not an object)``.

        A password in it is also learned, so that no later text shows it either.
        """
        try:
            found = msgspec.json.decode(raw) if raw else {}
        except (msgspec.DecodeError, RecursionError):
            found = raw[:MAX_TEXT_CHARS].decode("utf-8", "replace")
        if not isinstance(found, dict):
            return {"(not an object)": self.text(str(found)[:MAX_TEXT_CHARS], MAX_ARGUMENT_CHARS)}
        for key in ("password", *_ADDRESSES):
            value = found.get(key)
            if isinstance(value, str) and len(value) <= MAX_TEXT_CHARS:
                self._secrets.learn(value) if key == "password" else self._secrets.learn_from_address(value)
        return _Arguments(self, found).shown()

    def payload(self, payload: bytes, size_bytes: int | None = None, *, topic: str = "") -> tuple[str, Encoding, bool]:
        """What a record shows of a payload.

        Args:
            payload: All of it, or its first ``head_bytes``.
            size_bytes: The size of all of it, when only its first bytes are at hand.
            topic: Where it was published: of ``…/MqttPassword`` nothing is shown.

        Returns:
            Text, how it is written, and whether there is more than it shows.
        """
        size_bytes = len(payload) if size_bytes is None else size_bytes
        whole = len(payload) >= size_bytes
        if self._payloads == "none" or (self._payloads == "hash" and not whole) or is_telling_topic(topic):
            return "", "hidden", True
        if self._payloads == "hash":
            return hashlib.sha256(payload).hexdigest(), "sha256", False
        truncated = size_bytes > PAYLOAD_HEAD_BYTES
        looked_at = payload[: PAYLOAD_HEAD_BYTES + max(MARGIN, self._secrets.longest)]
        text = None if _is_binary(looked_at) else _decoded(looked_at, whole=len(looked_at) == size_bytes)
        if text is not None:
            shown = self._secrets.out_of_payload(text)
            if truncated:
                shown = shown.encode()[:PAYLOAD_HEAD_BYTES].decode("utf-8", "ignore")
            # Escapes make a text longer; what counts for "truncated" is the payload.
            return _cleaned(shown, 8 * PAYLOAD_HEAD_BYTES), "utf-8", truncated
        if self._secrets.are_in(looked_at):
            return "", "hidden", True
        return base64.b64encode(looked_at[:PAYLOAD_HEAD_BYTES]).decode(), "base64", truncated

    def address(self, address: str) -> str:
        """The address of a broker as a client gave it."""
        return self.text(self._secrets.out_of_address(address[:MAX_TEXT_CHARS]), MAX_ARGUMENT_CHARS)

    @property
    def shows_payloads(self) -> bool:
        """Whether the head of a payload may be shown."""
        return self._payloads == "head"

    def _beginning(self, text: str, max_chars: int) -> str:
        return text[: max_chars + max(self._secrets.longest, MARGIN)]


class _Arguments:
    """The arguments of one call on their way into a record."""

    def __init__(self, redactor: Redactor, found: dict[str, Any]) -> None:
        self._redactor = redactor
        self._found = found
        self._left_chars = MAX_CALL_CHARS

    def shown(self) -> dict[str, Any]:
        """What is shown of them."""
        shown = {}
        for key, value in islice(self._found.items(), MAX_ITEMS):
            shown[self._spend(self._redactor.text(str(key)[:200], 100))] = self._argument(key, value)
        if len(self._found) > MAX_ITEMS:
            shown[MORE] = f"{len(self._found) - MAX_ITEMS} more"
        return shown

    def _argument(self, key: str, value: Any) -> Any:
        if not isinstance(value, str) or is_telling(key):
            return self._value(value, key, 1)
        redactor = self._redactor
        if key == "payload":
            return self._spend(self._payload(value))
        if key in _ADDRESSES:
            return self._spend(redactor.address(value))
        if key in _TOPICS:
            return self._spend(redactor.topic(value))
        if not redactor.shows_payloads and key not in _NAMED:
            return HIDDEN
        return self._value(value, key, 1)

    def _value(self, value: Any, key: str, depth: int) -> Any:
        self._left_chars -= 8  # punctuation: what holds nothing costs something too
        if self._left_chars <= 0:
            return MORE
        if key and value and is_telling(key):
            return HIDDEN
        if isinstance(value, str):
            return self._spend(self._string(value))
        if isinstance(value, dict | list):
            return self._several(value, key, depth) if depth < MAX_DEPTH else MORE
        return value

    def _string(self, value: str) -> str:
        name, equals, _ = value[:200].partition("=")
        if equals and is_telling(name):  # a user property
            return f"{self._redactor.text(name, 100)}={HIDDEN}"
        return self._redactor.text(value, min(MAX_ARGUMENT_CHARS, self._left_chars))

    def _several(self, value: dict[Any, Any] | list[Any], key: str, depth: int) -> Any:
        more = f"{len(value) - MAX_ITEMS} more" if len(value) > MAX_ITEMS else ""
        if isinstance(value, list):
            items = [self._value(item, key, depth + 1) for item in self._affordable(value)]
            return [*items, f"{MORE} {more}"] if more else items
        shown = {}
        for name in self._affordable(value):
            label = self._spend(self._redactor.text(str(name)[:200], 100))
            shown[label] = self._value(value[name], str(name), depth + 1)
        return {**shown, MORE: more} if more else shown

    def _affordable(self, items: Iterable[Any]) -> Iterable[Any]:
        """Items until nothing more may be shown; one more then says so."""
        for item in islice(items, MAX_ITEMS):
            yield item
            if self._left_chars <= 0:
                return

    def _payload(self, value: str) -> str:
        topic = self._found.get("topic")
        data = value.encode("utf-8", "replace")
        try:
            match self._found.get("payload_encoding"):
                case "hex":
                    data = bytes.fromhex(value)
                case "base64":
                    data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass  # the call will be refused; what was written is shown as it is
        text, encoding, truncated = self._redactor.payload(data, topic=topic if isinstance(topic, str) else "")
        if encoding == "hidden":
            return HIDDEN
        prefix = {"utf-8": "", "base64": "base64:", "sha256": "sha256:"}[encoding]
        return prefix + text + (MORE if truncated else "")

    def _spend(self, text: str) -> str:
        self._left_chars -= len(text)
        return text


def _cleaned(text: str, max_chars: int) -> str:
    if len(text) <= max_chars and text.isascii() and text.isprintable():
        return text  # most texts: nothing to do
    return clean(text, max_chars)


def _is_binary(data: bytes) -> bool:
    """Whether bytes that may be valid UTF-8 are no text all the same, as a row of NULs."""
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls > max(_FEW_CONTROLS, _MOST_CONTROLS * len(data))


def _decoded(data: bytes, *, whole: bool) -> str | None:
    """Bytes as text; the end of a beginning may split a character. None: they are no UTF-8."""
    for cut in range(1 if whole else 4):
        try:
            return data[: len(data) - cut].decode()
        except UnicodeDecodeError:
            continue
    return None
