"""What the demo prints: plain where colours are not wanted, and never able to steer a terminal."""

import io

import pytest

from mqtt_mcp.demo.terminal import Terminal, printable


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_nothing_but_text_goes_to_a_file() -> None:
    """Not a terminal: no escape sequences, no carriage returns (brief of the demo)."""
    stream = io.StringIO()
    terminal = Terminal(stream)

    terminal.title("Title")
    terminal.question("Which topics are there?", "list_topics")
    terminal.progress(5, 10, "7 messages")
    terminal.progress_done()
    terminal.checked("named the sensor", ok=True)

    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    assert "5.0/10 s" in stream.getvalue()


def test_no_color_is_respected_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """no-color.org: set and not empty means no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Tty()

    Terminal(stream).checked("fine", ok=True)

    assert stream.getvalue() == "        ✓ fine\n"


def test_a_terminal_gets_colours_and_a_bar_that_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is overwritten by the next line instead of staying in the way."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Tty()
    terminal = Terminal(stream)

    terminal.progress(2, 10, "seen 3")
    terminal.line("next")

    assert stream.getvalue().endswith("\r\x1b[2Knext\n")


def test_a_file_gets_at_most_a_line_for_each_quarter() -> None:
    """A log of the demo is not flooded by progress."""
    stream = io.StringIO()
    terminal = Terminal(stream)

    for tenth in range(101):
        terminal.progress(tenth / 10, 10, "x")

    assert len(stream.getvalue().splitlines()) == 4


@pytest.mark.parametrize("text", ["\x1b[2J", "a\x07b", "\u202eabc", "x\x00", "a\r\nb", "\ud800"])
def test_text_from_a_server_cannot_steer_the_terminal(text: str) -> None:
    """Device text is data: escapes, bells, bidi and surrogates are made visible."""
    assert printable(text).isprintable()


def test_a_terminal_without_unicode_gets_question_marks_and_no_error() -> None:
    """LANG=C is common in containers."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)

    Terminal(stream).progress(10, 10, "…")

    stream.seek(0)
    assert "?" in stream.read()
