"""docs/troubleshooting.md holds every kind of error, in words that the program really says."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from mqtt_mcp.errors import ErrorKind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
MIN_COVERED = 0.8
"""Share of a quoted text, without the values in it, that has to be made of the program's own words."""
OURS = re.compile(r"`(mqtt-mcp(?: demo)?: (?!command not found|not found|…`).*?|mqtt-mcp speaks .*?)`")
VALUES = re.compile(
    r"(?<!\w)'[^']*'|\"[^\"]*\"|\b0x\w\w\b|\b\d[\d,]*\b|…"
    # What the system, tomllib, argparse or a broker says, and names of options that are put in.
    r"|Connection refused|No such file or directory|\(Name or service not known\)|Expected .*? declaration"
    r"|\(at line.*?\)|unrecognized arguments: --pasword|server unavailable|protocol error|not authorized|quota exceeded"
    r"|python3|\[brokers\.home\]|MQTT_BROKER_URL differs|\bwhole number from\b|\bhome\b|ws://"
    r"|password_file and password|^password_file|^port\b"
)


@cache
def fragments():
    """The fixed parts of every text of the program, longest first; a single word counts only between values."""
    found: set[str] = set()
    for path in sorted((ROOT / "src/mqtt_mcp").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = VALUES.sub("\0", node.value).replace("\n", "\0").split("\0")
                found.update(
                    part.removeprefix("mqtt-mcp: ").strip("'\"()[] ") for part in parts if len(part) > 3 and " " in part
                )
    return sorted(found - {""}, key=len, reverse=True)


def covered(quoted):
    """Which share of the letters of a quoted text, without its values, are the program's own words."""
    left = VALUES.sub("\0", quoted)
    letters = len(re.findall(r"[A-Za-z]", left))
    for fragment in fragments():
        left = left.replace(fragment, "\0") if fragment in left else left
    return 1 - len(re.findall(r"[A-Za-z]", left)) / letters


def quotes():
    """What stands in the blocks of the kinds, and our own lines of the tables."""
    kinds = [line for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    # Before the text stands its kind, or the command and, for a configuration, the place in it.
    ours = [
        re.sub(r"^mqtt-mcp(?: demo)?: (?:(?:…|\S+:\d+|--?\w+|[A-Z_]+|audit|monitor): )?", "", line)
        for line in OURS.findall(PAGE)
    ]
    return [line.partition(": ")[2] for line in kinds] + ours


def test_every_kind_of_error_has_an_entry_that_quotes_it():
    """A kind that is added needs a cause and a step."""
    entries = dict(re.findall(r"^### `(\w+)`\n\n```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))

    assert set(entries) == {str(kind.value) for kind in ErrorKind}
    for kind, quoted in entries.items():
        assert all(line.startswith(f"{kind}: ") for line in quoted.splitlines())


@pytest.mark.parametrize("quoted", quotes(), ids=lambda text: text[:50])
def test_a_quoted_text_is_what_the_program_says(quoted):
    """Values may differ; the words around them stand in the source."""
    assert covered(quoted) >= MIN_COVERED, f"{covered(quoted):.2f} of it stands in the source"


def test_a_text_that_the_program_does_not_say_is_noticed():
    """The measure itself can fail."""
    assert covered("The broker was eaten by a grue, and nothing can be done about it at all.") < MIN_COVERED
    assert covered("There is no collection with this id; results are preserved for a while.") < MIN_COVERED
