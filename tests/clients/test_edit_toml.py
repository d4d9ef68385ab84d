"""A server gets into Codex's TOML, and everything else stays as it is."""

import tomllib

import pytest

from mqtt_mcp.clients.edit import edited
from mqtt_mcp.clients.scan import BrokenText
from mqtt_mcp.clients.table import client_named
from mqtt_mcp.errors import ToolError

CODEX = client_named("codex")
ENTRY = {"command": "/m", "args": ["-x", 'a"b'], "env": {"MQTT_BROKER_URL": "mqtt://h"}}
TABLES = (
    '[mcp_servers.mqtt]\ncommand = "/m"\nargs = ["-x", "a\\"b"]\n\n'
    '[mcp_servers.mqtt.env]\nMQTT_BROKER_URL = "mqtt://h"\n'
)


def put(text, *, replace=False):
    """An edit with the usual entry."""
    return edited(CODEX, text, "mqtt", ENTRY, replace=replace)


@pytest.mark.parametrize("text", ["", "\n", "# mine\n", 'model = "o"', '[mcp_servers.a]\ncommand = "x" # keep\n\n'])
def test_the_tables_come_after_all_that_is_there(text):
    """Not one character before them changes."""
    edit = put(text)

    assert edit.outcome == "added"
    assert edit.text.startswith(text)
    assert edit.text.endswith(TABLES)
    assert tomllib.loads(edit.text)["mcp_servers"]["mqtt"] == ENTRY


def test_windows_line_ends_and_a_byte_order_mark_go_on():
    """No line of another kind gets in."""
    text = put('\ufeffmodel = "o"\r\n').text

    assert text.startswith('\ufeffmodel = "o"\r\n\r\n[mcp_servers.mqtt]\r\n')
    assert text.count("\r\n") == text.count("\n")


OLD = """\
# top
[mcp_servers . "mqtt"] # old
command = "old"
args = [
  "a", # one
]
text = '''
[mcp_servers.mqtt]
'''

# of the next
[mcp_servers.b]
command = "b"   # b

[mcp_servers.mqtt.env]
A = "1"

[tui]
theme = "x"
"""


def test_only_the_servers_own_tables_are_exchanged():
    """Comments that belong to what follows stay with it."""
    kept, fresh = put(OLD), put(OLD, replace=True)

    assert (kept.outcome, kept.text) == ("differs", OLD)
    assert fresh.outcome == "replaced"
    head, rest = OLD.split('[mcp_servers . "mqtt"]')
    tail = rest[rest.index("\n# of the next") :].replace('[mcp_servers.mqtt.env]\nA = "1"\n', "")
    assert fresh.text == head + TABLES + tail


def test_the_same_entry_is_nothing_to_do():
    """However it is written."""
    assert put(TABLES).outcome == "same"
    assert put('mcp_servers.mqtt = {command="/m", args=["-x", "a\\"b"], env={MQTT_BROKER_URL="mqtt://h"}}').outcome == (
        "same"
    )


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { a = { command = "x" } }\n',
        '[mcp_servers]\nmqtt = { command = "x" }\n',
        'mcp_servers.mqtt.command = "x"\n',
    ],
)
def test_what_cannot_be_edited_line_by_line_is_refused(text):
    """Nothing is guessed: a person puts the snippet in."""
    with pytest.raises(ToolError) as caught:
        put(text, replace=True)

    assert "by hand" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = \n", "line 1, column 5"),
        ('a = 1\n[b\nc = "secret"', "line 2, column 3"),
        ('a = "x', "line 1, column 7"),
        ('mcp_servers = "x"\n', "line 1, column 1"),
        ("a = " + "[" * 100_000, "line 1, column"),
    ],
)
def test_broken_toml_is_refused_with_line_and_column(text, place):
    """Without the line itself, which may hold a secret."""
    with pytest.raises(BrokenText) as caught:
        put(text)

    assert caught.value.message.startswith(place)
    assert "secret" not in caught.value.message
