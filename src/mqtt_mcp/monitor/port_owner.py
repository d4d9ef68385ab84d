"""Which process listens on a TCP port of this machine, as far as Linux tells us.

Reads ``/proc`` and nothing else; elsewhere, and for processes of other users, it does not know.
"""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_LISTENING = "0A"


def owner_of_port(port: int, proc: Path = PROC) -> str:
    """The process that listens on a port, such as ``python3 (pid 1234)``; empty when that cannot be told."""
    links = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    if not links:
        return ""
    for process in proc.glob("[0-9]*"):
        try:
            holds = any(_target(entry) in links for entry in (process / "fd").iterdir())
        except OSError:  # another user's, or gone
            continue
        if holds:
            return f"{_name(process)} (pid {process.name})"
    return ""


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if len(columns) > 9 and columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return ""


def _name(process: Path) -> str:
    try:
        name = (process / "comm").read_text(errors="replace")
    except OSError:
        return "a process"
    # A process may call itself anything.
    return "".join(c for c in name.strip() if c.isprintable()) or "a process"
