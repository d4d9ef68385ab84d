"""What the demo writes for a person: colours, the progress bar, indented accounts.

Owns every byte the demo prints. Colours and the moving bar only on a terminal and without ``NO_COLOR``
(no-color.org). Text from the server is stripped of what could steer a terminal.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import TextIO

_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"
_BAR_CELLS = 24
_MAX_COLUMNS = 100


def printable(text: str) -> str:
    """The text on one line, with every control, formatting and surrogate character replaced by ``·``."""
    return "".join(char if char.isprintable() else "·" for char in text.replace("\n", " "))


class Terminal:
    """A place to write to.

    Args:
        stream: Where to; standard output by default.
        colour: None asks the stream and the environment.
    """

    def __init__(self, stream: TextIO | None = None, *, colour: bool | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._colour = (self._live and not os.environ.get("NO_COLOR")) if colour is None else colour
        self._columns = min(shutil.get_terminal_size((_MAX_COLUMNS, 24)).columns, _MAX_COLUMNS)
        # Payloads and identifiers are full of hyphens that are no place to break.
        self._wrapper = textwrap.TextWrapper(self._columns - 11, subsequent_indent="  ", break_on_hyphens=False)
        self._bar_shown = False
        self._bar_quarter = 0

    def title(self, text: str) -> None:
        """A heading with room above."""
        self.line()
        self.line(self._paint(text, _BOLD))

    def question(self, text: str, tool: str) -> None:
        """What a person would ask, and the tool that answers it."""
        self.line()
        self.line(f"{self._paint('You ask:', _DIM)} {self._paint(printable(text), _BOLD)}")
        self.line(f"{self._paint('   tool:', _DIM)} {self._paint(tool, _CYAN)}")

    def answer(self, lines: Iterable[str]) -> None:
        """Lines of an account, wrapped and indented."""
        for line in lines:
            for piece in self._wrapper.wrap(printable(line)) or [""]:
                self.line(f"          {piece}")

    def checked(self, sentence: str, *, ok: bool) -> None:
        """One verdict on an answer."""
        mark = self._paint("✓", _GREEN) if ok else self._paint("✗", _RED)
        self.line(f"        {mark} {printable(sentence)}")

    def line(self, text: str = "") -> None:
        """One line exactly as given."""
        self._clear_bar()
        self._write(text + "\n")

    def failure(self, text: str) -> None:
        """One line in red."""
        self.line(self._paint(text, _RED))

    def progress(self, done: float, total: float, sentence: str) -> None:
        """Show how far a watch is: a moving bar on a terminal, elsewhere a line for each quarter.

        Args:
            done: Units done so far.
            total: Units in all; 0 when not known.
            sentence: What the server said about it.
        """
        part = min(1.0, done / total) if total > 0 else 0.0
        cells = round(part * _BAR_CELLS)
        bar = "█" * cells + "░" * (_BAR_CELLS - cells)
        text = f"          listening {bar} {done:4.1f}/{total:.0f} s  {printable(sentence)}"[: self._columns - 1]
        if self._live:
            self._write("\r\x1b[2K" + self._paint(text, _CYAN))
            self._bar_shown = True
        elif int(part * 4) > self._bar_quarter:
            self._bar_quarter = int(part * 4)
            self._write(text + "\n")

    def progress_done(self) -> None:
        """Take the bar away; the next one begins anew."""
        self._clear_bar()
        self._bar_quarter = 0

    def _clear_bar(self) -> None:
        if self._bar_shown:
            self._write("\r\x1b[2K")
            self._bar_shown = False

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        # A terminal that cannot show the bar's blocks gets question marks, not a traceback.
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()
