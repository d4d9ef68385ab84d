"""The ways to start the server: here, from the package index, over SSH, on an Umbrel, in a container.

Owns the exact command lines and how settings get through each of them. Credentials never do: they belong into the
configuration file or a password file where the server runs. Starts nothing.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mqtt_mcp import __version__
from mqtt_mcp.errors import ErrorKind, ToolError

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

FLAGS = {
    # setting: the flag that says the same
    "MQTT_BROKER_URL": "--broker",
    "MQTT_MCP_PROFILE": "--profile",
    "MQTT_MCP_READ_ONLY": "--read-only",
    "MQTT_MCP_SOCKET": "--socket",
}
"""The settings that may stand in a client's configuration: none of them is a secret."""

SWITCHES = frozenset({"MQTT_MCP_READ_ONLY"})
"""Those whose flag takes no value."""

DISTRIBUTION = "bitsperity-mqtt-mcp"
IMAGE = f"ghcr.io/bitsperity/mqtt-mcp:{__version__}"
CONTAINER = "mqtt-mcp"
UMBREL = "umbrel@umbrel.local"
UMBREL_CONTAINER = "bitsperity-mqtt-mcp_mcp-server_1"
REMOTE_PATH = ".local/bin/mqtt-mcp"
"""Where ``uv tool install`` and ``pipx`` put it, seen from the home folder, in which a command over SSH starts."""

_CONFIG = "~/.config/mqtt-mcp/mqtt-mcp.toml"
_HOST = re.compile(r"(ssh://)?[A-Za-z0-9_][\w.@:%\[\]-]*", re.ASCII)
_CONTAINER_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_IMAGE_NAME = re.compile(r"[A-Za-z0-9][\w./:@-]*", re.ASCII)
_PASSING_FOLDERS = re.compile(r"(archive|environments|builds)-v\d+")


@dataclass(frozen=True, kw_only=True)
class Start:
    """One command line with its environment.

    Attributes:
        words: The program and its arguments.
        environment: Variables to add.
    """

    words: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One way to start the server.

    Attributes:
        name: For programs.
        title: For people, continuing "mqtt-mcp …".
        head: The words before the settings.
        tail: The words after them.
        settings_as: How settings get there: in the ``environment``, as ``flags`` at the end, as ``container``
            variables (``-e NAME=VALUE``), or not at all (``nothing``).
        credentials: Where a user name and a password belong.
    """

    name: str
    title: str
    head: tuple[str, ...]
    tail: tuple[str, ...] = ()
    settings_as: Literal["environment", "flags", "container", "nothing"] = "environment"
    credentials: str = _CONFIG

    @property
    def is_elsewhere(self) -> bool:
        """Whether ``localhost`` means another machine, or a container, than the one the client runs on."""
        return self.name not in ("here", "uvx")

    def start(self, settings: Mapping[str, str], *, keeps_environment: bool = True) -> Start:
        """The command line with these settings.

        Args:
            settings: Values by variable, of those in ``FLAGS``.
            keeps_environment: False when the client's ``env`` replaces the environment: flags are taken then.

        Raises:
            ToolError: ``bad_argument``; settings cannot get there.
        """
        if not settings:
            return Start(words=self.head + self.tail, environment={})
        if self.settings_as == "nothing":
            raise ToolError(
                ErrorKind.BAD_ARGUMENT,
                f"mqtt-mcp {self.title} takes no settings from a client, because only this exact command is allowed.",
                f"Put them into {self.credentials}.",
            )
        if self.settings_as == "container":
            given = tuple(word for name, value in settings.items() for word in ("-e", f"{name}={value}"))
            return Start(words=self.head + given + self.tail, environment={})
        if self.settings_as == "environment" and keeps_environment:
            return Start(words=self.head + self.tail, environment=dict(settings))
        flags = [word for name, value in settings.items() for word in _flag(name, value)]
        if self.name == "ssh":  # the shell there reads them once more
            flags = [shlex.quote(word) for word in flags]
        return Start(words=self.head + self.tail + tuple(flags), environment={})


def server_command() -> list[str]:
    """The command line that starts this installation's server, with absolute paths."""
    script = shutil.which("mqtt-mcp", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "mqtt_mcp"]


