"""JSON-RPC 2.0 messages: what a line means, and the bytes of a reply.

Pure functions on bytes. Knows the envelope and the codes; does not know MCP's methods, eras or streams, and leaves
``params`` undecoded. Facts: JSON-RPC 2.0 §4-5; MCP 2025-06-18 and later (no batches, ids never null).
"""

import re
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

MAX_ID_BYTES = 256
"""An id is echoed and kept while its request runs, so a client may not make it large."""

MAX_QUOTED_CHARS = 60
_MENDED_BYTES = 262_144  # mending costs up to a quarter of a microsecond for each byte


class Request(Struct, frozen=True):
    """A message that wants a reply.

    Attributes:
        raw_id: The id's own bytes, to be echoed as they came.
        id: Its value; 1 and "1" are different ids.
        method: Any string.
        params: Undecoded; ``None`` when absent or null.
    """

    raw_id: bytes
    id: int | str
    method: str
    params: Raw | None


class Notification(Struct, frozen=True):
    """A message that wants no reply."""

    method: str
    params: Raw | None


class Answer(Struct, frozen=True):
    """A reply of the client. We never ask it anything, so nobody waits for one."""


class Malformed(Struct, frozen=True):
    """A line that is no valid message; ``raw_id`` is ``None`` when there was no valid id in it."""

    code: int
    message: str
    raw_id: bytes | None = None


Incoming = Request | Notification | Answer | Malformed

TOO_LONG = Malformed(INVALID_REQUEST, "Message too long: this line was skipped.")


class _Envelope(Struct):
    # Members stay raw, so that one wrong member does not lose the id that the error has to carry. Unknown members are
    # ignored: newer clients send new ones.
    jsonrpc: Raw | UnsetType = UNSET
    id: Raw | UnsetType = UNSET
    method: Raw | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_id = msgspec.json.Decoder(int | str).decode
_decode_str = msgspec.json.Decoder(str).decode
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""One escape of a JSON string: a surrogate pair, half of one (``lone``), or any other."""
encode = msgspec.json.Encoder().encode


def parse(line: bytes) -> Incoming:
    """Tell what one line is. Never raises; linear in the line's length.

    Args:
        line: One line without its LF, already bounded by the framing.
    """
    try:
        # Members that stay raw are not checked by the decoder: bad UTF-8 has to be found here.
        if not line.isascii():
            line.decode("utf-8")
        try:
            envelope = _decode_envelope(line)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # An error without id leaves the client waiting, so the one kind of bad JSON that models really write, half
            # a character of the upper planes, is mended instead of refused.
            if len(line) > _MENDED_BYTES:
                raise
            envelope = _decode_envelope(_ESCAPE.sub(_mend_escape, line))
    except msgspec.ValidationError:
        if line[:1] == b"[":
            return Malformed(INVALID_REQUEST, "Batches are not supported: send one message per line.")
        return Malformed(INVALID_REQUEST, "A message has to be a JSON object.")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Malformed(PARSE_ERROR, "This line is not valid JSON in UTF-8.")
    except RecursionError:
        return Malformed(PARSE_ERROR, "This JSON is nested too deeply.")
    return _classify(envelope)


def _classify(envelope: _Envelope) -> Incoming:
    raw_id, request_id = _read_id(envelope.id)
    method = None if isinstance(envelope.method, UnsetType) else _value(_decode_str, envelope.method)
    if isinstance(envelope.jsonrpc, UnsetType) or _value(_decode_str, envelope.jsonrpc) != "2.0":
        return Malformed(INVALID_REQUEST, 'The member "jsonrpc" has to be "2.0".', raw_id)
    if isinstance(envelope.method, UnsetType) and (envelope.result is not UNSET or envelope.error is not UNSET):
        return Answer()
    if not isinstance(method, str):
        return Malformed(INVALID_REQUEST, 'The member "method" has to be a string.', raw_id)
    params: Raw | None = None
    if not isinstance(envelope.params, UnsetType) and bytes(envelope.params) != b"null":
        # A copy: the view in the envelope would keep the whole line alive for as long as a tool runs.
        params = Raw(bytes(envelope.params))
    if isinstance(envelope.id, UnsetType):
        return Notification(method, params)
    if raw_id is None:
        text = f'The member "id" has to be a string or an integer of at most {MAX_ID_BYTES} bytes.'
        return Malformed(INVALID_REQUEST, text)
    return Request(raw_id, request_id, method, params)


def _mend_escape(match: re.Match[bytes]) -> bytes:
    return match[0] if match["lone"] is None else b"\\ufffd"


def _read_id(raw: Raw | UnsetType) -> tuple[bytes | None, int | str]:
    """The id's bytes and value; ``None`` for the bytes when there is no valid id."""
    if isinstance(raw, UnsetType) or len(bytes(raw)) > MAX_ID_BYTES:
        return None, 0
    value = _value(_decode_id, raw)
    return (None, 0) if value is None else (bytes(raw), value)


def _value(decode: Any, raw: Raw) -> Any:
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def result_line(raw_id: bytes, result: bytes) -> bytes:
    """The line of a successful reply.

    Args:
        raw_id: The request's id as it came.
        result: The result object, encoded, without any line break.
    """
    return b"".join((b'{"jsonrpc":"2.0","id":', raw_id, b',"result":', result, b"}\n"))


def error_line(raw_id: bytes | None, code: int, message: str, data: Any = None) -> bytes:
    """The line of an error reply.

    Args:
        raw_id: The request's id as it came. ``None`` leaves the member out: MCP's schema knows no null id.
        code: One of the codes of JSON-RPC or MCP.
        message: One sentence for a developer.
        data: Anything that encodes; ``None`` leaves the member out.
    """
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    head = b'{"jsonrpc":"2.0",' if raw_id is None else b'{"jsonrpc":"2.0","id":' + raw_id + b","
    return head + b'"error":' + encode(error) + b"}\n"


def notification_line(method: str, params: Any) -> bytes:
    """The line of a notification."""
    return encode({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"


def quoted(text: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """A client's own word, quoted for use inside our sentence: plain ASCII, bounded, the cut visible."""
    shown = ascii(text[:max_chars])
    return f"{shown} (cut)" if len(text) > max_chars else shown
