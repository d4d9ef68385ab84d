"""``mqtt-mcp setup [CLIENT]``: tells a person how to put this server into an MCP client, or does it.

Owns the command line and the exit status: 0 done, 1 the client's configuration could not be changed, 2 wrong usage.
What is printed is in ``_setup_report.py``; what goes into the client in ``clients/``.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mqtt_mcp.clients import files, launches
from mqtt_mcp.clients.edit import Edit, edited
from mqtt_mcp.clients.places import config_path
from mqtt_mcp.clients.render import entry, started
from mqtt_mcp.clients.shown import shown
from mqtt_mcp.clients.table import CLIENTS, Client, client_named
from mqtt_mcp.commands._arguments import USAGE_STATUS, fail
from mqtt_mcp.commands._setup_report import Plan, all_clients, instructions, written
from mqtt_mcp.config_flags import FlagParser
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import DEFAULT_PORT, DEFAULT_TLS_PORT, parse_broker_url

FAILED_STATUS = 1
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""Clients put it before the names of tools, and some refuse long or odd ones."""

EXAMPLES = """\
examples:
  mqtt-mcp setup                                             the clients it knows
  mqtt-mcp setup cursor --broker mqtt://192.168.1.10         what to put where
  mqtt-mcp setup vscode --write                              put it there, after a backup
  mqtt-mcp setup claude-code --ssh you@server --write        the server runs on another machine
  mqtt-mcp setup codex --umbrel                              … on the Umbrel in this network
  mqtt-mcp setup gemini --container mqtt-mcp                 … in a container that runs
Exit status: 0 done, 1 the client's configuration was not changed, 2 wrong usage.
"""


def run(arguments: Sequence[str]) -> int:
    """Print the instructions, or edit the configuration. Returns the exit status."""
    try:
        chosen = _parser().parse_args(list(arguments))
        _take_client_back(chosen)
        if chosen.client is None:
            sys.stdout.write(all_clients(dict(os.environ), sys.platform))
            return 0
        plan = _plan(chosen)
    except ToolError as error:  # ConfigError of the parser is one
        fail(f"{error.message} {error.hint}".strip())
        return USAGE_STATUS
    except SystemExit as stop:  # argparse printed --help
        return int(stop.code or 0)
    if not chosen.write:
        sys.stdout.write(instructions(plan))
        return 0
    return _write(plan, replace=chosen.replace)


