"""XML, as far as naming it needs: is the text one well-formed element, with nothing but white space around it?

Owns that check. Reads no entity, no external file and no document type with declarations: what has one is not looked
into. Linear: tags are read from left to right once.
"""

import re

_NAME = r"[A-Za-z_:][\w:.-]{0,127}+"
_TOKEN = re.compile(
    rf"<(?P<close>/)?(?P<name>{_NAME})"
    rf"(?:\s++{_NAME}\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+'))*+\s*+(?P<empty>/)?>"
    r"|<!--(?:(?!-->).)*+-->|<!\[CDATA\[(?:(?!\]\]>).)*+\]\]>|<\?[A-Za-z](?:(?!\?>).)*+\?>",
    re.DOTALL,
)
_TEXT = re.compile(r"(?:[^<&]|&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)*+")
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^\[<>]{1,500}+>", re.IGNORECASE)


def root(text: str) -> str:
    """The name of the only element of a well-formed text, or an empty string."""
    open_names: list[str] = []
    found = ""
    at, end = 0, len(text)
    while at < end:
        if text[at] != "<":
            run = _TEXT.match(text, at)
            stop = run.end() if run is not None else at
            if stop == at or (not open_names and text[at:stop].strip()):
                return ""
            at = stop
            continue
        token = _TOKEN.match(text, at) or (None if found else _DOCTYPE.match(text, at))
        if token is None:
            return ""
        at = token.end()
        name = token.groupdict().get("name")
        if name is None:
            continue
        if token.group("close"):
            if not open_names or open_names.pop() != name or token.group("empty"):
                return ""
        else:
            if not open_names:
                if found:
                    return ""
                found = name
            if not token.group("empty"):
                open_names.append(name)
    return "" if open_names else found
