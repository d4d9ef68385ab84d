"""The MCP clients that use this hub at the moment.

Owns their numbers and who is there. Does not know which session which of them uses: a session's lease does.
"""

from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.lease import Client


class Clients:
    """The clients of one hub, in the order in which they came."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0
        self._here: list[Client] = []

    def names(self) -> list[str]:
        """What those here call themselves."""
        return [client.name for client in self._here]

    def came(self, name: str) -> Client:
        """Somebody came."""
        self._seen += 1
        client = Client(name, self._seen)
        self._here.append(client)
        self._journal.changed("client_came", f"Client {self._seen} came: {name}.")
        return client

    def went(self, client: Client) -> None:
        """Somebody has gone."""
        if client in self._here:
            self._here.remove(client)
            self._journal.changed("client_went", f"Client {client.number} went: {client.name}.")
