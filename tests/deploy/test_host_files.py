"""The files for a plain Linux machine: a hardened unit, a sudoers rule that is the documented command, sane scripts."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mqtt_mcp.clients.launches import umbrel
from mqtt_mcp.commands.serve import HARD_EXIT_S
from mqtt_mcp.options import OPTIONS

DEPLOY = Path(__file__).parents[2] / "deploy"
UMBREL_COMMAND = " ".join(umbrel().head).partition("sudo -n ")[2]
SCRIPTS = ["install-systemd", "mqtt-mcp-window", "ssh/add-key", "umbrel-pre-start.sh"]


@pytest.fixture(scope="module")
def unit():
    """The unit's settings; a key that stands several times has all its values."""

    class Repeated(dict):  # type: ignore[type-arg]  # what configparser wants
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.RawConfigParser(dict_type=Repeated, strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / "mqtt-mcp.service").read_text())
    return {key: value.split("\n") for name in parser.sections() for key, value in parser[name].items()}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("User", "mqtt-mcp"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateUsers", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("RuntimeDirectoryMode", "0700"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2"),
    ],
)
def test_the_unit_gives_the_service_no_more_than_it_needs(unit, key, value):
    """What `systemd-analyze security` counts, and that a wrong configuration is not tried again and again."""
    assert unit[key] == [value]


def test_the_unit_bounds_memory_and_leaves_time_for_the_polite_end(unit):
    """`serve` needs 4.5 s at most after SIGTERM."""
    assert int(unit["TimeoutStopSec"][0]) > HARD_EXIT_S
    assert unit["MemoryMax"] == ["512M"]
    assert "KillSignal" not in unit


def test_the_variables_of_the_unit_exist_and_a_window_agrees_with_them(unit):
    """A window that asked for another configuration than the hub has would not join it."""
    given = dict(one.split("=", 1) for one in unit["Environment"])
    window = dict(re.findall(r"(MQTT_\w+)=(\S+)", (DEPLOY / "mqtt-mcp-window").read_text()))

    assert set(given) - {"MQTT_MCP_CONFIG", "MQTT_MCP_SOCKET"} <= {option.env for option in OPTIONS}
    assert window == {name: given[name] for name in ("MQTT_MCP_CONFIG", "MQTT_MCP_SOCKET")}
    assert given["MQTT_MCP_SOCKET"].startswith(f"/run/{unit['RuntimeDirectory'][0]}/")


def test_the_unit_holds_no_secret_and_takes_its_token_as_a_credential(unit):
    """Files of root, of which only the service sees a copy."""
    assert unit["LoadCredential"] == ["monitor.token:/etc/mqtt-mcp/monitor.token"]
    assert not [one for one in unit["Environment"] if re.search(r"PASSWORD=|TOKEN=", one)]


def test_the_hook_allows_exactly_the_documented_command():
    """sudo compares arguments literally."""
    (rule,) = re.findall(r"^rule='(.*)'$", (DEPLOY / "umbrel-pre-start.sh").read_text(), re.MULTILINE)

    assert rule == f"umbrel ALL=(root) NOPASSWD: /usr/bin/{UMBREL_COMMAND}"
    assert f"sudo -n {UMBREL_COMMAND}" in (DEPLOY / "README.md").read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_parses_stops_at_errors_and_is_executable(name):
    """Run as root: half a script is worse than none."""
    path = DEPLOY / name
    text = path.read_text()
    shell = "bash" if text.startswith("#!/usr/bin/env bash") else "sh"

    subprocess.run([shell, "-n", str(path)], check=True, timeout=20)
    assert path.stat().st_mode & 0o111
    assert re.search(r"^set -eu", text, re.MULTILINE) or "\nexec " in text


def test_what_the_readme_of_deploy_names_is_there():
    """Files of this folder, by their names in code marks."""
    named = set(re.findall(r"`deploy/([\w./-]+)`", (DEPLOY / "README.md").read_text()))

    assert {name for name in named if not (DEPLOY / name).exists()} == set()
    assert {*SCRIPTS, "mqtt-mcp.service", "mqtt-mcp.example.toml", "prove-ssh"} <= named


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ssh-keygen") is None, reason="add-key runs as root, and asks ssh-keygen"
)
@pytest.mark.parametrize("between", ["\n", "\r\n", "\r"])
def test_a_second_key_in_the_argument_is_refused_and_nothing_is_written(tmp_path, between):
    """The restriction stands in front of the first line only; a second one would be a key that may do everything."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True, timeout=20)
    key = (tmp_path / "key.pub").read_text().strip()
    folder = tmp_path / "ssh"
    environment = {**os.environ, "MQTT_MCP_SSH_FOLDER": str(folder)}
    command = [DEPLOY / "ssh" / "add-key"]

    refused = subprocess.run(
        [*command, key + between + key], env=environment, capture_output=True, timeout=20, check=False
    )
    assert refused.returncode == 2
    assert b"on one line" in refused.stderr
    assert not folder.exists()
    for _ in range(2):
        subprocess.run([*command, key], env=environment, check=True, timeout=20)
    (line,) = (folder / "authorized_keys").read_text().splitlines()
    assert line == f'restrict,command="/opt/mqtt-mcp/bin/mqtt-mcp-window" {key}'
