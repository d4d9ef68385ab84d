"""`mqtt-mcp setup` in a home of its own: what it prints, what it writes, and what it leaves alone."""

import contextlib
import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from mqtt_mcp.__main__ import main
from mqtt_mcp.clients import files
from mqtt_mcp.clients.launches import IMAGE, REMOTE_PATH, SSH_OPTIONS, server_command
from mqtt_mcp.clients.shown import shown
from mqtt_mcp.clients.table import CLIENTS, client_named

WRITABLE = [client.name for client in CLIENTS if client.file]


class Setup:
    """The command, run in this process."""

    def __init__(self, capsys) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, line: str) -> int:
        status = main(["setup", *line.split()])
        self.out, self.err = self._capsys.readouterr()
        return status


@pytest.fixture
def setup(tmp_path, monkeypatch, capsys):
    """In an empty home and an empty project; the person's own are never touched."""
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_CLI_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    return Setup(capsys)


@pytest.fixture
def cursor(tmp_path):
    """Cursor's file, in its folder."""
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    return path


def entry_in(path, name="mqtt"):
    """What a client's file holds under a name."""
    text = path.read_text("utf-8")
    value = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    return next(iter(value.values()))[name]


def backups(path):
    """The backups of a file."""
    return sorted(path.parent.glob(f"{path.name}.backup-*"))


