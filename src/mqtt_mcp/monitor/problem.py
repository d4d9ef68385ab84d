"""Errors of the REST interface as RFC 9457 problem details.

Owns their shape. Does not decide what is an error.
"""

from http import HTTPStatus

import msgspec

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request got no answer.

    Attributes:
        type: Which problem it is: ``urn:mqtt-mcp:problem:<name>``; ``about:blank`` says no more than the status.
        title: The status in words.
        status: The HTTP status.
        detail: What was wrong with this request and what to do about it.
        instance: The path asked for.
    """

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    instance: str = ""


def encode(status: int, name: str = "", detail: str = "", instance: str = "") -> bytes:
    """A problem as JSON.

    Args:
        status: The HTTP status.
        name: Which problem it is, in lower case with hyphens; empty: the status says it all.
        detail: A sentence about this request.
        instance: The path asked for, percent-encoded.
    """
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    kind = f"urn:mqtt-mcp:problem:{name}" if name else "about:blank"
    problem = Problem(title=title, status=status, type=kind, detail=detail, instance=instance[:MAX_INSTANCE_CHARS])
    return msgspec.json.encode(problem)


MAX_INSTANCE_CHARS = 200
