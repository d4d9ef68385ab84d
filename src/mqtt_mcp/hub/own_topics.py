"""The topics on which this program talks to itself, so that none of its sessions takes that for traffic.

Owns their names. Everybody else who listens to everything does see these messages: they are few, never retained, and
below one first level.
"""

import secrets

PRIVATE_ROOT = "mcp-probe"
OWN_PREFIX = f"{PRIVATE_ROOT}/{secrets.token_hex(8)}/"
"""Of this process; the sessions of a hub may be on the same broker and see each other's messages."""


def own_topic(kind: str) -> str:
    """A new topic that nobody can guess, with ``kind`` as its last level."""
    return f"{OWN_PREFIX}{secrets.token_hex(16)}/{kind}"
