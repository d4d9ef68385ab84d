"""What ``mqtt-mcp setup`` prints.

Owns the words and their order. Decides nothing and changes nothing.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mqtt_mcp.clients.edit import Edit
from mqtt_mcp.clients.launches import Launch, Start
from mqtt_mcp.clients.links import install_link
from mqtt_mcp.clients.places import config_path
from mqtt_mcp.clients.render import command_line, snippet
from mqtt_mcp.clients.shown import shown
from mqtt_mcp.clients.table import CLIENTS, Client

FIRST_QUESTION = "Which topics are there on my MQTT broker, and which of them are alive?"
_LOCAL_NAMES = ("//localhost", "//127.", "//[::1]")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One client, one way to start the server, one place.

    Attributes:
        client: The client.
        launch: The way.
        start: The command line it comes to.
        entry: What the client's configuration gets.
        name: The server's name in it.
        path: The file; None when the client keeps a store of its own.
        project: It is the project's file, not the user's.
        settings: What the server is told, by variable.
        again: The command line that asked for this.
    """

    client: Client
    launch: Launch
    start: Start
    entry: Mapping[str, object]
    name: str
    path: Path | None
    project: bool
    settings: Mapping[str, str]
    again: Sequence[str]


def all_clients(environ: Mapping[str, str], system: str) -> str:
    """The clients and their files."""
    lines = ["mqtt-mcp setup CLIENT tells how to put this server into", ""]
    for client in CLIENTS:
        place = config_path(client, environ, system) if client.file else "(its settings)"
        lines.append(f"  {client.name:15} {client.title:15} {place}")
    lines += ["", "and with --write does it, after a backup. mqtt-mcp setup --help has all options."]
    return "\n".join(lines) + "\n"


def instructions(plan: Plan, *, offer_to_write: bool = True) -> str:
    """What to put where, and what comes then.

    Args:
        plan: What was asked for.
        offer_to_write: False after it was tried in vain.
    """
    client = plan.client
    lines = [f"{client.title}: mqtt-mcp {plan.launch.title}", *client.notes, ""]
    if plan.path is not None:
        other = f" (for one project: {client.project_file} in its folder)" if client.project_file else ""
        lines += [f"Into {plan.path}{'' if plan.project else other}, beside what is there:", ""]
    lines += [snippet(client, plan.name, plan.entry), ""]
    command = command_line(client, plan.name, plan.start, project=plan.project)
    if command:
        lines += ["Or let the client do it:", f"  {command}", ""]
    link = install_link(client, plan.name, plan.entry)
    if link:
        lines += ["Or open a link:", f"  {link.direct}", f"  {link.web}", ""]
    if plan.path is not None and offer_to_write:
        lines += ["Or let mqtt-mcp do it, after a backup:", f"  {shlex.join([*plan.again, '--write'])}", ""]
    return "\n".join([*lines, *_then(plan)]) + "\n"


def written(plan: Plan, edit: Edit, backup: Path | None) -> str:
    """What was done, and what comes then."""
    if edit.outcome == "same":
        return f"{plan.path} has this entry already; there is nothing to do.\n"
    told = f"Wrote {plan.name} into {plan.path}"
    lines = [told + (f"; the backup is {backup}" if backup else ", which is new") + "."]
    if edit.outcome == "replaced":
        lines.append(f"It replaces: {shown(edit.old)}")
    return "\n".join([*lines, *_then(plan)]) + "\n"


def _then(plan: Plan) -> list[str]:
    """The next steps, one a line."""
    lines = [f"Then: {plan.client.next_step}", f"Ask: {FIRST_QUESTION}"]
    lines.append(f"A user name and a password belong into {plan.launch.credentials}, never into the client.")
    if plan.launch.name == "uvx":
        lines.append("The first start downloads it: run `uvx bitsperity-mqtt-mcp --version` once before.")
    if plan.launch.name in ("ssh", "umbrel"):
        lines.append("SSH must work without a question: a key without a passphrase or in an agent, a known host.")
    unsure = [name for name in sorted(os.environ) if name == "XDG_CONFIG_HOME" or name.startswith("MQTT_")]
    if unsure and not plan.launch.is_elsewhere:
        lines.append(
            f"This shell sets {', '.join(unsure)}: a client may start the server without, so put what counts into "
            f"{plan.launch.credentials}."
        )
    url = plan.settings.get("MQTT_BROKER_URL", "")
    if plan.launch.is_elsewhere and any(name in url for name in _LOCAL_NAMES):
        lines.append(f"Mind that {url} is then seen from there: mqtt-mcp runs {plan.launch.title}.")
    return lines