def everything(folder):
    """All files below a folder with their content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_a_client_all_are_listed_with_their_files(setup, tmp_path):
    """The first thing a person types."""
    assert setup("") == 0
    for client in CLIENTS:
        assert f"  {client.name}" in setup.out
    assert f"{tmp_path}/.codex/config.toml" in setup.out
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", [client.name for client in CLIENTS])
def test_a_client_is_told_what_where_and_what_then(name, setup, tmp_path):
    """Snippet, file, command and link where there is one, next step; nothing is written."""
    client = client_named(name)

    assert setup(f"{name} --broker mqtt://192.168.1.10:1883") == 0
    assert server_command()[0] in setup.out
    assert "mqtt://192.168.1.10" in setup.out
    assert ":1883" not in setup.out.split("Or let mqtt-mcp")[0]
    assert client.next_step in setup.out
    assert ("--write" in setup.out) == bool(client.file)
    assert ("cursor://" in setup.out) == (name == "cursor")
    assert ("vscode:mcp/install?" in setup.out) == (name == "vscode")
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", WRITABLE)
def test_write_makes_folder_and_file_for_their_owner_only(name, setup, tmp_path):
    """A client's first server."""
    assert setup(f"{name} --write") == 0
    (path,) = everything(tmp_path)
    assert str(path) in setup.out
    assert entry_in(path)["command"] == server_command()[0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert setup(f"{name} --write") == 0
    assert "nothing to do" in setup.out
    assert list(everything(tmp_path)) == [path]


@pytest.mark.parametrize("name", [client.name for client in CLIENTS if client.project_file])
def test_project_writes_into_this_folder(name, setup, tmp_path):
    """For a team: everybody may read it."""
    assert setup(f"{name} --write --project --name broker") == 0
    (path,) = everything(tmp_path)
    assert path == tmp_path / "project" / client_named(name).project_file
    assert entry_in(path, "broker")["command"] == server_command()[0]
    assert path.stat().st_mode & stat.S_IRUSR


def test_a_backup_is_made_first_with_the_same_mode(setup, cursor):
    """The way back."""
    cursor.write_bytes(b'\xef\xbb\xbf{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n')
    cursor.chmod(0o640)
    before = cursor.read_bytes()

    assert setup("cursor --write") == 0
    (backup,) = backups(cursor)
    assert str(backup) in setup.out
    assert backup.read_bytes() == before
    assert stat.S_IMODE(backup.stat().st_mode) == stat.S_IMODE(cursor.stat().st_mode) == 0o640
    assert cursor.read_bytes().startswith(b'\xef\xbb\xbf{\r\n  "mcpServers": {\r\n    "a": {},\r\n    "mqtt"')
    assert sorted(cursor.parent.iterdir()) == sorted([cursor, backup]), "no temporary file is left"


def test_the_owner_stays(setup, cursor):
    """Somebody may run it with sudo."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: only root can give a file away")
    cursor.write_text("{}")
    os.chown(cursor, 12345, 23456)

    assert setup("cursor --write") == 0
    for path in (cursor, *backups(cursor)):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_symbolic_link_stays_one(setup, cursor, tmp_path):
    """People keep these files in a repository of their own."""
    real = tmp_path / "dotfiles" / "cursor.json"
    real.parent.mkdir()
    real.write_text("{}")
    cursor.symlink_to(real)

    assert setup("cursor --write") == 0
    assert cursor.is_symlink()
    assert entry_in(real)["command"] == server_command()[0]
    assert len(backups(real)) == 1


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b'{"mcpServers": {', 0o644, "line 1, column 17"),
        (b'{"a": "\xff"}', 0o644, "not UTF-8"),
        (b"[]", 0o644, "must hold an object"),
        (b"{}", 0o444, "read-only"),
    ],
)
def test_what_cannot_be_edited_is_left_alone_and_the_snippet_printed(content, mode, told, setup, cursor):
    """One line says why, with the file; status 1."""
    cursor.write_bytes(content)
    cursor.chmod(mode)

    assert setup("cursor --write") == 1
    assert setup.err.startswith(f"mqtt-mcp: {cursor}: ")
    assert told in setup.err
    assert setup.err.count("\n") == 1
    assert '"mcpServers"' in setup.out
    assert everything(cursor.parent) == {cursor: content}


def test_a_folder_in_place_of_the_file_is_an_error_in_one_line(setup, cursor):
    """As is everything the system refuses."""
    cursor.mkdir()

    assert setup("cursor --write") == 1
    assert setup.err.count("\n") == 1
    assert str(cursor) in setup.err


def test_a_file_that_changes_meanwhile_is_not_overwritten(cursor, monkeypatch):
    """Clients write their files too."""
    cursor.write_text("{}")
    present = files.read(cursor)
    cursor.write_text('{"newer": 1}')

    with pytest.raises(Exception, match="changed in the meantime"):
        files.replace(present, b"ours", private=True)
    assert everything(cursor.parent) == {cursor: b'{"newer": 1}'}


def test_a_failing_disk_leaves_the_old_file(setup, cursor, monkeypatch):
    """All of it or nothing."""
    cursor.write_text("{}")

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)

    assert setup("cursor --write") == 1
    assert "No space left" in setup.err
    assert everything(cursor.parent) == {cursor: b"{}"}


def test_an_interruption_right_after_the_change_leaves_the_backup(setup, cursor, monkeypatch):
    """It is the only copy of what was there."""
    cursor.write_text("{}")
    replace = Path.replace

    def interrupted(self, target):
        replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with contextlib.suppress(KeyboardInterrupt):
        setup("cursor --write")

    (backup,) = backups(cursor)
    assert backup.read_text() == "{}"
    assert "mqtt" in cursor.read_text()


def test_no_room_for_the_new_file_leaves_no_backup(setup, cursor, monkeypatch):
    """Nothing was changed, so nothing is left."""
    cursor.write_text("{}")

    def no_space(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", no_space)

    assert setup("cursor --write") == 1
    assert everything(cursor.parent) == {cursor: b"{}"}


def test_on_windows_the_snippet_is_shown_and_no_file_edited(setup, monkeypatch):
    """Owner, mode and the way a file is replaced are others there."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("USERPROFILE", "C:\\Users\\you")

    assert setup("cursor") == 0
    assert setup("cursor --write") == 1
    assert "Put the snippet in by hand" in setup.err


def test_another_server_of_the_name_is_shown_without_its_secrets_and_replaced_when_told(setup, cursor):
    """It may be somebody's only copy of something."""
    old = {"command": "old", "args": ["--token", "s3cret1"], "env": {"MQTT_PASSWORD": "s3cret2"}}
    cursor.write_text(json.dumps({"mcpServers": {"mqtt": old}}))

    assert setup("cursor --write") == 1
    assert '"command": "old"' in setup.err
    assert "s3cret" not in setup.out + setup.err
    assert "--replace" in setup.err
    assert backups(cursor) == []
    assert setup("cursor --write --replace") == 0
    assert "s3cret" not in setup.out + setup.err
    assert entry_in(cursor) == {"command": server_command()[0]}
    assert entry_in(backups(cursor)[0]) == old


@pytest.mark.parametrize(
    "value",
    [
        {"env": {"ANY": "s3cret", "MQTT_BROKER_URL": "mqtt://me:s3cret@h"}},
        {"args": ["-e", "MQTT_PASSWORD=s3cret", "--password", "s3cret", "mqtt://me:s3cret@h", "--api-key=s3cret"]},
        {"url": "https://x:s3cret@h/", "headers": {"Authorization": "Bearer s3cret"}},
        {"apiKey": "s3cret", "nested": {"auth": ["s3cret"]}},
        {"command": "npx", "args": ["mcp-remote", "https://x/s3cret", "--header", "Authorization: Bearer s3cret"]},
        {"url": "https://x/mcp?token=s3cret#s3cret"},
        {"command": "mqtt-mcp --password s3cret"},
        {"command": "x", "args": ["-u", "joe", "-P", "s3cret", "-Ps3cret", "--pwd", "s3cret", "-c", "exec x s3cret"]},
        {"http_headers": {"X-Foo": "s3cret"}, "bearer": "s3cret", "env": ["FOO=s3cret"]},
        {"args": "s3cret", "env": "s3cret", "url": "s3cret"},
        ["s3cret"],
        ["s3cret-not-but-this:", "//a:s3cret@h"][1],
    ],
)
def test_what_is_shown_of_an_entry_holds_no_secret(value):
    """Variables, headers, words and addresses (SECURITY.md)."""
    assert "s3cret" not in shown(value)
    assert shown(value).isascii()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--uvx", ["uvx", "bitsperity-mqtt-mcp"]),
        ("--ssh you@server", ["ssh", *SSH_OPTIONS, "you@server", REMOTE_PATH]),
        ("--ssh h --path /opt/m --read-only", ["ssh", *SSH_OPTIONS, "h", "/opt/m", "--read-only"]),
        ("--ssh h --path $HOME/bin/m", ["ssh", *SSH_OPTIONS, "h", "bin/m"]),
        ("--container c --profile home", ["docker", "exec", "-i", "-e", "MQTT_MCP_PROFILE=home", "c", "mqtt-mcp"]),
        ("--image", ["docker", "run", "-i", "--rm", IMAGE, "mqtt-mcp"]),
    ],
)
def test_the_ways_to_start_are_options(line, words, setup, tmp_path):
    """docs/clients.md."""
    assert setup(f"cursor {line} --write") == 0
    found = entry_in(tmp_path / ".cursor" / "mcp.json")
    assert [found["command"], *found["args"]] == words


