"""Command line flags, made of the table of options.

Owns the argparse side: which flags there are and how they are grouped in ``--help``. Does not check values
(``options.py``
does, so that a flag and a variable are refused in the same words). Imported only when there are arguments.
"""

import argparse
import re
from typing import NoReturn

from mqtt_mcp.option import ConfigError, Option
from mqtt_mcp.options import CONFIG_FILE_FLAG, OPTIONS

_GROUPS = {
    "general": "what it may do, and logging",
    "broker": "the broker",
    "monitor": "the web page of serve",
    "limits": "limits",
}

_UNKNOWN = re.compile(r"(?<=^unrecognized arguments: )(--?[\w-]+|).*", re.DOTALL)


class FlagParser(argparse.ArgumentParser):
    """An argument parser that reports mistakes as one line of ours."""

    def error(self, message: str) -> NoReturn:
        """Raise ``ConfigError`` in place of printing the usage."""
        # What follows a flag that does not exist may be a password.
        told = _UNKNOWN.sub(r"\1", message)
        raise ConfigError("command line", f"{told}; see {self.prog} --help.")


def flag_parser(prog: str, description: str, *, examples: str = "") -> FlagParser:
    """A parser that knows every configuration flag; the caller adds the command's own arguments.

    Args:
        prog: The command as a person types it.
        description: What it does.
        examples: Lines shown at the end of ``--help``.
    """
    parser = FlagParser(
        prog=prog,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    groups = {name: parser.add_argument_group(title) for name, title in _GROUPS.items()}
    groups["general"].add_argument(CONFIG_FILE_FLAG, dest="config", metavar="FILE", help="The TOML file to read.")
    for option in OPTIONS:
        if option.flag:
            _add(groups[option.section], option)
    return parser


def flag_values(parsed: argparse.Namespace) -> dict[str, str | list[str]]:
    """The configuration flags that were given, as ``config.load_config`` takes them."""
    names = ["config", *(option.name for option in OPTIONS if option.flag)]
    return {name: getattr(parsed, name) for name in names if getattr(parsed, name, None) is not None}


def _add(group: argparse._ArgumentGroup, option: Option) -> None:
    help_text = option.help.replace("%", "%%").replace("`", "")
    if option.env:
        help_text += f" [{option.env}]"
    if option.kind == "switch":
        group.add_argument(
            option.flag, dest=option.name, action="store_const", const="true", default=None, help=help_text
        )
        return
    metavar = {"filters": "FILTER", "names": "NAME", "path": "FILE", "seconds": "SECONDS", "integer": "N"}.get(
        option.kind, "TEXT"
    )
    if option.choices:
        metavar = "|".join(option.choices)
    action = "append" if option.kind in ("filters", "names") else "store"
    group.add_argument(option.flag, dest=option.name, action=action, default=None, metavar=metavar, help=help_text)
