"""Run the rows and print one table: ``python -m benchmarks [--json] [ROW …]``."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable

import msgspec

from benchmarks import (
    row_cancel,
    row_flood,
    row_monitor,
    row_page,
    row_publish,
    row_rate,
    row_sessions,
    row_start,
    row_subscribe,
    row_windows,
)
from benchmarks.client import BenchError
from benchmarks.report import Line, table
from benchmarks.setting import Setting, prepared

ROWS: dict[str, Callable[[Setting], list[Line]]] = {
    "start": row_start.measure,
    "windows": row_windows.measure,
    "publish": row_publish.measure,
    "flood": row_flood.measure,
    "rate": row_rate.measure,
    "cancel": row_cancel.measure,
    "sessions": row_sessions.measure,
    "subscribe": row_subscribe.measure,
    "monitor": row_monitor.measure,
    "page": row_page.measure,
}


def main() -> int:
    """Returns 0 when every bar is reached, 1 when not, 2 when a row could not be measured."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; all when none is given")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    if unknown := [row for row in options.rows if row not in ROWS]:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join(ROWS)}")
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    lines: list[Line] = []
    failed: dict[str, str] = {}
    with prepared() as setting:
        for row in options.rows or ROWS:
            began_s = time.monotonic()
            print(f"{row} …", end=" ", flush=True, file=sys.stderr)
            try:
                lines += ROWS[row](setting)
            except (BenchError, OSError, ValueError, LookupError) as error:
                failed[row] = f"{type(error).__name__}: {error}"
            print(f"{time.monotonic() - began_s:.0f} s", file=sys.stderr)
    machine += f" before and {os.getloadavg()[0]:.1f} after"
    if options.json:
        print(msgspec.json.encode({"machine": machine, "lines": lines, "failed": failed}).decode())
    else:
        print(f"{machine}\n\n{table(lines)}")
    for row, why in failed.items():
        print(f"\n{row} could not be measured: {why}", file=sys.stderr)
    if failed:
        return 2
    return 1 if any(line.verdict not in {"ok", ""} for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
