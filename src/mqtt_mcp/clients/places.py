"""Where a client's configuration is, on each system.

Owns the folders that stand for ``{home}`` and ``{config}``. Looks at no file.
"""

from collections.abc import Mapping
from pathlib import Path

from mqtt_mcp.clients.table import Client

SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
"""Names of ``sys.platform`` and what people call them."""

_SHOWN = {
    # system: ({home}, {config}) as people write them
    "linux": ("~", "~/.config"),
    "darwin": ("~", "~/Library/Application Support"),
    "win32": ("%USERPROFILE%", "%APPDATA%"),
}


def config_path(client: Client, environ: Mapping[str, str], system: str) -> Path:
    """The user's configuration file of a client that has one.

    Args:
        client: Whose; its ``file`` is not empty.
        environ: The environment that names the home folder and the variables that move configurations.
        system: As ``sys.platform`` says; anything unknown is taken for a Linux.
    """
    home = environ.get("USERPROFILE" if system == "win32" else "HOME") or str(Path.home())
    variable, beginning = client.moved_by
    moved = environ.get(variable, "") if variable else ""
    template = client.file
    if moved:
        template = template.replace(beginning, "{moved}", 1)
    return Path(template.format(home=home, config=_config_folder(home, environ, system), moved=moved))


def shown_path(client: Client, system: str) -> str:
    """The same for a reader on that system: ``~/.cursor/mcp.json``."""
    home, config = _SHOWN[system]
    path = client.file.format(home=home, config=config)
    return path.replace("/", "\\") if system == "win32" else path


def _config_folder(home: str, environ: Mapping[str, str], system: str) -> str:
    if system == "darwin":
        return f"{home}/Library/Application Support"
    if system == "win32":
        return environ.get("APPDATA") or f"{home}/AppData/Roaming"
    given = environ.get("XDG_CONFIG_HOME", "")
    return given if given.startswith("/") else f"{home}/.config"
