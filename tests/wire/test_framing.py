"""Lines out of bytes: whole, byte by byte, with trailing data, and in any chunking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.wire.framing import LineSplitter

LIMIT = 16

CASES = [
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"a\n", [b"a"], id="one line"),
    pytest.param(b"a\nb\n", [b"a", b"b"], id="two lines"),
    pytest.param(b"a\r\n", [b"a"], id="CR LF"),
    pytest.param(b"\n \t\r\n\n", [], id="blank lines"),
    pytest.param(b"  a b \n", [b"a b"], id="surrounding blanks"),
    pytest.param(b"x" * 16 + b"\n", [b"x" * 16], id="exactly at the limit"),
    pytest.param(b"x" * 17 + b"\n", [None], id="one over the limit"),
    pytest.param(b"x" * 400 + b"\nafter\n", [None, b"after"], id="far over the limit"),
    pytest.param(b"before\n" + b"x" * 17 + b"\nafter\n", [b"before", None, b"after"], id="over the limit in between"),
    pytest.param(b"\xff\x00\n", [b"\xff\x00"], id="bytes that are no text"),
]


def split(chunks: list[bytes]) -> list[bytes | None]:
    splitter = LineSplitter(LIMIT)
    return [line for chunk in chunks for line in splitter.feed(chunk)]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_lines_are_the_same_whole_byte_by_byte_and_with_trailing_data(
    data: bytes, expected: list[bytes | None]
) -> None:
    """MCP stdio transport: messages are delimited by newlines, not by reads."""
    assert split([data]) == expected
    assert split([bytes([byte]) for byte in data]) == expected
    assert split([data + b"unfinished"]) == expected


@given(st.lists(st.binary(max_size=40)), st.data())
def test_any_chunking_gives_the_same_lines(parts: list[bytes], data: st.DataObject) -> None:
    """Ours: the result depends on the bytes alone, oversized lines included."""
    stream = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert split(chunks) == split([stream])


def test_an_oversized_line_is_reported_before_it_ends_and_holds_no_memory() -> None:
    """Ours: a client that never sends a newline is told at the limit, and what it goes on sending is not kept."""
    splitter = LineSplitter(LIMIT)

    assert list(splitter.feed(b"x" * 10)) == []
    assert list(splitter.feed(b"x" * 10)) == [None]
    for _ in range(100):
        assert list(splitter.feed(b"x" * 1000)) == []
    assert len(splitter._buffer) == 0
    assert list(splitter.feed(b"\nok\n")) == [b"ok"]
