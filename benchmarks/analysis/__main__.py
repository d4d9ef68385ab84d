"""Examine the analysis and print one table of all bars: ``python -m benchmarks.analysis [--explain] [--json]``."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.analysis import choice, diagnosis, fields, grouping, speed
from benchmarks.analysis.exam import Part
from benchmarks.labelled.catalogue import SCENARIOS
from benchmarks.report import table

PARTS: dict[str, Callable[[Sequence[str], Sequence[int]], Part]] = {
    "choice": choice.examine,
    "grouping": grouping.examine,
    "fields": fields.examine,
    "diagnosis": diagnosis.examine,
    "speed": lambda _scenarios, _seeds: speed.measure(),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench-analysis", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all when none is given")
    parser.add_argument("--seeds", default="101,102,103", help="of the traces; 101,102,103 when not given")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="all when not given")
    parser.add_argument("--explain", action="store_true", help="say what was missed, where and when")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    options.scenarios = options.scenarios.split(",")
    if unknown := [name for name in options.scenarios if name not in SCENARIOS]:
        parser.error(f"there is no scenario {unknown[0]}; there are {', '.join(SCENARIOS)}")
    try:
        options.seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        parser.error("seeds are whole numbers with commas between them")
    return options


def main() -> int:
    """Returns 0 when every bar is reached, 1 when not, 2 when a part could not be measured."""
    options = _options()
    found: dict[str, Part] = {}
    failed: dict[str, str] = {}
    for name in options.parts or PARTS:
        began_s = time.monotonic()
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        try:
            found[name] = PARTS[name](options.scenarios, options.seeds)
        except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
            failed[name] = f"{type(error).__name__}: {error}"
        print(f"{time.monotonic() - began_s:.0f} s", file=sys.stderr)
    lines = [line for part in found.values() for line in part.lines]
    if options.json:
        values = {name: part.values for name, part in found.items()}
        print(msgspec.json.encode({"lines": lines, "values": values, "failed": failed}).decode())
    else:
        for name, part in found.items():
            print(f"\n{name}\n")
            print("\n\n".join(part.tables))
            if options.explain and part.misses:
                print("\n" + "\n".join(part.misses))
        seeds = ", ".join(map(str, options.seeds))
        print(f"\nPython {platform.python_version()}, load {os.getloadavg()[0]:.1f}, seeds {seeds}\n\n{table(lines)}")
        for name, why in failed.items():
            print(f"{name} could not be measured: {why}")
    if failed:
        return 2
    return 0 if all(line.verdict == "ok" for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
