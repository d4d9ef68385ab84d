"""A small reader of X.509 certificates that nobody has verified: names, validity and key, from DER.

Owns just enough of ASN.1 (ITU-T X.690) and RFC 5280 §4.1 to tell a person which certificate a server shows. Checks no
signature and trusts nothing: bounds every length, nests no deeper than the format needs, and answers None for anything
it does not understand. The standard library can decode only certificates it has verified.
"""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

from mqtt_mcp.mqtt.network import Certificate

MAX_BYTES = 65_536
MAX_NAMES = 50
MAX_NAME_PARTS = 20
MAX_TEXT_CHARS = 200

_INTEGER, _OCTET_STRING, _OID = 0x02, 0x04, 0x06
_SEQUENCE, _SET, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x31, 0x17, 0x18
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0xA0, 0xA3, 0x82, 0x87
_BMP_STRING = 0x1E
_SUBJECT_ALTERNATIVE_NAME = bytes.fromhex("551d11")
_NAME_PARTS = {
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST",
}
_KEYS = {
    bytes.fromhex("2a864886f70d010101"): "RSA",
    bytes.fromhex("2a8648ce3d0201"): "EC",
    bytes.fromhex("2b6570"): "Ed25519",
    bytes.fromhex("2b6571"): "Ed448",
}


def read_certificate(der: bytes) -> Certificate | None:
    """What a DER certificate says about itself; None when it is not one, or larger than 64 KiB."""
    if len(der) > MAX_BYTES:
        return None
    try:
        return _certificate(der)
    except (ValueError, IndexError, OverflowError):
        return None


def _certificate(der: bytes) -> Certificate:
    outer = _one(der, _SEQUENCE)
    fields = list(_values(_one(outer, _SEQUENCE)))
    if fields[0][0] == _VERSION:
        fields.pop(0)
    # serial, signature algorithm, issuer, validity, subject, public key, then optional fields
    (_, _), (_, _), (_, issuer), (_, validity), (_, subject), (_, public_key) = fields[:6]
    begin, end = list(_values(validity))[:2]
    extensions = next((body for tag, body in fields[6:] if tag == _EXTENSIONS), b"")
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=tuple(_alternative_names(extensions)) if extensions else (),
        not_before_epoch_s=_time(*begin),
        not_after_epoch_s=_time(*end),
        key=_key(public_key),
    )


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag-length-value elements of ``data``, one level deep."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 3:
                raise ValueError("length of an element")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("element longer than what holds it")
        yield tag, data[at : at + length]
        at += length


def _one(data: bytes, tag: int) -> bytes:
    found, body = next(_values(data), (0, b""))
    if found != tag:
        raise ValueError("another element was expected")
    return body


def _name(body: bytes) -> str:
    parts: list[str] = []
    for tag, relative in _values(body):
        if tag != _SET or len(parts) >= MAX_NAME_PARTS:
            continue
        (_, oid), (kind, text) = list(_values(_one(relative, _SEQUENCE)))[:2]
        label = _NAME_PARTS.get(oid)
        if label:
            parts.append(f"{label}={_text(kind, text)}")
    return ", ".join(parts)


def _text(tag: int, body: bytes) -> str:
    encoding = "utf-16-be" if tag == _BMP_STRING else "utf-8"
    return body[: MAX_TEXT_CHARS * 2].decode(encoding, "replace")[:MAX_TEXT_CHARS]


def _time(tag: int, body: bytes) -> float:
    text = body.decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280 §4.1.2.5.1: two-digit years from 50 are of the last century.
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("a time was expected")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, extension in _values(_one(extensions, _SEQUENCE)):
        parts = list(_values(extension))
        if not parts or parts[0] != (_OID, _SUBJECT_ALTERNATIVE_NAME) or parts[-1][0] != _OCTET_STRING:
            continue
        for index, (tag, body) in enumerate(_values(_one(parts[-1][1], _SEQUENCE))):
            if index >= MAX_NAMES:
                return
            if tag == _DNS_NAME:
                yield _text(tag, body)
            elif tag == _IP_ADDRESS and len(body) in (4, 16):
                yield str(ipaddress.ip_address(body))


def _key(public_key: bytes) -> str:
    (_, algorithm), (_, bits) = list(_values(public_key))[:2]
    kind = _KEYS.get(_one(algorithm, _OID), "")
    if kind != "RSA":
        return kind
    modulus = _one(_one(bits[1:], _SEQUENCE), _INTEGER)
    return f"RSA {int.from_bytes(modulus, 'big').bit_length()}"
