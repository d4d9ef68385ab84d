"""Foreign text made safe to show: escaping, bounding, quoting, and recognising text that speaks to a model.

Owns what may become of characters that somebody else chose. Does not decide where foreign text may appear (only in
named data fields, or quoted inside our sentences) and never hides a message: it marks.
"""

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: ANSI escapes, NUL, line breaks
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, bidi, lines
    "\ufe00-\ufe0e\U000e0000-\U000e0fff"  # variation selectors and tags carry hidden bytes
    "\ud800-\udfff"  # lone surrogates cannot be encoded
    "]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": "\\0", "\x1b": "\\e"}
_SCANNED_CHARS = 4_000

_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b(?:instruction|prompt|rule|guideline|previous|prior|above)s?\b"
    r"|\b(?:ignoriere|vergiss|missachte)\b.{0,60}\b(?:anweisung|vorgabe|regel|vorherige)\w{0,4}\b"
    r"|\b(?:system|developer) (?:prompt|message|override)\b|\bnew instructions?\b"
    r"|\byou are (?:now|no longer)\b"
    r"|\b(?:you|the assistant|the ai|the model) (?:must|should|shall|will) (?:now|call|run|execute|publish)\b"
    r"|\b(?:assistant|system|ai agent|llm)\s{0,3}[:>]|\bas an? (?:ai|assistant|language model)\b|\bact as (?:an?|the)\b"
    r"|\b(?:do not|don't|never|without) (?:tell|inform|ask|mention)(?:ing)?\b.{0,30}\b(?:user|human|operator)\b"
    r"|\b(?:call|use|invoke|run) the\b.{0,40}\btool\b"
    r"|\b(?:reveal|print|send|publish|exfiltrate)\b.{0,40}\b(?:password|secret|credential|api key|token)s?\b"
    r"|<\|?(?:system|im_start|im_end|assistant|user|endoftext)\b|\[/?inst\]|</?(?:instructions?|tool_call|function_calls?)>",
    re.IGNORECASE | re.DOTALL,
)


def _visible(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    named = _NAMED.get(char)
    if named is not None:
        return named
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(text: str) -> str:
    return _UNSAFE.sub(_visible, text)


def clean(text: str, max_chars: int) -> str:
    r"""Make foreign text visible and bounded.

    Control, ANSI, bidirectional, invisible and tag characters become escapes (``\n``, ``\e``, ``\x07``, ``\u202e``),
    lone surrogates U+FFFD. What is cut is counted in the text itself: ``…(+120)`` stands for 120 more characters.

    Args:
        text: Anything; only about ``max_chars`` of it is looked at.
        max_chars: Bound of the returned text, suffix included; at least 1.
    """
    if len(text) <= max_chars:
        whole = _escaped(text)
        if len(whole) <= max_chars:
            return whole
    suffix_chars = len(f"…(+{len(text)})")
    room = max(0, max_chars - suffix_chars)
    if _UNSAFE.search(text, 0, room) is None:
        room = min(room, len(text))
        return (text[:room] + f"…(+{len(text) - room})")[:max_chars]
    kept: list[str] = []
    used = taken = 0
    for char in text[:room]:
        shown = _escaped(char)
        if used + len(shown) > room:
            break
        kept.append(shown)
        used += len(shown)
        taken += 1
    return ("".join(kept) + f"…(+{len(text) - taken})")[:max_chars]


def quote(text: str, max_chars: int = 80) -> str:
    """Foreign text inside a sentence of ours: cleaned, bounded (without the marks), between double quotes.

    Double quotes inside become single ones, so that the quotation cannot be left early.
    """
    return '"' + clean(text.replace('"', "'"), max_chars) + '"'


def field_name(path: str, max_chars: int = 40) -> str:
    """A field in a sentence of ours: its path, quoted, or ``the value`` for one that stands alone (``$``)."""
    return "the value" if path == "$" else quote(path, max_chars)


def looks_like_instruction(text: str) -> bool:
    """Whether text seems to address a language model rather than to report a value.

    A marker, not a filter: callers show the message and say so. Looks at the first and last 2,000 characters; every
    pattern has bounded gaps, so the time is linear.
    """
    if len(text) > _SCANNED_CHARS:
        text = text[: _SCANNED_CHARS // 2] + " " + text[-_SCANNED_CHARS // 2 :]
    return _INSTRUCTION.search(_UNSAFE.sub("", text)) is not None