def _parser() -> FlagParser:
    parser = FlagParser(
        prog="mqtt-mcp setup",
        description="Put this server into an MCP client: print what belongs where, or write it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    names = ", ".join(client.name for client in CLIENTS)
    parser.add_argument("client", nargs="?", metavar="CLIENT", help=f"one of {names}; without it they are listed")
    where = parser.add_argument_group("how the client starts the server (default: this installation)")
    ways = where.add_mutually_exclusive_group()
    ways.add_argument("--uvx", action="store_true", help="by uvx, from the package index")
    ways.add_argument("--ssh", metavar="HOST", help="on another machine, over SSH")
    ways.add_argument(
        "--umbrel", nargs="?", const=launches.UMBREL, metavar="HOST", help=f"the Umbrel app ({launches.UMBREL})"
    )
    ways.add_argument("--container", metavar="NAME", help="in a container that runs")
    ways.add_argument(
        "--image", nargs="?", const=launches.IMAGE, metavar="IMAGE", help="in a container of its own for each window"
    )
    where.add_argument(
        "--path", metavar="FILE", help=f"with --ssh: mqtt-mcp on that machine ({launches.REMOTE_PATH}, from its home)"
    )
    what = parser.add_argument_group("what the server is told; a hub that runs is shared only when it is told nothing")
    broker = what.add_mutually_exclusive_group()
    broker.add_argument("--broker", metavar="URL", help="mqtt://host or mqtts://host, without a password")
    broker.add_argument("--profile", metavar="NAME", help="a broker of mqtt-mcp.toml where the server runs")
    what.add_argument("--read-only", action="store_true", help="nothing can be published")
    into = parser.add_argument_group("the client's configuration")
    into.add_argument("--name", default="mqtt", metavar="NAME", help="the server's name in the client (mqtt)")
    into.add_argument("--project", action="store_true", help="for the project in this folder, not for the user")
    into.add_argument("--write", action="store_true", help="edit the file, after a backup")
    into.add_argument("--replace", action="store_true", help="with --write: replace another entry of the same name")
    return parser


def _take_client_back(chosen: argparse.Namespace) -> None:
    """``setup --umbrel cursor`` means the client, not a host of that name."""
    for flag, default in (("umbrel", launches.UMBREL), ("image", launches.IMAGE)):
        value = getattr(chosen, flag)
        if chosen.client is None and any(client.name == value for client in CLIENTS):
            chosen.client = value
            setattr(chosen, flag, default)


def _plan(chosen: argparse.Namespace) -> Plan:
    """What was asked for.

    Raises:
        ToolError: It cannot be.
    """
    client = client_named(chosen.client)
    if not _NAME.fullmatch(chosen.name):
        raise _wrong(f"--name {ascii(chosen.name)[:60]} must be 1 to 32 letters, digits, - or _.")
    if chosen.replace and not chosen.write:
        raise _wrong("--replace needs --write.")
    if chosen.path is not None and chosen.ssh is None:
        raise _wrong("--path needs --ssh.")
    if chosen.write and not client.file:
        raise _wrong(f"{client.title} has no file that can be written; leave --write away and paste what is printed.")
    if chosen.project and not client.project_file:
        raise _wrong(f"{client.title} has no configuration for a project; leave --project away.")
    launch = _launch(chosen)
    settings = _settings(chosen)
    start = started(client, launch, settings)
    path = None
    if client.file:
        path = Path.cwd() / client.project_file if chosen.project else _user_file(client)
    return Plan(
        client=client,
        launch=launch,
        start=start,
        entry=entry(client, start),
        name=chosen.name,
        path=path,
        project=chosen.project,
        settings=settings,
        again=["mqtt-mcp", "setup", *_words_again(chosen)],
    )


def _launch(chosen: argparse.Namespace) -> launches.Launch:
    if chosen.ssh is not None:
        return launches.ssh(chosen.ssh, launches.REMOTE_PATH if chosen.path is None else chosen.path)
    if chosen.umbrel is not None:
        return launches.umbrel(chosen.umbrel)
    if chosen.container is not None:
        return launches.container(chosen.container)
    if chosen.image is not None:
        return launches.image(chosen.image)
    # What uvx made for this run may be gone tomorrow.
    return launches.uvx() if chosen.uvx or launches.is_passing(sys.prefix) else launches.here()


def _settings(chosen: argparse.Namespace) -> dict[str, str]:
    settings: dict[str, str] = {}
    if chosen.broker is not None:
        settings["MQTT_BROKER_URL"] = _broker(chosen.broker)
    if chosen.profile is not None:
        if not chosen.profile.isprintable() or not chosen.profile or "$" in chosen.profile:
            raise _wrong(f"--profile {ascii(chosen.profile)[:60]} is no name of a profile.")
        settings["MQTT_MCP_PROFILE"] = chosen.profile
    if chosen.read_only:
        settings["MQTT_MCP_READ_ONLY"] = "1"
    return settings


def _broker(text: str) -> str:
    """The broker's URL as it goes into the configuration.

    Raises:
        ToolError: It is none, or there are credentials in it.
    """
    if "@" in text:
        raise _wrong(
            "--broker must not hold a user name or a password: a client's configuration is read by many programs. "
            "Put them into mqtt-mcp.toml (username, password_file) where the server runs, and give --profile."
        )
    broker = parse_broker_url(text)
    default = DEFAULT_TLS_PORT if broker.tls else DEFAULT_PORT
    return broker.url.removesuffix(f":{default}") if broker.port == default else broker.url


def _user_file(client: Client) -> Path:
    return config_path(client, dict(os.environ), sys.platform)


def _words_again(chosen: argparse.Namespace) -> list[str]:
    """The same command line, for ``--write``."""
    words = [chosen.client]
    defaults = {"umbrel": launches.UMBREL, "image": launches.IMAGE}
    for flag in ("ssh", "path", "umbrel", "container", "image", "broker", "profile"):
        value = getattr(chosen, flag)
        if value is not None:
            words += [f"--{flag}"] if value == defaults.get(flag) else [f"--{flag}", value]
    words += ["--uvx"] if chosen.uvx else []
    words += ["--read-only"] if chosen.read_only else []
    words += ["--name", chosen.name] if chosen.name != "mqtt" else []
    return words + (["--project"] if chosen.project else [])


def _write(plan: Plan, *, replace: bool) -> int:
    """Edit the file. Returns the exit status."""
    path = plan.path
    assert path is not None  # noqa: S101 - _plan refused clients without one
    try:
        present = files.read(path)
        edit = edited(plan.client, present.text, plan.name, plan.entry, replace=replace)
        backup = None
        if edit.outcome in ("added", "replaced"):
            backup = files.replace(present, edit.text.encode(), private=not plan.project)
    except ToolError as error:
        return _not_written(plan, f"{path}: {error.message} {error.hint}".strip())
    except OSError as error:
        return _not_written(plan, f"{path}: {error.strerror or error}.")
    if edit.outcome == "differs":
        return _differs(plan, edit)
    sys.stdout.write(written(plan, edit, backup))
    return 0


def _differs(plan: Plan, edit: Edit) -> int:
    fail(
        f"{plan.path}: another server is called {plan.name}: {shown(edit.old)}. Nothing was changed; replace it with "
        "--replace, or choose another --name."
    )
    return FAILED_STATUS


def _not_written(plan: Plan, problem: str) -> int:
    fail(" ".join(f"{problem} Nothing was changed.".split()))
    sys.stdout.write(instructions(plan, offer_to_write=False))
    return FAILED_STATUS


def _wrong(message: str) -> ToolError:
    return ToolError(ErrorKind.BAD_ARGUMENT, message)
