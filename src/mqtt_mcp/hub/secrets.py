"""What in a text is a secret: known values, what stands behind a telling name, and who-is-who in addresses.

Owns the recognition, in plain text and in arguments, and knows the secrets of this process. Keeps nothing of the texts.
What is then shown of them is ``redaction``'s.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"
MAX_LEARNED = 100
SHORTEST_KNOWN = 4
ORDINARY_CHARS = 7
"""A secret up to this length may be a part of an ordinary word: it is only found where it stands alone."""

_TELLING = (
    r"pass(?:word|wd|phrase|code)|secret|token|api[_-]?key|authorization|credential|private"
    r"|(?-i:(?<![a-zA-Z])(?:pass|pwd)(?![a-z])|(?:Pass|Pwd)(?![a-z])|(?<![A-Z])(?:PASS|PWD)(?![A-Z]))"
)
_TELLING_WORDS = ("pass", "pwd", "secret", "token", "api", "authorization", "credential", "private")
_TELLING_KEY = re.compile(rf"(?i)(?:{_TELLING}|^username$)")
# Every repetition is bounded or over a class its neighbours do not share: the time is linear in the text.
_NAME = rf"""(?:{_TELLING})[\w-]{{0,32}}(?:\\?["'])?\s{{0,4}}[:=]\s{{0,4}}"""
_VALUE = (
    r"""\\"(?:[^\\\n]|\\(?!")){0,4096}(?:\\")?|"(?:[^"\\\n]|\\.){0,4096}"?|'[^'\n]{0,4096}'?"""
    r"""|(?:bearer|basic|digest)\s+[^\n"']{1,4096}|[^\s,;&"'}\]\[{]{1,4096}"""
)
_IN_TEXT = re.compile(rf"(?i)({_NAME})(?:{_VALUE})")
_NESTED = re.compile(rf"(?i){_NAME}(?=[\[{{])")
_BEARER_WORDS = ("earer", "EARER", "asic", "ASIC")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,4096}")
# Up to the last @ of the word: people write passwords with @ and / into addresses.
_IN_ADDRESS = re.compile(r"""(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s"'<>]{1,4096}@""")
_BARE_ADDRESS = re.compile(r"""(?<![\w.@/:-])[^\s:@"'<>/]{1,128}:[^\s"'<>]{1,1024}@(?=[\w\[])""")
_TASMOTA = re.compile(r"(?i)\b((?:mqtt|web)?password\d?)\s+[^\s;]{1,256}")


def is_telling(key: str) -> bool:
    """Whether what is called so is a secret."""
    return _TELLING_KEY.search(key) is not None


def is_telling_topic(topic: str) -> bool:
    """Whether the payloads of a topic are secrets, as of ``cmnd/plug/MqttPassword``."""
    lowered = topic.lower()
    return any(word in lowered for word in _TELLING_WORDS) and any(is_telling(level) for level in topic.split("/"))


class Secrets:
    """The secrets of one process.

    Args:
        configured: Passwords and tokens known from the start; they are never forgotten.
    """

    def __init__(self, configured: Iterable[str] = ()) -> None:
        self._configured = [secret for secret in configured if len(secret) >= SHORTEST_KNOWN]
        self._learned: dict[str, None] = {}
        self._all = _pattern(self._configured)
        self._own = self._all
        self.longest = max(map(len, _spellings(self._configured)), default=0)

    def learn(self, secret: str) -> None:
        """Know a password that a client gave, from now on; the last 100 are known."""
        if len(secret) < SHORTEST_KNOWN or secret in self._learned or secret in self._configured:
            return
        self._learned[secret] = None
        if len(self._learned) > MAX_LEARNED:
            del self._learned[next(iter(self._learned))]
        known = [*self._configured, *self._learned]
        self._all = _pattern(known)
        self.longest = max(map(len, _spellings(known)))

    def learn_from_address(self, address: str) -> None:
        """Know the password in an address with user-info."""
        user_info = address.rpartition("@")[0].rpartition("://")[2]
        password = user_info.partition(":")[2]
        for spelling in (password, unquote(password)):
            self.learn(spelling)

    def out_of(self, text: str) -> str:
        """``text`` without secrets."""
        if self._all is not None:
            text = self._all.sub(HIDDEN, text)
        # Looking for a character or a word is far quicker than matching a pattern, and most texts have none of them.
        if "@" in text:
            text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
            if ":" in text:
                text = _BARE_ADDRESS.sub(f"{HIDDEN}@", text)
        if ":" in text or "=" in text:
            lowered = text.lower()
            if any(word in lowered for word in _TELLING_WORDS):
                text = _IN_TEXT.sub(rf"\1{HIDDEN}", _without_nested(text))
        if " " in text and any(word in text for word in _BEARER_WORDS):
            text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        return text

    def out_of_payload(self, text: str) -> str:
        """The same for a payload, which may also be a command that sets a password."""
        return _TASMOTA.sub(rf"\1 {HIDDEN}", self.out_of(text))

    def out_of_topic(self, topic: str) -> str:
        """The same for a topic name: only configured secrets, so that no client can blind a person to the topics."""
        return topic if self._own is None else self._own.sub(HIDDEN, topic)

    def out_of_address(self, address: str) -> str:
        """An address as a client gave it, without user-info, however it is spelt."""
        user_info, at, host = address.rpartition("@")
        scheme = user_info.rpartition("://")[0]
        return f"{scheme}://{HIDDEN}@{host}" if scheme else f"{HIDDEN}@{host}" if at else address

    def are_in(self, data: bytes) -> bool:
        """Whether bytes that are no text hold a known secret."""
        return any(secret.encode("utf-8", "replace") in data for secret in (*self._configured, *self._learned))


def _spellings(secrets: Iterable[str]) -> set[str]:
    """How secrets may be written in text, JSON, a log line or an address."""
    return {
        spelling
        for secret in secrets
        for spelling in (
            secret,
            ascii(secret)[1:-1],
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            quote(secret, safe=""),
        )
    }


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    # Longest first: one may be part of another.
    ordered = sorted(_spellings(secrets), key=len, reverse=True)
    alone = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"
    parts = [re.escape(s) if len(s) > ORDINARY_CHARS else alone.format(re.escape(s)) for s in ordered]
    return re.compile("|".join(parts)) if parts else None


def _without_nested(text: str) -> str:
    """Hide the whole object or list behind a telling name, up to the bracket that closes it or the end of the text."""
    parts: list[str] = []
    done = 0
    for match in _NESTED.finditer(text):
        if match.start() < done:
            continue
        parts += [text[done : match.end()], HIDDEN]
        done = _closing(text, match.end())
    return "".join([*parts, text[done:]]) if parts else text


def _closing(text: str, at: int) -> int:
    """The index behind the bracket that closes the one at ``at``."""
    depth, quoted, escaped = 0, False, False
    for index in range(at, len(text)):
        char = text[index]
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "[{":
            depth += 1
        elif not quoted and char in "]}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)
