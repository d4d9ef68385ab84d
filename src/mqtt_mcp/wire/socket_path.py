"""Where the hub's Unix socket is, and what its two sides know about each other.

Owns the place of the socket, who at the other end may be trusted, and the note beside the socket: the hub's process id
and, salted and hashed, what its environment says. Opens no connection. Standard library only, and little of it: a
window that becomes a relay waits for these imports. ``_socket`` is what ``socket`` wraps at ten times the start-up
time.
"""

import _socket
import os
import stat
import sys

MAX_PATH_BYTES = 107 if sys.platform == "linux" else 103
"""Longest path of a Unix socket, without the closing zero (``sun_path``)."""

_ENV, _FLAG, _OFF = "MQTT_MCP_SOCKET", "--socket", "off"
_UNSET, _ANY = "-", "*"
_CREDENTIALS_BYTES = 12
_MAX_NOTE_BYTES = 65536


def split_socket_flag(arguments: list[str]) -> tuple[str, list[str]]:
    """Take ``--socket FILE`` out of a command line.

    Returns:
        FILE (the last one, empty when there is none) and the other arguments. A ``--socket`` without its FILE stays
        among these, for the parser to refuse.
    """
    value, rest = "", []
    given = iter(arguments)
    for argument in given:
        if argument.startswith(_FLAG + "="):
            value = argument[len(_FLAG) + 1 :]
        elif argument == _FLAG:
            following = next(given, None)
            if following is None:
                rest.append(argument)
            else:
                value = following
        else:
            rest.append(argument)
    return value, rest


def socket_path(flag: str) -> str:
    """The socket's absolute path; empty when there is to be none (``off``).

    Args:
        flag: What ``--socket`` said, empty when it was not given; it outranks ``MQTT_MCP_SOCKET``.
    """
    chosen = flag or os.environ.get(_ENV, "")
    if chosen == _OFF:
        return ""
    return os.path.abspath(os.path.expanduser(chosen or f"{_default_folder()}/hub.sock"))  # noqa: PTH100, PTH111


def _default_folder() -> str:
    """Where a hub of ours is by default, for a process with ``XDG_RUNTIME_DIR`` and for one without it alike."""
    uid = os.getuid()
    for folder in (os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}"):
        try:
            # One that is another user's comes through sudo or su, and is not ours to put anything in.
            if folder.startswith("/") and os.stat(folder).st_uid == uid:  # noqa: PTH116
                return f"{folder}/mqtt-mcp"
        except OSError:
            continue
    return f"{os.environ.get('TMPDIR') or '/tmp'}/mqtt-mcp-{uid}"  # noqa: S108 - its owner and mode are checked


def is_trusted(uid: int) -> bool:
    """Whether what belongs to ``uid`` may be trusted: ourselves and root."""
    return uid in (os.geteuid(), 0)


def distrusted(path: str) -> str:
    """Why the socket at ``path`` is not to be used, in words that go on after its name; empty when it may be.

    Raises:
        OSError: There is no socket, or it cannot be looked at.
    """
    folder, file = os.lstat(os.path.dirname(path)), os.lstat(path)  # noqa: PTH120
    if not stat.S_ISDIR(folder.st_mode) or not stat.S_ISSOCK(file.st_mode):
        return "is no socket in a folder"
    if not is_trusted(folder.st_uid) or not is_trusted(file.st_uid):
        return "belongs to another user"
    if folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "is in a folder in which other users may write"
    return ""


def peer(connection: _socket.socket) -> tuple[int, int] | None:
    """Process id and user id at the other end; None where the system does not tell, and the folder alone protects.

    For the side that connects it is the process that listens.

    Raises:
        OSError: The connection is broken.
    """
    if sys.platform != "linux":
        return None
    data = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _CREDENTIALS_BYTES)
    return int.from_bytes(data[:4], sys.byteorder), int.from_bytes(data[4:8], sys.byteorder)


def note_path(path: str) -> str:
    """The file beside the socket that is locked while a hub lives and holds its note."""
    return f"{path}.lock"


def make_note(known: list[str], irrelevant: list[str], environ: dict[str, str]) -> str:
    """The note of a hub: its process id, and of its environment what a window must not contradict.

    Args:
        known: Variables that are settings of the hub, set or not.
        irrelevant: Variables that may differ.
        environ: The hub's environment, without what a flag outranks.
    """
    salt = os.urandom(16).hex()
    ours = {name for name, value in environ.items() if value and name.startswith("MQTT_MCP_")}
    lines = [f"{os.getpid()} {salt}"]
    for name in sorted({*known, *ours} - {*irrelevant, _ENV}):
        value = environ.get(name, "")
        lines.append(f"{name} {_digest(salt, value) if value else _UNSET}")
    lines += [f"{name} {_ANY}" for name in sorted({*irrelevant, _ENV})]
    return "\n".join(lines) + "\n"


def read_note(path: str) -> str:
    """The note beside the socket at ``path``; empty when there is none."""
    try:
        fd = os.open(note_path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return os.read(fd, _MAX_NOTE_BYTES).decode("utf-8", "replace")
        finally:
            os.close(fd)
    except OSError:
        return ""


def noted_pid(note: str) -> int:
    """The process id in a note; 0 when there is none."""
    first = note.split(" ", 1)[0]
    return int(first) if first.isascii() and first.isdigit() else 0


def contradictions(note: str, environ: dict[str, str]) -> list[str]:
    """The variables in ``environ`` that ask for something else than the hub with this note does.

    A variable that neither the hub knows nor is named like one of ours is somebody else's. One that is set to nothing
    counts as not set.
    """
    mine = {name: value for name, value in environ.items() if value and name.startswith("MQTT_") and name != _ENV}
    if not mine:
        return []
    lines = note.splitlines()
    salt = lines[0].partition(" ")[2] if lines else ""
    noted = dict(line.split(" ", 1) for line in lines[1:] if " " in line)
    if not noted:
        return sorted(mine)  # the hub is not known: nothing may be taken for granted
    return sorted(name for name, value in mine.items() if not _agrees(name, value, noted, salt))


def _agrees(name: str, value: str, noted: dict[str, str], salt: str) -> bool:
    told = noted.get(name)
    if told is None:
        return not name.startswith("MQTT_MCP_")  # a setting that a hub of another version does not know
    return told == _ANY or (told != _UNSET and told == _digest(salt, value))


def _digest(salt: str, value: str) -> str:
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which a window without such variables does not pay for

    return hashlib.sha256(f"{salt}:{value}".encode("utf-8", "surrogateescape")).hexdigest()
