"""The one way in which text gets into a record: secrets out, then the invisible made visible, then cut.

Owns what counts as a secret: values under a telling key at any depth, user-info in URLs, and the passwords and tokens
this process knows. Keeps nothing of the text; what a record holds, REST, stream, page, export and audit show alike.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.hub.records import Encoding

Payloads = Literal["head", "hash", "none"]

PAYLOAD_HEAD_BYTES = 512
MAX_TEXT_CHARS = 4_000
MAX_ARGUMENT_CHARS = 1_000
MAX_ITEMS = 50
MAX_DEPTH = 8
MAX_KNOWN_SECRETS = 100
SHORTEST_KNOWN_SECRET = 3
HIDDEN = "***"

_TELLING = (
    r"pass(?:word|wd|phrase|code)|(?<![a-z])(?:pass|pwd)(?![a-z])|secret|token|api[_-]?key|authorization|credential"
    r"|private"
)
_TELLING_WORDS = ("pass", "pwd", "secret", "token", "api", "authorization", "credential", "private")
_TELLING_KEY = re.compile(rf"(?i)(?:{_TELLING}|^username$)")
# Every repetition is bounded or over a class its neighbours do not share: the time is linear in the text.
_KEY_IN_TEXT = rf"""(?:{_TELLING})[\w-]{{0,32}}(?:\\?["'])?\s{{0,4}}[:=]\s{{0,4}}"""
_VALUE_IN_TEXT = (
    r"""\\"(?:[^\\\n]|\\(?!")){0,4096}(?:\\")?|"(?:[^"\\\n]|\\.){0,4096}"?|'[^'\n]{0,4096}'?"""
    r"""|(?:bearer|basic)\s+\S{1,4096}|[^\s,;&"'}\]]{1,4096}"""
)
_IN_TEXT = re.compile(rf"(?i)({_KEY_IN_TEXT})(?:{_VALUE_IN_TEXT})")
_BEARER_WORDS = ("earer", "EARER", "asic", "ASIC")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,4096}")
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@]{1,4096}@")


