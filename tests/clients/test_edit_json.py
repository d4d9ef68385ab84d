"""A server gets into a JSON configuration, and everything else stays as it is."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.clients.edit import edited
from mqtt_mcp.clients.scan import BrokenText, scan, value_of
from mqtt_mcp.clients.table import client_named
from mqtt_mcp.errors import ToolError

CURSOR = client_named("cursor")
STRICT = client_named("claude-desktop")
VSCODE = client_named("vscode")
ENTRY = {"command": "/m", "args": ["--read-only"]}
NEW = '    "mqtt": {\n      "command": "/m",\n      "args": ["--read-only"]\n    }\n'


def put(text, *, client=CURSOR, name="mqtt", value=None, replace=False):
    """An edit with the usual entry."""
    return edited(client, text, name, value or ENTRY, replace=replace)


@pytest.mark.parametrize("text", ["", " \n\n", "\ufeff", "\ufeff\n"])
def test_an_empty_file_gets_the_whole_snippet(text):
    """As if there were none; a byte order mark stays."""
    edit = put(text, client=STRICT)

    assert edit.outcome == "added"
    assert edit.text.startswith("\ufeff") == text.startswith("\ufeff")
    assert json.loads(edit.text.removeprefix("\ufeff")) == {"mcpServers": {"mqtt": ENTRY}}
    assert edit.text.endswith("}\n")


def test_other_servers_keep_every_character():
    """The new one comes after them, in the file's own indentation."""
    text = '{\n  "theme":   "dark",\n  "mcpServers": {\n    "a": { "command": "x" , "n": 1.50 }\n  },\n  "z": null\n}\n'

    edit = put(text, client=STRICT)

    assert edit.text == text.replace("1.50 }\n", f"1.50 }},\n{NEW}", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", '{\n  "mcpServers": {\n' + NEW + "  }\n}"),
        ('{"a":1}', '{"a":1,\n  "mcpServers": {\n' + NEW + "  }\n}"),
        ('{\n  "mcpServers": {}\n}', '{\n  "mcpServers": {\n' + NEW + "  }\n}"),
        ('{\n  "mcpServers": {\n  }\n}\n', '{\n  "mcpServers": {\n' + NEW + "  }\n}\n"),
    ],
)
def test_what_is_missing_around_the_entry_is_made(text, expected):
    """The key, or the object below it."""
    assert put(text, client=STRICT).text == expected


def test_tabs_and_wide_indentation_go_on():
    """The file's unit is used inside the entry too."""
    tabs = put('{\n\t"mcpServers": {\n\t\t"a": {}\n\t}\n}', client=STRICT).text
    wide = put('{\n    "mcpServers": {\n        "a": {}\n    }\n}', client=STRICT).text

    assert '\n\t\t"mqtt": {\n\t\t\t"command": "/m",' in tabs
    assert '\n        "mqtt": {\n            "command": "/m",' in wide


def test_windows_line_ends_go_on():
    """No line of another kind gets in."""
    text = put('{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n', client=STRICT).text

    assert text.count("\r\n") == text.count("\n")
    assert json.loads(text)["mcpServers"] == {"a": {}, "mqtt": ENTRY}


COMMENTED = """\
// mine
{
  /* the
     servers */
  "servers": {
    "a": { "type": "stdio", "command": "x", }, // "mqtt": not this one
    // "mqtt": { "command": "old" },
  },
  "inputs": [], // none
}
// the end
"""


def test_comments_and_trailing_commas_stay_where_a_client_allows_them():
    """VS Code's mcp.json and Gemini's settings.json are written by people."""
    edit = put(COMMENTED, client=VSCODE)

    before, after = COMMENTED.split('  },\n  "inputs"')
    assert edit.text == before + NEW + '  },\n  "inputs"' + after
    assert value_of(edit.text)["servers"]["mqtt"] == ENTRY


def test_a_comment_behind_the_last_server_stays_behind_it():
    """The comma goes between the two."""
    edit = put('{"servers": {\n  "a": {} // first\n}}', client=VSCODE)

    assert edit.text.startswith('{"servers": {\n  "a": {}, // first\n  "mqtt": {\n')
    assert value_of(edit.text)["servers"] == {"a": {}, "mqtt": ENTRY}


def test_the_same_entry_is_nothing_to_do_however_it_is_written():
    """Clients add members that say nothing."""
    text = '{"mcpServers": {"mqtt": {"type":"stdio","args":["--read-only"],"env":{},"command":"/m"}}}'

    assert put(text).outcome == "same"
    assert put(text).text == text


def test_another_entry_of_the_name_is_replaced_only_when_told_to():
    """It is handed back, so that a person sees what it was."""
    text = '{\n  "mcpServers": {\n    "mqtt": {"command": "old"},\n    "b": {}\n  }\n}\n'

    kept = put(text)
    fresh = put(text, replace=True)

    assert (kept.outcome, kept.text, kept.old) == ("differs", text, {"command": "old"})
    assert fresh.outcome == "replaced"
    assert fresh.text == text.replace('    "mqtt": {"command": "old"}', NEW.rstrip("\n"))