def is_passing(prefix: str) -> bool:
    """Whether an installation is one that uvx made for this run and may throw away.

    Args:
        prefix: Its ``sys.prefix``.
    """
    return any(_PASSING_FOLDERS.fullmatch(part) for part in Path(prefix).parts)


def here(*command: str) -> Launch:
    """This installation, or the one whose command line is given."""
    return Launch(name="here", title="on this machine", head=command or tuple(server_command()))


def uvx() -> Launch:
    """From the package index, by uv; also the first time."""
    return Launch(name="uvx", title="by uvx", head=("uvx", DISTRIBUTION))


def ssh(host: str, path: str = REMOTE_PATH) -> Launch:
    """Installed on another machine.

    Args:
        host: What ``ssh`` connects to: ``you@server``, ``ssh://you@server:2222`` or a name of ``~/.ssh/config``.
        path: Of ``mqtt-mcp`` there; relative to the home folder.

    Raises:
        ToolError: ``bad_argument``; it is no host, or no path.
    """
    _check_ssh_host(host, "you@server")
    path = path.removeprefix("~/").removeprefix("$HOME/")
    # What else the shell there would put in place of a word is quoted, and would never be found.
    if not path or path.startswith(("-", "~")) or "$" in path or not path.isprintable():
        raise ToolError(ErrorKind.BAD_ARGUMENT, f"{ascii(path)[:80]} is no path of mqtt-mcp on {host}.")
    return Launch(
        name="ssh",
        title=f"on {host} over SSH",
        head=("ssh", *SSH_OPTIONS, host, shlex.quote(path)),
        settings_as="flags",
        credentials=f"{_CONFIG} on {host}",
    )


def umbrel(host: str = UMBREL) -> Launch:
    """The app on an Umbrel, over SSH.

    Args:
        host: The Umbrel; its user is ``umbrel`` unless it says another.

    Raises:
        ToolError: ``bad_argument``; it is no host.
    """
    _check_ssh_host(host, UMBREL)
    if "@" not in host:
        host = f"umbrel@{host}"
    command = ("sudo", "-n", "docker", "exec", "-i", UMBREL_CONTAINER, "mqtt-mcp")
    return Launch(
        name="umbrel",
        title=f"on the Umbrel {host}",
        head=("ssh", *SSH_OPTIONS, host, *command),
        settings_as="nothing",
        credentials="the app's data/mqtt-mcp/mqtt-mcp.toml on the Umbrel",
    )


def container(name: str = CONTAINER) -> Launch:
    """A window of a container that runs.

    Raises:
        ToolError: ``bad_argument``; it is no name of a container.
    """
    _check(_CONTAINER_NAME, name, "a container's name", CONTAINER)
    return Launch(
        name="container",
        title=f"in the container {name}",
        head=("docker", "exec", "-i"),
        tail=(name, "mqtt-mcp"),
        settings_as="container",
        credentials="/data/mqtt-mcp/mqtt-mcp.toml of the container",
    )


def image(reference: str = IMAGE) -> Launch:
    """A container of its own for each window.

    Raises:
        ToolError: ``bad_argument``; it is no reference of an image.
    """
    _check(_IMAGE_NAME, reference, "an image", IMAGE)
    return Launch(
        name="image",
        title="in a container of its own",
        head=("docker", "run", "-i", "--rm"),
        tail=(reference, "mqtt-mcp"),
        settings_as="container",
        credentials="a mqtt-mcp.toml that you mount at /data/mqtt-mcp/mqtt-mcp.toml, "
        "or a password file that you mount and name in MQTT_PASSWORD_FILE",
    )


def _flag(name: str, value: str) -> tuple[str, ...]:
    return (FLAGS[name],) if name in SWITCHES else (FLAGS[name], value)


def _check_ssh_host(host: str, example: str) -> None:
    user = host.removeprefix("ssh://").rpartition("@")[0]
    if ":" in user:
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            "An SSH host takes no password: many programs read a client's configuration, and ssh ignores it.",
            "Make a key: ssh-keygen, ssh-copy-id.",
        )
    _check(_HOST, host, "an SSH host", example)


def _check(pattern: re.Pattern[str], value: str, what: str, example: str) -> None:
    if not pattern.fullmatch(value):
        raise ToolError(ErrorKind.BAD_ARGUMENT, f"{ascii(value)[:80]} is not {what};", f"write it like {example}.")