class Redactor:
    """Text made fit for a record.

    Args:
        secrets: Passwords and tokens known from the start; ``learn`` adds more.
        payloads: What may be shown of payloads: their head, a SHA-256, or nothing.
    """

    def __init__(self, secrets: Iterable[str] = (), *, payloads: Payloads = "head") -> None:
        self._payloads = payloads
        self._known: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._longest = 0
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Never show this text again, in any spelling it takes in JSON, a URL or a log line; at most 100 are known."""
        if len(secret) < SHORTEST_KNOWN_SECRET or secret in self._known:
            return
        self._known[secret] = None
        if len(self._known) > MAX_KNOWN_SECRETS:
            del self._known[next(iter(self._known))]
        spellings = {
            spelling
            for known in self._known
            for spelling in (
                known,
                ascii(known)[1:-1],
                json.dumps(known)[1:-1],
                json.dumps(known, ensure_ascii=False)[1:-1],
                quote(known, safe=""),
            )
        }
        # Longest first: one may be part of another.
        ordered = sorted(spellings, key=len, reverse=True)
        self._longest = len(ordered[0])
        self._pattern = re.compile("|".join(re.escape(spelling) for spelling in ordered))

    def text(self, text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
        """One line of text, at most ``max_chars``; what was cut is counted in it."""
        return _cleaned(self._without_secrets(text, max_chars), max_chars)

    def lines(self, text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
        """Text whose line breaks stay, as of a traceback."""
        whole = self._without_secrets(text, max_chars)
        shown = "\n".join(clean(line, max_chars) for line in whole[:max_chars].split("\n"))
        return shown[:max_chars] + (f"…(+{len(text) - max_chars})" if len(text) > max_chars else "")

    def arguments(self, raw: bytes) -> dict[str, Any]:
        """The arguments of a call: an object with its secrets taken out, bounded in depth, width and length.

        Args:
            raw: The JSON as it came; what is no object is shown as text under the key ``(not an object)``.

        What stands under a telling key is also learned, so that no later text shows it either.
        """
        try:
            found = msgspec.json.decode(raw) if raw else {}
        except (msgspec.DecodeError, RecursionError):
            found = raw.decode("utf-8", "replace")
        if not isinstance(found, dict):
            return {"(not an object)": self.text(str(found))}
        self._learn_from(found)
        shown: dict[str, Any] = self._value(found, "", 0)
        return shown

    def payload(self, payload: bytes, size_bytes: int | None = None) -> tuple[str, Encoding, bool]:
        """What a record shows of a payload.

        Args:
            payload: All of it, or its first bytes, one more than is shown at least.
            size_bytes: The size of all of it, when only its first bytes are at hand.

        Returns:
            Text, how it is written, and whether there is more than it shows.
        """
        whole = size_bytes is None or len(payload) >= size_bytes
        if self._payloads == "none" or (self._payloads == "hash" and not whole):
            return "", "hidden", True
        if self._payloads == "hash":
            return hashlib.sha256(payload).hexdigest(), "sha256", False
        head = payload[:PAYLOAD_HEAD_BYTES]
        truncated = not whole or len(payload) > len(head)
        for cut in range(4 if truncated else 1):  # the end of the head may split a character
            try:
                text = head[: len(head) - cut].decode()
            except UnicodeDecodeError:
                continue
            # Escapes make a text longer; what counts for "truncated" is the payload.
            most_chars = 8 * PAYLOAD_HEAD_BYTES
            return _cleaned(self._without_secrets(text, most_chars), most_chars), "utf-8", truncated
        return base64.b64encode(head).decode(), "base64", truncated

    def _without_secrets(self, text: str, max_chars: int) -> str:
        # Beyond what is shown by the longest secret: one that begins inside is found whole.
        text = text[: max_chars + max(self._longest, 1024)]
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        # Looking for a character or a word is far quicker than matching a pattern, and most texts have none of them.
        if "@" in text and "://" in text:
            text = _USER_INFO.sub(rf"\1{HIDDEN}@", text)
        if ":" in text or "=" in text:
            lowered = text.lower()
            if any(word in lowered for word in _TELLING_WORDS):
                text = _IN_TEXT.sub(rf"\1{HIDDEN}", text)
        if " " in text and any(word in text for word in _BEARER_WORDS):
            text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        return text

    def _learn_from(self, arguments: dict[str, Any]) -> None:
        for key, value in arguments.items():
            if isinstance(value, str) and _TELLING_KEY.search(key) and key != "username":
                self.learn(value)

    def _value(self, value: Any, key: str, depth: int) -> Any:
        if key and value and _TELLING_KEY.search(key):
            return HIDDEN
        if isinstance(value, str):
            return self._payload_argument(value) if key == "payload" else self.text(value, MAX_ARGUMENT_CHARS)
        if not isinstance(value, dict | list):
            return value
        if depth >= MAX_DEPTH:
            return "…"
        more = f"{len(value) - MAX_ITEMS} more" if len(value) > MAX_ITEMS else ""
        if isinstance(value, list):
            items = [self._value(item, key, depth + 1) for item in value[:MAX_ITEMS]]
            return [*items, f"… {more}"] if more else items
        pairs = islice(value.items(), MAX_ITEMS)
        shown = {self.text(str(k), 100): self._value(v, str(k), depth + 1) for k, v in pairs}
        return {**shown, "…": more} if more else shown

    def _payload_argument(self, value: str) -> str:
        text, encoding, truncated = self.payload(value.encode("utf-8", "replace"))
        if encoding == "sha256":
            return f"sha256:{text}"
        return HIDDEN if encoding == "hidden" else text + ("…" if truncated else "")


def _cleaned(text: str, max_chars: int) -> str:
    if len(text) <= max_chars and text.isascii() and text.isprintable():
        return text  # most texts: nothing to do
    return clean(text, max_chars)
