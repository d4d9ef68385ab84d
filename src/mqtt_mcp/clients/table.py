"""The one table of MCP clients: which file each of them reads, in which shape, and what it lacks.

Owns these facts. Does not render anything (``render.py``, ``links.py``), find a file (``places.py``) or edit one
(``edit.py``).
"""

from dataclasses import dataclass
from typing import Literal

from mqtt_mcp.errors import ErrorKind, ToolError


@dataclass(frozen=True, kw_only=True)
class Client:
    """One MCP client.

    Attributes:
        name: As a person types it after ``mqtt-mcp setup``.
        title: As its makers write it.
        key: The member or table that holds the servers.
        next_step: What makes it read the new entry, as a sentence.
        format: Language of the file.
        file: Its user's configuration; ``{home}`` and ``{config}`` stand for the folders of the system
            (``places.py``). Empty when the client keeps it in a store of its own.
        project_file: The file for one project, relative to its folder; empty when there is none.
        moved_by: An environment variable that moves the configuration, and the beginning of ``file`` for which it
            stands.
        comments: Comments are allowed in the JSON.
        trailing_commas: So are commas behind the last member.
        wants_type: Each entry needs ``"type": "stdio"``.
        wants_args: Each entry needs ``args``, also when there are none.
        keeps_environment: ``env`` is added to the environment. False: it replaces it, so that ``PATH`` and ``HOME``
            would be missing; settings then travel as flags.
        notes: What a person has to know, one sentence each.
    """

    name: str
    title: str
    key: str
    next_step: str
    format: Literal["json", "toml"] = "json"
    file: str = ""
    project_file: str = ""
    moved_by: tuple[str, str] = ("", "")
    comments: bool = False
    trailing_commas: bool = False
    wants_type: bool = False
    wants_args: bool = False
    keeps_environment: bool = True
    notes: tuple[str, ...] = ()


CLIENTS: tuple[Client, ...] = (
    Client(
        name="cursor",
        title="Cursor",
        key="mcpServers",
        file="{home}/.cursor/mcp.json",
        project_file=".cursor/mcp.json",
        comments=True,
        trailing_commas=True,
        next_step="Open Cursor's settings, Tools & MCP, and switch the server on; a green dot means that it runs.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        key="servers",
        file="{config}/Code/User/mcp.json",
        project_file=".vscode/mcp.json",
        comments=True,
        trailing_commas=True,
        wants_type=True,
        next_step='Run "MCP: List Servers" from the command palette, start the server, and choose Agent in the chat.',
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        key="mcpServers",
        file="{home}/.claude.json",
        project_file=".mcp.json",
        moved_by=("CLAUDE_CONFIG_DIR", "{home}"),
        next_step="Start claude anew; /mcp shows the server.",
        notes=(
            "Claude Code writes its file itself while it runs: end it before you edit the file, or use the command.",
        ),
    ),
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        key="mcpServers",
        file="{config}/Claude/claude_desktop_config.json",
        next_step="Quit Claude Desktop (closing its window is not enough) and start it again.",
    ),
    Client(
        name="codex",
        title="Codex",
        key="mcp_servers",
        format="toml",
        file="{home}/.codex/config.toml",
        project_file=".codex/config.toml",
        moved_by=("CODEX_HOME", "{home}/.codex"),
        next_step="Start codex anew; /mcp shows the server.",
        notes=(
            "A project's file is read only after you trusted the project.",
            (
                "Codex gives a server HOME, PATH and a few more of your variables, no others. What else it needs "
                "(`SSH_AUTH_SOCK` for a key in an agent, `MQTT_MCP_CONFIG`) is named in `env_vars` of the entry."
            ),
        ),
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        key="mcpServers",
        file="{home}/.gemini/settings.json",
        project_file=".gemini/settings.json",
        moved_by=("GEMINI_CLI_HOME", "{home}"),
        comments=True,
        next_step="Start gemini anew; /mcp shows the server.",
        notes=("In a folder that you have not trusted, Gemini CLI starts no server at all.",),
    ),
    Client(
        name="windsurf",
        title="Windsurf",
        key="mcpServers",
        file="{home}/.codeium/windsurf/mcp_config.json",
        next_step="Open the MCP panel of Cascade and press Refresh.",
    ),
    Client(
        name="mqttx",
        title="MQTTX Copilot",
        key="mcpServers",
        wants_args=True,
        keeps_environment=False,
        next_step="Press the button that tests the connection, then switch the server on.",
        notes=(
            "MQTTX (1.13) keeps this in its settings: enable MCP there and put it into MCP Server Configuration.",
            "Its `env` replaces the whole environment, so settings are given as flags here.",
        ),
    ),
)


def client_named(name: str) -> Client:
    """The client with this name.

    Raises:
        ToolError: ``bad_argument``; there is none, with the names that exist.
    """
    for client in CLIENTS:
        if client.name == name:
            return client
    known = ", ".join(client.name for client in CLIENTS)
    raise ToolError(ErrorKind.BAD_ARGUMENT, f"There is no client {ascii(name)[:60]};", f"known are {known}.")
