"""Taking the standard streams away from everybody else.

Owns the process's descriptors 0 and 1 while it runs: they are moved to private numbers, 0 then reads as empty and 1
leads to standard error. A stray ``print``, a library or a child process can no longer break the wire. Reads and writes
nothing, and loads no event loop.
"""

import fcntl
import os

_FIRST_PRIVATE_FD = 3


def claim_standard_streams() -> tuple[int, int]:
    """Take descriptors 0 and 1; they are harmless from now on, for the life of the process.

    Returns:
        The private descriptors of what was standard input and standard output; not inherited by child processes.

    Raises:
        OSError: Standard input or output is closed.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        return _take(0, null), _take(1, 2 if _is_open(2) else null)
    finally:
        os.close(null)


def _take(fd: int, divert_to: int) -> int:
    """Move a descriptor to a private number and let the public one lead elsewhere."""
    private = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE_FD)
    os.dup2(divert_to, fd)
    return private


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True
