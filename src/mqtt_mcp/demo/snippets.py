"""The ``mcp.json`` snippets: how an MCP client starts this very installation, here or over SSH.

Owns their exact words. Computed from the running executable, so that what is printed works when pasted. Writes no file.
"""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path

SSH_OPTIONS = (
    "-T",
    "-o",
    "BatchMode=yes",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "ServerAliveCountMax=3",
)
"""No terminal, no questions, no banner on the wire, and an end within a minute when the network has gone."""


def server_command() -> list[str]:
    """The command line that starts this installation's server, with absolute paths."""
    script = shutil.which("mqtt-mcp", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "mqtt_mcp"]


def install_command() -> str:
    """The shell command that adds the embedded broker to this installation, in the version it was tested with."""
    requirements = requires("bitsperity-mqtt-mcp") or []
    amqtt = next((one.partition(";")[0].strip() for one in requirements if one.startswith("amqtt")), "amqtt")
    return shlex.join([sys.executable, "-m", "pip", "install", amqtt])


def local_snippet(environment: Mapping[str, str]) -> str:
    """For ``~/.cursor/mcp.json`` or ``.cursor/mcp.json``: start the server on this machine.

    Args:
        environment: Its settings, without credentials: the broker to use when the assistant names none, or the socket
            of a hub to join.
    """
    command, *arguments = server_command()
    server: dict[str, object] = {"command": command}
    if arguments:
        server["args"] = arguments
    server["env"] = dict(environment)
    return _mcp_json(server)


def ssh_snippet(host: str = "you@your-server", command: str = "/home/you/mqtt-mcp/bin/mqtt-mcp") -> str:
    """For the same file: reach a server that is installed on another machine.

    Args:
        host: What ``ssh`` connects to.
        command: The path of ``mqtt-mcp`` there.
    """
    return _mcp_json({"command": "ssh", "args": [*SSH_OPTIONS, host, command]})


def _mcp_json(server: dict[str, object]) -> str:
    """The client's configuration, one line for each server property so that it can be read and edited."""
    properties = ",\n".join(f"      {json.dumps(name)}: {json.dumps(value)}" for name, value in server.items())
    return f'{{\n  "mcpServers": {{\n    "mqtt": {{\n{properties}\n    }}\n  }}\n}}'
