"""``mqtt-mcp check [BROKER]``: the staged diagnosis of a connection, in the terminal.

Owns the layout and the exit status. Does not diagnose: ``hub/diagnosis.py`` does, as for ``test_connection``.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import trio

from mqtt_mcp.commands._arguments import USAGE_STATUS, Usage, configure, fail
from mqtt_mcp.commands._check_report import check_report
from mqtt_mcp.commands._compose import running_hub
from mqtt_mcp.commands._shutdown import Watchdog, cancelled_by_signals
from mqtt_mcp.config import Config
from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.diagnosis import Diagnosis, diagnose

EXAMPLES = """\
examples:
  mqtt-mcp check                                   the default broker
  mqtt-mcp check home                              the profile [brokers.home]
  mqtt-mcp check mqtts://broker.example.org --ca-file ca.pem --username me --password-file secret
Exit status: 0 it works, 1 it does not, 2 wrong usage or configuration.
"""
INTERRUPTED_STATUS = 130


def run(arguments: Sequence[str]) -> int:
    """Diagnose. Returns 0 when every stage went well, 1 when one failed, 2 for wrong usage, 130 when interrupted."""

    def add(parser: Any) -> None:
        parser.add_argument(
            "url", nargs="?", default=argparse.SUPPRESS, metavar="BROKER", help="A profile, a URL or a host name."
        )
        parser.add_argument("--json", action="store_true", help="Print the account as JSON.")

    try:
        config, parsed = configure(
            "mqtt-mcp check",
            "Find out, stage by stage, whether and why a broker cannot be used.",
            arguments,
            add=add,
            examples=EXAMPLES,
        )
    except Usage as usage:
        return usage.status
    try:
        found = trio.run(_diagnose, config)
    except ToolError as error:  # no broker was named
        fail(f"{error.message} {error.hint}".strip())
        return USAGE_STATUS
    if found is None:
        return INTERRUPTED_STATUS
    sys.stdout.write(check_report(found, as_json=parsed.json, colour=sys.stdout.isatty()))
    sys.stdout.flush()
    return 0 if found.ok else 1


async def _diagnose(config: Config) -> Diagnosis | None:
    """The diagnosis, or None when a signal ended it."""
    found: Diagnosis | None = None
    failure: ToolError | None = None
    watchdog = Watchdog(config.settings.shutdown_s, status=INTERRUPTED_STATUS)

    with trio.CancelScope() as scope, cancelled_by_signals(scope, watchdog):
        async with running_hub(config) as hub:
            try:
                found = await diagnose(
                    hub.resolve_broker(),
                    transport=hub.transport,
                    network=hub.network,
                    policy=hub.policy,
                    settings=hub.settings,
                )
            except ToolError as error:
                failure = error
    if failure is not None:
        raise failure
    return found
