"""Where the socket is, who is trusted, and when a window asks for something else than the hub: plain functions."""

import os
from pathlib import Path

import pytest

from mqtt_mcp import options
from mqtt_mcp.commands.serve import environment_note
from mqtt_mcp.wire import socket_path


def test_ourselves_and_root_are_trusted():
    """Nobody else."""
    assert socket_path.is_trusted(os.geteuid())
    assert socket_path.is_trusted(0)
    assert not socket_path.is_trusted(4242)


# -- settings of its own -----------------------------------------------------------------------------------------------

HUB = {"MQTT_BROKER_URL": "mqtt://a", "MQTT_PASSWORD": "s3cret", "MQTT_MCP_READ_ONLY": "1", "MQTT_MCP_ODD": "x"}


@pytest.mark.parametrize(
    ("window_env", "names"),
    [
        ({}, []),
        ({"HOME": "/x"}, []),
        (HUB, []),
        ({"MQTT_BROKER_URL": "mqtt://a"}, []),
        ({"MQTT_BROKER_URL": "mqtt://b"}, ["MQTT_BROKER_URL"]),
        ({"MQTT_BROKER_URL": ""}, []),
        ({"MQTT_USERNAME": "me"}, ["MQTT_USERNAME"]),
        ({"MQTT_MCP_READ_ONLY": "0", "MQTT_CA_FILE": "x"}, ["MQTT_CA_FILE", "MQTT_MCP_READ_ONLY"]),
        ({"MQTT_MCP_OF_A_NEWER_VERSION": "1"}, ["MQTT_MCP_OF_A_NEWER_VERSION"]),
        ({"MQTT_OF_ANOTHER_PROGRAM": "1"}, []),
        ({"MQTT_MCP_AUDIT": "/x", "MQTT_MCP_MONITOR_PORT": "1", "MQTT_MCP_SOCKET": "/y"}, []),
    ],
)
def test_a_window_asks_for_something_else_when_a_variable_of_its_own_differs(monkeypatch, window_env, names):
    """Never silently: MQTT_MCP_READ_ONLY in a client's settings is a promise."""
    for name in [name for name in os.environ if name.startswith("MQTT_")]:
        monkeypatch.delenv(name)
    for name, value in HUB.items():
        monkeypatch.setenv(name, value)
    note = environment_note({})
    assert socket_path.contradictions(note, window_env) == names
    assert "s3cret" not in note
    assert socket_path.noted_pid(note) == os.getpid()


@pytest.mark.parametrize("flags", [{"url": "mqtt://b"}, {"read_only": "true", "password_file": "x", "config": "y"}])
def test_what_a_flag_of_the_hub_outranks_is_not_taken_for_the_hubs(monkeypatch, flags):
    """``serve --broker B`` does not serve the broker of its environment."""
    env = {"MQTT_BROKER_URL": "mqtt://a", "MQTT_USERNAME": "u", "MQTT_MCP_READ_ONLY": "1", "MQTT_MCP_CONFIG": "/c"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    outranked = ["MQTT_BROKER_URL", "MQTT_USERNAME"] if "url" in flags else ["MQTT_MCP_CONFIG", "MQTT_MCP_READ_ONLY"]
    assert socket_path.contradictions(environment_note(flags), env) == outranked


@pytest.mark.parametrize("note", ["", "rubbish", "12 salt\n", "\0\n\0\n"])
def test_a_hub_that_left_no_note_is_taken_for_different(note):
    """Nothing may be taken for granted."""
    assert socket_path.contradictions(note, {"MQTT_BROKER_URL": "a", "MQTT_MCP_SOCKET": "b"}) == ["MQTT_BROKER_URL"]
    assert socket_path.contradictions(note, {"MQTT_MCP_SOCKET": "b"}) == []


def test_every_setting_of_the_environment_is_in_the_note():
    """A new option takes part by itself."""
    noted = {line.split()[0] for line in environment_note({}).splitlines()[1:]}
    assert {option.env for option in options.OPTIONS if option.env} | {options.CONFIG_FILE_ENV} <= noted


# -- where the socket is -----------------------------------------------------------------------------------------------


def test_the_socket_is_in_the_runtime_folder_of_this_user_and_else_in_the_temporary_one(monkeypatch, tmp_path):
    """A folder that does not exist or is another user's is not used."""
    monkeypatch.delenv("MQTT_MCP_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert socket_path.socket_path("") == f"{tmp_path}/mqtt-mcp/hub.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    monkeypatch.setenv("TMPDIR", "/some/tmp")
    monkeypatch.setattr(os, "getuid", lambda: 424242)
    assert socket_path.socket_path("") == "/some/tmp/mqtt-mcp-424242/hub.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert socket_path.socket_path("") == "/some/tmp/mqtt-mcp-424242/hub.sock"


def test_a_flag_outranks_the_variable_and_off_switches_both_off(monkeypatch):
    """The names are those of the table of options."""
    monkeypatch.setenv(options.SOCKET_ENV, "off")
    assert socket_path.socket_path("") == ""
    assert socket_path.socket_path("/a/b") == "/a/b"
    monkeypatch.setenv(options.SOCKET_ENV, "/c/d")
    assert socket_path.socket_path("") == "/c/d"
    assert socket_path.socket_path("off") == ""
    assert socket_path.socket_path("e") == str(Path.cwd() / "e")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("", [])),
        (["--socket", "a"], ("a", [])),
        (["--socket=a", "--socket", "b"], ("b", [])),
        (["--read-only", "--socket", "a", "--x"], ("a", ["--read-only", "--x"])),
        (["--socket"], ("", ["--socket"])),
    ],
)
def test_the_socket_flag_is_taken_out_of_a_command_line(arguments, expected):
    """What is left are settings of the window's own."""
    assert socket_path.split_socket_flag(arguments) == expected
    assert options.SOCKET_FLAG == "--socket"
