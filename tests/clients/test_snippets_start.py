"""Every snippet starts the server: its command line is run, with stand-ins for the programs in between."""

import json
import os
import select
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mqtt_mcp.clients import launches
from mqtt_mcp.clients.document import ways
from mqtt_mcp.clients.render import entry, snippet, started
from mqtt_mcp.clients.table import CLIENTS

pytestmark = pytest.mark.process

BROKER = "mqtt://192.0.2.1"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
SERVER = f"""\
#!/bin/sh
echo "told: ${{MQTT_BROKER_URL:-}} $*" >&2
export MQTT_MCP_SOCKET=off HOME=/nonexistent
exec {sys.executable} -m mqtt_mcp "$@"
"""
STAND_INS = {
    "uvx": """\
[ "$1" = bitsperity-mqtt-mcp ] || exit 64
shift
exec "$HERE/mqtt-mcp" "$@"
""",
    # What sshd does: the words become one line for the user's shell, in the home folder, with none of our environment.
    "ssh": """\
OPTIONS="-T -o BatchMode=yes -o LogLevel=ERROR -o ServerAliveInterval=15 -o ServerAliveCountMax=3"
[ "$1 $2 $3 $4 $5 $6 $7 $8 $9" = "$OPTIONS" ] || exit 64
shift 9
case "$1" in you@server|umbrel@umbrel.local) ;; *) exit 65 ;; esac
shift
cd "$HERE/home"
exec env -i HERE="$HERE" PATH="$HERE/remote:/usr/bin:/bin" sh -c "$*"
""",
    # The one command that the sudoers rule allows.
    "remote/sudo": """\
[ "$*" = "-n docker exec -i bitsperity-mqtt-mcp_mcp-server_1 mqtt-mcp" ] || exit 66
exec "$HERE/mqtt-mcp"
""",
    "docker": f"""\
[ "$1 $2" = "exec -i" ] || [ "$1 $2 $3" = "run -i --rm" ] || exit 64
[ "$1" = exec ] && place=mqtt-mcp || place={launches.IMAGE}
[ "$1" = exec ] && shift 2 || shift 3
given=
while [ "$1" = -e ]; do given="$given $2"; shift 2; done
[ "$1" = "$place" ] || exit 65
shift
[ "$*" = mqtt-mcp ] || exit 66
exec env -i HERE="$HERE" $given "$HERE/mqtt-mcp"
""",
}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """A folder with the programs that the command lines name, and a home with an installation."""
    folder = tmp_path_factory.mktemp("stand-ins")
    scripts = {"mqtt-mcp": SERVER, "home/.local/bin/mqtt-mcp": SERVER, "home/my tools/mqtt-mcp": SERVER}
    scripts |= {name: f"#!/bin/sh\n{body}" for name, body in STAND_INS.items()}
    for name, text in scripts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder


def command_lines(folder: Path):
    """Words and environment of every client's snippet for every way, without repetitions, and what each has to tell."""
    found = {}
    given = [launches.ssh("you@server"), launches.ssh("you@server", "~/my tools/mqtt-mcp"), launches.container()]
    shown = [(launches.here(str(folder / "mqtt-mcp")) if way.name == "here" else way, told) for _, way, told in ways()]
    shown += [(way, {"MQTT_BROKER_URL": "any"}) for way in given]
    for client in CLIENTS:
        for launch, told in shown:
            settings = {"MQTT_BROKER_URL": BROKER} if told else {}
            text = snippet(client, "mqtt", entry(client, started(client, launch, settings)))
            servers = (tomllib.loads(text) if client.format == "toml" else json.loads(text))[client.key]
            words = [servers["mqtt"]["command"], *servers["mqtt"].get("args", [])]
            key = (tuple(words), tuple(servers["mqtt"].get("env", {}).items()))
            found[key] = BROKER if settings else ""
    return [(list(words), dict(environment), told) for (words, environment), told in found.items()]


def first_line(words, environment, folder):
    """What a command line answers to initialize, and what it says beside; it is ended then."""
    with subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        executable=None if "/" in words[0] else str(folder / words[0]),
        text=True,
        cwd=os.sep,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(INITIALIZE) + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 30)
            answer = process.stdout.readline() if ready else ""
        finally:
            os.killpg(process.pid, signal.SIGKILL)
        return answer, process.stderr.read()


def test_every_command_line_of_every_snippet_brings_up_a_server_that_answers(stand_ins):
    """A client sends initialize and waits; the settings in the snippet have to arrive (docs/clients.md)."""
    environment = {
        "PATH": f"{stand_ins}:/usr/bin:/bin",
        "HERE": str(stand_ins),
        "HOME": str(stand_ins / "home"),
    }
    different = command_lines(stand_ins)
    assert len(different) >= 10
    for words, extra, told in different:
        answer, beside = first_line(words, environment | extra, stand_ins)
        assert answer, (words, beside)
        assert json.loads(answer)["result"]["serverInfo"]["name"] == "mqtt-mcp", words
        assert beside.startswith("told: "), (words, beside)
        assert told in beside.splitlines()[0], (words, beside)
