"""Values side by side: comma-separated values and key=value pairs.

Owns when a text counts as one of them: when every part fits, and enough of the parts are values rather than prose.
Linear in the text.
"""

import csv
import re
from typing import Any, NamedTuple

from mqtt_mcp.analysis.payloads import units

MAX_ROWS = 1_000
MAX_COLUMNS = 200
MAX_PAIRS = 200
_CELL_CHARS = 200
_SEPARATORS = (";", "\t", ",", "|", " ")

_BOOLEANS = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}
ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_TIME = re.compile(ISO_TIME.pattern + r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}")
_KEY = r"[A-Za-z_$@][\w.\[\]/-]{0,63}"
_PAIR = re.compile(rf"({_KEY})[ ]?=[ ]?(\"[^\"]{{0,500}}\"|'[^']{{0,500}}'|[^=\"'\n]{{0,200}})")
_COLON_PAIR = re.compile(rf"({_KEY}):[ ]?([^=:\"'\s]{{1,64}}(?: ?[^\s\w=:]{{0,3}}[A-Za-z]{{0,4}})?)")
_LOGFMT = re.compile(rf"({_KEY})=(\"[^\"]{{0,500}}\"|[^\s=\"]{{0,200}})(?:\s+|$)")


_DIGIT = re.compile(r"[0-9]")
_NUMBERS = re.compile(r"[-+0-9.,eE ]++")


class Pairs(NamedTuple):
    """Key=value pairs: the values by key, and the units of those that have one (``T=°C,H=%``)."""

    values: dict[str, Any]
    units: str


def cell(text: str) -> Any:
    """A cell as a number (its unit left out), a bool or the text without spaces around it."""
    bare = text.strip()
    number = units.read(bare)
    if number is not None:
        return _whole_or_not(number[0], bare)
    return _BOOLEANS.get(bare.lower(), bare)


def _whole_or_not(value: float, text: str) -> float | int:
    """An integer where one was written, as in JSON."""
    return int(value) if abs(value) < 2**53 and not any(char in text for char in ".,eE") else value


def csv_rows(text: str) -> list[Any] | None:
    """The typed cells of one line, or a list of them for each of several lines; None for what is no CSV.

    All lines have as many cells; the first may be a header. Two cells on a single line must both be numbers.
    """
    if len(text) > _CELL_CHARS and _DIGIT.search(text) is None:
        return None
    lines = text.strip("\r\n").splitlines()
    if not 1 <= len(lines) <= MAX_ROWS:
        return None
    for separator in _SEPARATORS:
        if separator in lines[0] and (separator != " " or _NUMBERS.fullmatch(lines[-1])):
            rows = _rows(lines, separator)
            if rows is not None:
                return rows[0] if len(rows) == 1 else list(rows)
    return None


def _rows(lines: list[str], separator: str) -> list[list[Any]] | None:
    rows: list[list[Any]] = []
    columns = 0
    values = cells = 0
    for number, line in enumerate(lines):
        parts = _split(line, separator)
        columns = columns or len(parts)
        if len(parts) != columns or not 2 <= columns <= MAX_COLUMNS or any(len(part) > _CELL_CHARS for part in parts):
            return None
        row = [cell(part) for part in parts]
        rows.append(row)
        found = sum(not isinstance(one, str) or _TIME.fullmatch(one) is not None for one in row)
        if number or found or len(lines) == 1:  # the first line may be a header
            values += found
            cells += columns
    numbers_only = all(isinstance(one, float | int) and not isinstance(one, bool) for row in rows for one in row)
    if separator == " " and (not numbers_only or columns < 3):
        return None
    if len(rows) == 1 and columns == 2 and not numbers_only:
        return None
    return rows if values * 3 >= cells and values else None


def _split(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        return []


def key_values(text: str) -> Pairs | None:
    """Pairs as ``a=1;b=2``, ``T:22.1;H:40``, ``level=info msg="all well"`` or one on each line; None for other text."""
    found = _with_equals(text) if "=" in text else _with_colons(text) if ":" in text else None
    return _typed(found) if found else None


def _with_equals(text: str) -> list[tuple[str, str]] | None:
    for separator in ";&,\n":
        if separator in text:
            found = _all_pairs(text.strip(separator + " \r\n").split(separator), _PAIR)
            if found is not None:
                return found
    if '"' in text or " " in text:
        logged = _logfmt(text.strip())
        if logged is not None:
            return logged
    single = _all_pairs([text], _PAIR)
    return single if single and (" " not in single[0][1].strip() or units.read(single[0][1].strip())) else None


def _with_colons(text: str) -> list[tuple[str, str]] | None:
    for separator in ";,\n ":
        if separator in text:
            found = _all_pairs(text.strip(separator + " \r\n").split(separator), _COLON_PAIR)
            if found is not None and len(found) > 1 and any(not isinstance(cell(value), str) for _, value in found):
                return found
    single = _all_pairs([text], _COLON_PAIR)
    return single if single and not isinstance(cell(single[0][1]), str) else None


def _all_pairs(parts: list[str], pattern: re.Pattern[str]) -> list[tuple[str, str]] | None:
    if len(parts) > MAX_PAIRS:
        return None
    found = []
    for part in parts:
        match = pattern.fullmatch(part.strip())
        if match is None:
            return None
        found.append((match.group(1), match.group(2)))
    return found


def _logfmt(text: str) -> list[tuple[str, str]] | None:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _LOGFMT.match(text, at)
        if match is None or len(found) >= MAX_PAIRS:
            return None
        found.append((match.group(1), match.group(2)))
        at = match.end()
    return found


def _typed(pairs: list[tuple[str, str]]) -> Pairs:
    values: dict[str, Any] = {}
    named: list[str] = []
    for key, text in pairs:
        bare = text.strip()
        quoted = len(bare) >= 2 and bare[0] == bare[-1] and bare[0] in "\"'"
        number = None if quoted else units.read(bare)
        value = bare[1:-1] if quoted else cell(bare)
        if number and number[1]:
            named.append(f"{key}={number[1]}")
        if key in values:
            known = values[key]
            values[key] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            values[key] = value
    return Pairs(values, ",".join(named))