def test_the_umbrels_name_may_be_left_away_before_the_client(setup):
    """`--umbrel cursor` is no Umbrel called cursor."""
    assert setup("--umbrel cursor") == 0
    assert "umbrel@umbrel.local" in setup.out
    assert setup("cursor --umbrel 10.0.0.5") == 0
    assert "umbrel@10.0.0.5" in setup.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("emacs", "known are cursor"),
        ("cursor --broker mqtt://me:s3cret@host", "mqtt-mcp.toml"),
        ("cursor --broker me:s3cret@host", "mqtt-mcp.toml"),
        ("cursor --broker http://host", "mqtt"),
        ("cursor --broker mqtt://h --profile p", "not allowed with"),
        ("cursor --profile ${HOME}", "no name of a profile"),
        ("cursor --ssh -oProxyCommand=x", "expected one argument"),
        ("cursor --ssh=-oProxyCommand=x", "is not an SSH host"),
        ("cursor --ssh you:s3cret@server", "takes no password"),
        ("cursor --ssh you:s3cret!@server", "takes no password"),
        ("cursor --ssh ssh://you:s3cret@server:22", "takes no password"),
        ("cursor --umbrel you:s3cret@umbrel.local", "takes no password"),
        ("cursor --ssh a --path ~bob/m", "is no path"),
        ("cursor --ssh a --path $X/m", "is no path"),
        ("cursor --ssh a --uvx", "not allowed with"),
        ("cursor --umbrel --broker mqtt://h", "only this exact command"),
        ("cursor --path /x", "--path needs --ssh"),
        ("cursor --replace", "--replace needs --write"),
        ("cursor --name a.b", "letters, digits"),
        ("mqttx --write", "paste"),
        ("windsurf --project", "no configuration for a project"),
        ("cursor --password s3cret", "unrecognized arguments: --password"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(line, told, setup, tmp_path):
    """Nothing is written, and no password repeated."""
    assert setup(line) == 2
    assert told in setup.err
    assert setup.err.count("\n") == 1
    assert "s3cret" not in setup.out + setup.err
    assert setup.out == ""
    assert everything(tmp_path) == {}


def test_variables_that_the_client_may_not_hand_on_are_named_without_their_values(setup, monkeypatch):
    """A client may clear the environment, and a gate set there would be gone."""
    monkeypatch.setenv("MQTT_MCP_READ_ONLY", "1")
    monkeypatch.setenv("MQTT_PASSWORD", "s3cret")

    assert setup("codex") == 0
    assert "This shell sets MQTT_MCP_READ_ONLY, " in setup.out
    assert "s3cret" not in setup.out
    assert "env_vars" in setup.out
    assert setup("codex --ssh you@server") == 0
    assert "This shell sets" not in setup.out


def test_localhost_elsewhere_is_pointed_out(setup):
    """In a container it is the container."""
    setup("cursor --image --broker mqtt://localhost")
    assert "Mind that mqtt://localhost" in setup.out
    setup("cursor --broker mqtt://localhost")
    assert "Mind" not in setup.out


def test_the_command_that_is_offered_does_what_was_printed(setup, tmp_path):
    """It can be pasted."""
    setup("vscode --ssh you@server --broker mqtts://h:8884 --read-only --name home")
    line = next(line for line in setup.out.splitlines() if line.endswith("--write"))

    assert setup(line.strip().removeprefix("mqtt-mcp setup ")) == 0
    found = entry_in(tmp_path / ".config" / "Code" / "User" / "mcp.json", "home")
    assert found["args"][-5:] == ["you@server", REMOTE_PATH, "--broker", "mqtts://h:8884", "--read-only"]
    assert found["type"] == "stdio"


def test_the_main_help_names_the_command(capsys):
    """And a start without it does not load it."""
    assert main(["--help"]) == 0
    assert "setup [CLIENT]" in capsys.readouterr().out
    assert Path(server_command()[0]).is_absolute()
