"""The command line of a command: its configuration, or one line on stderr and exit status 2.

Owns that rule. Does not define flags (``config_flags.py``); argparse is imported only when there are arguments.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from mqtt_mcp.commands._logging import setup_logging
from mqtt_mcp.config import Config, load_config
from mqtt_mcp.option import ConfigError

USAGE_STATUS = 2


class Usage(Exception):
    """The command ends here with this exit status; what there was to say has been said."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def configure(
    prog: str,
    description: str,
    arguments: Sequence[str],
    *,
    add: Callable[[Any], None] | None = None,
    examples: str = "",
) -> tuple[Config, Any]:
    """Read the command line and the configuration and switch logging on.

    Args:
        prog: The command as a person types it.
        description: What it does, for ``--help``.
        arguments: What stood after it.
        add: Adds the command's own arguments to the parser; given to commands that have some.
        examples: Shown at the end of ``--help``.

    Returns:
        The configuration and the parsed arguments (None when there were none and ``add`` is None).

    Raises:
        Usage: Help was printed, or something was wrong and was said in one line.
    """
    parsed = None
    try:
        flags: dict[str, str | list[str]] = {}
        if arguments or add is not None:
            from mqtt_mcp.config_flags import flag_parser, flag_values  # noqa: PLC0415 - start-up time

            parser = flag_parser(prog, description, examples=examples)
            if add is not None:
                add(parser)
            parsed = parser.parse_args(list(arguments))
            flags = flag_values(parsed)
        config = load_config(flags)
    except ConfigError as error:
        fail(error.message)
        raise Usage(USAGE_STATUS) from None
    except SystemExit as stop:  # argparse printed --help
        raise Usage(int(stop.code or 0)) from None
    setup_logging(config.log_level, as_json=config.log_json, secrets=config.secrets())
    return config, parsed


def fail(sentence: str) -> None:
    """Say one line on stderr."""
    sys.stderr.write(f"mqtt-mcp: {sentence}\n")
