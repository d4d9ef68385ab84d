"""What a process has used: CPU time and resident memory, as Linux accounts for them. Starts nothing."""

import time
from pathlib import Path

_CLOCK_OF_PROCESS = 2  # CPUCLOCK_SCHED of clock_getcpuclockid(3)


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process since its fork, in nanoseconds.

    The scheduler's clock of the process: the sum of ``/proc/PID/task/*/schedstat`` and of the threads that have ended.
    """
    return time.clock_gettime_ns((~pid << 3) | _CLOCK_OF_PROCESS)


def rss_mib(pid: int) -> float:
    """Resident memory of a process now, in MiB."""
    return _status_kib(pid, "VmRSS") / 1024


def peak_rss_mib(pid: int) -> float:
    """The most resident memory a process had, in MiB."""
    return _status_kib(pid, "VmHWM") / 1024


def _status_kib(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise LookupError(field)