def test_an_entry_that_is_null_is_an_entry():
    """Somebody put it there."""
    assert put('{"mcpServers": {"mqtt": null}}').outcome == "differs"
    assert put('{"mcpServers": {"mqtt": null}}', replace=True).outcome == "replaced"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ('{\n  "a": 1,\n}', "line 3, column 1", "a name in quotes is expected"),
        ("{\n  // no\n}", "line 2, column 3", "a comment is not allowed"),
        ('{"a" 1}', "line 1, column 6", "a colon"),
        ('{"a": 01}', "line 1, column 7", "no JSON"),
        ('{"a": [1 2]}', "line 1, column 10", "a comma"),
        ('{"a": "b\n"}', "line 1, column 7", "in quotes"),
        ('{"a": 1', "line 1, column 8", "the end of the file"),
        ('{"a"', "line 1, column 5", "the end of the file"),
        ("{} x", "line 1, column 4", "no JSON"),
        ("{} {}", "line 1, column 4", "behind the end"),
        ("]", "line 1, column 1", "a value is expected"),
        ("{]", "line 1, column 2", "or }"),
        ("[}", "line 1, column 2", "or ]"),
        ("[]", "line 1, column 1", "must hold an object"),
        (' "text"', "line 1, column 2", "must hold an object"),
        ('{"mcpServers": [1]}', "line 1, column 16", '"mcpServers" must be an object'),
        ('{"mcpServers": null}', "line 1, column 16", '"mcpServers" must be an object'),
        ('{"mcpServers": {}, "mcpServers": {}}', "line 1, column 20", '"mcpServers" is there twice'),
        ('{"mcpServers": {"mqtt": 1, "mq\\u0074t": 2}}', "line 1, column 28", '"mqtt" is there twice'),
        ("[" * 100_000, "line 1, column 201", "nested more than 200"),
    ],
)
def test_broken_json_is_refused_with_line_and_column(text, place, problem):
    """Two of the same name: nobody knows which one a client takes."""
    with pytest.raises(BrokenText) as caught:
        put(text, client=STRICT)

    assert caught.value.message.startswith(place)
    assert problem in caught.value.message


def test_a_client_may_allow_comments_and_no_trailing_comma():
    """Gemini CLI does; what it would refuse is refused with the place."""
    gemini = client_named("gemini")
    text = '{\n  // mine\n  "a": 1,\n}'

    with pytest.raises(BrokenText, match="line 4, column 1"):
        put(text, client=gemini)
    assert "// mine" in put(text.replace("1,", "1"), client=gemini).text


@pytest.mark.parametrize("text", ['{"a": 1, /* }', '{"a": 1,, }', "{,}", "[,]", "/"])
def test_broken_json_with_comments_is_refused_too(text):
    """More is allowed there, not anything."""
    with pytest.raises(ToolError):
        put(text, client=VSCODE)


def test_a_large_file_is_edited_in_a_moment():
    """Claude Code keeps its history in the file."""
    history = {f"/p/{number}": {"history": [{"display": "x" * 50}] * 20} for number in range(100)}
    text = json.dumps({"projects": history, "mcpServers": {"a": {}}}, indent=2)

    assert json.loads(put(text, client=STRICT).text) == {
        "projects": history,
        "mcpServers": {"a": {}, "mqtt": ENTRY},
    }


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
SERVERS = st.dictionaries(st.text() | st.just("mqtt"), VALUES, max_size=3)
CONFIGURATIONS = st.builds(
    lambda rest, servers: rest if servers is None else rest | {"mcpServers": servers},
    st.dictionaries(st.text(), VALUES, max_size=3),
    st.none() | SERVERS,
)


@settings(max_examples=50, deadline=None)
@given(CONFIGURATIONS, st.sampled_from([None, 0, 2, 4, "\t"]), st.booleans(), st.booleans())
def test_everything_else_survives(configuration, indent, ascii_only, windows):
    """Any JSON in any layout: what was read is there afterwards, in its order, and one entry more."""
    text = json.dumps(configuration, indent=indent, ensure_ascii=ascii_only)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # a file cannot hold half a character
    text = text.replace("\n", "\r\n") if windows and indent is not None else text
    before = json.loads(text)

    after = json.loads(put(text, client=STRICT, replace=True).text)

    servers = before.get("mcpServers", {})
    assert after == before | {"mcpServers": servers | {"mqtt": after["mcpServers"]["mqtt"]}}
    assert list(after["mcpServers"]) == list(servers | {"mqtt": None})
    assert after["mcpServers"]["mqtt"] == ENTRY


@st.composite
def almost_json(draw):
    """JSON with one character more, less or changed, or as it should be."""
    text = json.dumps(draw(VALUES), indent=draw(st.sampled_from([None, 1])), ensure_ascii=False)
    at = draw(st.integers(0, len(text)))
    piece = draw(st.sampled_from(["", "", *'{}[]:,"\\ \n\t/*0.-eEtu', "//", "/**/", '""', "null"]))
    return text[:at] + piece + text[at + draw(st.integers(0, 1)) :]


@settings(max_examples=80, deadline=None)
@given(almost_json())
def test_the_scanner_agrees_with_the_standard_library(text):
    """What one reads, the other reads; what one refuses, so does the other."""
    try:
        expected = json.loads(text, parse_int=str, parse_float=str)
        is_json = True
    except ValueError:
        is_json = False
    try:
        is_found = not scan(text).is_empty
    except BrokenText:
        is_found = False

    assert is_found == is_json
    if is_json:
        assert value_of(text) == expected


def test_one_huge_string_takes_memory_in_proportion():
    """A history in a client's file may be one text."""
    text = '{"history": "' + "x" * 3_000_000 + '"}'

    tracemalloc.start()
    try:
        put(text, client=STRICT)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak_bytes < 20 * len(text)
