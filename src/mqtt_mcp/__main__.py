"""The command line: picks a command and hands over.

Owns the list of commands and the rule that a wrong configuration is one line on stderr and exit status 2. Imports a
command only when it was chosen, because a client waits for ``stdio`` to start.
"""

import importlib
import sys
from collections.abc import Sequence

from mqtt_mcp import __version__

COMMANDS = ("stdio", "demo", "check", "call", "docs")

HELP = """\
usage: mqtt-mcp [COMMAND] [OPTIONS]

An MCP server that lets an AI assistant look into an MQTT broker, understand its devices and act on it safely.

commands:
  stdio          speak MCP on stdin and stdout (this is what an MCP client starts; the default)
  demo           show everything on this machine: an embedded broker, a simulated home, a tour of all tools
  check [BROKER] find out, stage by stage, whether and why a broker cannot be used
  call TOOL …    make one tool call and print its result

  --version      print the version
  --help         print this; each command has its own --help with all options

examples:
  MQTT_BROKER_URL=mqtt://localhost mqtt-mcp           serve the broker on this machine
  mqtt-mcp --config ~/brokers.toml --read-only        several brokers, nothing may be published
  mqtt-mcp demo --once                                see what an assistant would see, in about a minute
  mqtt-mcp check mqtts://broker.example.org           is anything wrong with the connection?
  mqtt-mcp call list_topics pattern='zigbee2mqtt/#' --broker mqtt://localhost
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; this process's own by default.

    Returns:
        The exit status: 0 good, 1 the work failed, 2 wrong usage or configuration.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "help"):
        sys.stdout.write(HELP)
        return 0
    if first in ("-V", "--version", "version"):
        sys.stdout.write(f"mqtt-mcp {__version__}\n")
        return 0
    if first in COMMANDS:
        command, arguments = first, arguments[1:]
    elif first and not first.startswith("-"):
        # Without what stands before an @: people put a broker's URL with its password here.
        sys.stderr.write(
            f"mqtt-mcp: there is no command {ascii(first.rpartition('@')[2])[:60]}; see mqtt-mcp --help.\n"
        )
        return 2
    else:
        command = "stdio"
    try:
        status: int = importlib.import_module(f"mqtt_mcp.commands.{command}").run(arguments)
    except KeyboardInterrupt:  # before the command took the signals over
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
