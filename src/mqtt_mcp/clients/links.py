"""Install links: one click, and the client asks whether it may take the server in.

Owns their exact form. Only Cursor and VS Code have such links. A link holds the entry alone, without the key around
it.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mqtt_mcp.clients.table import Client

CURSOR_BADGE = "https://cursor.com/deeplink/mcp-install-dark.svg"
VSCODE_BADGE = (
    "https://img.shields.io/badge/VS_Code-Install_mqtt--mcp-0098FF?style=flat-square&logo=visualstudiocode"
    "&logoColor=white"
)


@dataclass(frozen=True, kw_only=True)
class InstallLink:
    """Where to click.

    Attributes:
        web: A page that hands over to the client; works on sites that allow no other kind of link.
        direct: The address that the client itself opens.
        badge: A picture for the link.
        title: What the picture says.
    """

    web: str
    direct: str
    badge: str
    title: str

    @property
    def markdown(self) -> str:
        """The badge as a link to the page."""
        return f"[![{self.title}]({self.badge})]({self.web})"


def install_link(client: Client, name: str, value: Mapping[str, object]) -> InstallLink | None:
    """The link that installs this entry; None when the client has no such links.

    Args:
        client: For which.
        name: The server's name in it.
        value: What ``render.entry`` made.
    """
    text = json.dumps(value, separators=(",", ":"))
    if client.name == "cursor":
        packed = quote(base64.b64encode(text.encode()).decode(), safe="")
        query = f"name={quote(name, safe='')}&config={packed}"
        return InstallLink(
            web=f"https://cursor.com/en/install-mcp?{query}",
            direct=f"cursor://anysphere.cursor-deeplink/mcp/install?{query}",
            badge=CURSOR_BADGE,
            title="Add to Cursor",
        )
    if client.name == "vscode":
        whole = json.dumps({"name": name, **value}, separators=(",", ":"))
        return InstallLink(
            web=f"https://insiders.vscode.dev/redirect/mcp/install?name={quote(name, safe='')}"
            f"&config={quote(text, safe='')}",
            direct=f"vscode:mcp/install?{quote(whole, safe='')}",
            badge=VSCODE_BADGE,
            title="Install in VS Code",
        )
    return None
