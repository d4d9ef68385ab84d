"""What the strings and key names of a payload mean: formats, units, and which values are private.

Pure tables and functions over one string at a time; every pattern is linear in the length of the text. Does not
profile, count or render anything (``profile.py`` and ``document.py`` do).
"""

import base64
import binascii
import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Iterable

MAX_FORMAT_CHARS = 512
"""Longer strings are not matched against formats."""

_DATE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"

# Order matters: the first name that every observed string of a field matches is the one shown.
_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("date-time", rf"{_DATE}[Tt]{_TIME}{_OFFSET}"),
        ("spaced-date-time", rf"{_DATE} {_TIME} ?{_OFFSET}"),
        ("local-date-time", rf"{_DATE}[Tt ]{_TIME}"),
        ("date", _DATE),
        ("time", rf"{_TIME}(?:{_OFFSET})?"),
        ("duration", r"-?P(?=[0-9T])(?:[0-9]{1,9}[YMWD]){0,4}(?:T(?:[0-9.]{1,12}[HMS]){1,3})?"),
        ("elapsed", r"[0-9]{1,5}(?:T|d |\.)[0-9]{2}:[0-9]{2}:[0-9]{2}"),
        ("uuid", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
        ("ipv4", rf"{_OCTET}(?:\.{_OCTET}){{3}}"),
        ("ipv6", r"[0-9A-Fa-f:.]{2,45}"),
        ("mac", r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}"),
        ("eui64", r"0x[0-9a-fA-F]{16}|[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){7}"),
        ("email", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"),
        ("uri", r"[a-z][a-z0-9+.-]{1,20}://[^\s]{1,400}"),
        ("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
        ("numeric-string", r"[+-]?[0-9]+(?:[.,][0-9]+)?"),
        ("semver", r"v?[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}(?:[-+.(][0-9A-Za-z.()+-]{1,60})?"),
        ("hex", r"(?:0x)?(?:[0-9a-fA-F]{2}){4,}"),
        ("base64", r"(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
        ("json-in-string", r"\{\".{1,500}\}|\[[\[{\"].{1,500}\]"),
        ("number-with-unit", r"[+-]?[0-9]+(?:[.,][0-9]+)?\s?(?:[^\W\d_]|[°%µ/³²]){1,8}"),
    )
)


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    """Words and numbers are of the alphabet too: padding, or a mixture that no word has, tells them apart."""
    if not text.endswith("=") and not ("+" in text or "/" in text or (re.search(r"[0-9]", text) and len(text) >= 24)):
        return False
    if text.islower() or text.isupper() or text.isdigit():
        return False
    try:
        base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return False
    return True


_CHECKED: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date,
    "spaced-date-time": _is_date,
    "local-date-time": _is_date,
    "date": _is_date,
    "ipv6": _is_ipv6,
    "base64": _is_base64,
}
"""What a pattern cannot tell: the 30th of February looks like a date."""

STANDARD_FORMATS = frozenset({"date-time", "date", "uuid", "ipv4", "ipv6", "email"})
"""Formats whose JSON Schema meaning (2020-12 validation, section 7.3) our pattern never goes beyond."""

_PRIVATE = frozenset(
    [
        *(
            "pass",
            "passwd",
            "password",
            "passphrase",
            "pwd",
            "secret",
            "token",
            "key",
            "apikey",
            "psk",
            "ssid",
            "bssid",
        ),
        *("lat", "latitude", "lon", "lng", "longitude", "credential", "credentials", "auth", "authorization", "cookie"),
        "pin",
    ]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_URI_USER = re.compile(r"://[^/\s:@]{0,80}:[^/\s@]{1,80}@")

_UNITS_BY_SUFFIX = {
    "_c": "°C", "_f": "°F", "_pct": "%", "_percent": "%", "_w": "W", "_kw": "kW", "_wh": "Wh", "_kwh": "kWh",
    "_v": "V", "_mv": "mV", "_a": "A", "_ma": "mA", "_hz": "Hz", "_ms": "ms", "_s": "s", "_sec": "s", "_seconds": "s",
    "_bytes": "B", "_kb": "kB", "_mb": "MB", "_dbm": "dBm", "_db": "dB", "_ppm": "ppm", "_hpa": "hPa", "_kpa": "kPa",
    "_pa": "Pa", "_bar": "bar", "_lux": "lx", "_lpm": "l/min", "_rpm": "1/min", "_mm": "mm", "_cm": "cm", "_km": "km",
    "_kg": "kg", "_deg": "°", "_kmh": "km/h",
}  # fmt: skip
_UNITS_BY_NAME = {
    "tc": "°C", "tf": "°F", "uptimesec": "s", "apower": "W", "snr": "dB", "lorasnr": "dB",
}  # fmt: skip


def words(name: str) -> list[str]:
    """Split a key name at separators and case changes, lower case: ``batteryLevel_pct`` → battery, level, pct."""
    return [word.lower() for word in _WORD.findall(name[:120])]


def is_private(key: str) -> bool:
    """True when values under this key are secrets or places: they are typed but never shown."""
    lowered = re.sub(r"[^a-z]", "", key[:120].lower())
    return lowered in _PRIVATE or not _PRIVATE.isdisjoint(words(key))


def is_secret_text(text: str) -> bool:
    """True for a value that is a credential whatever its key: a JWT, or a URI with user:password."""
    head = text[:MAX_FORMAT_CHARS]
    return (head.startswith("eyJ") and head.count(".") == 2) or _URI_USER.search(head) is not None


def formats(text: str, among: Iterable[str] | None = None) -> frozenset[str]:
    """Name the formats that the whole text has.

    Args:
        text: One string value; beyond ``MAX_FORMAT_CHARS`` characters it has none.
        among: Only test these; None tests all.
    """
    if not text or len(text) > MAX_FORMAT_CHARS:
        return frozenset()
    wanted = None if among is None else frozenset(among)
    return frozenset(
        name
        for name, pattern in _FORMATS
        if (wanted is None or name in wanted)
        and pattern.fullmatch(text)
        and (name not in _CHECKED or _CHECKED[name](text))
    )


def best_format(names: Iterable[str]) -> str:
    """The most telling of several formats; empty when there is none."""
    held = frozenset(names)
    return next((name for name, _ in _FORMATS if name in held), "")


def unit_of(key: str) -> str:
    """The unit that a key's suffix tells, or empty. ``flow_lpm`` → l/min."""
    lowered = key[:120].lower()
    if lowered in _UNITS_BY_NAME:
        return _UNITS_BY_NAME[lowered]
    _, separator, suffix = lowered.rpartition("_")
    return _UNITS_BY_SUFFIX.get("_" + suffix, "") if separator else ""


def looks_like_id(key: str) -> bool:
    """True for a key that names a member and not a property: digits, hex, MAC, EUI, UUID, word plus number."""
    return _ID.fullmatch(key[:80]) is not None


_ID = re.compile(
    r"[0-9]+|0x[0-9a-fA-F]{2,}|(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{6,}|(?:[0-9A-Fa-f]{2}[:-]){3,}[0-9A-Fa-f]{2}"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[A-Za-z]+[-_:.]?(?:0x)?(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{2,}"
)
