"""The command line: picks a command and hands over.

Owns the list of commands, the rule that a wrong configuration is one line on stderr and exit status 2, and that a
window without settings of its own first looks for a hub. Imports a command only when it was chosen, and nothing that
costs time itself, because a client waits for a window to start.
"""

import sys

from mqtt_mcp import __version__

COMMANDS = ("stdio", "serve", "demo", "check", "call", "setup", "health", "docs")

HELP = """\
usage: mqtt-mcp [COMMAND] [OPTIONS]

An MCP server that lets an AI assistant look into an MQTT broker, understand its devices and act on it safely.

commands:
  stdio          speak MCP on stdin and stdout (this is what an MCP client starts; the default). Shares the hub of
                 serve when one runs, unless it has settings of its own
  serve          run the hub that all windows share, until it is told to end
  demo           show everything on this machine: an embedded broker, a simulated home, a tour of all tools
  check [BROKER] find out, stage by stage, whether and why a broker cannot be used
  call TOOL …    make one tool call and print its result
  setup [CLIENT] put this server into an MCP client (Cursor, VS Code, Claude …): print what belongs where, or write it
  health         ask whether the serve of this configuration is alive, for a container's health check

  --version      print the version
  --help         print this; each command has its own --help with all options

examples:
  MQTT_BROKER_URL=mqtt://localhost mqtt-mcp           serve the broker on this machine
  mqtt-mcp --config ~/brokers.toml --read-only        several brokers, nothing may be published
  mqtt-mcp serve                                      one hub for all windows
  mqtt-mcp setup cursor --write                       let Cursor start it
  mqtt-mcp demo --once                                see what an assistant would see, in about a minute
  mqtt-mcp check mqtts://broker.example.org           is anything wrong with the connection?
  mqtt-mcp call list_topics pattern='zigbee2mqtt/#' --broker mqtt://localhost
"""


def main(argv: list[str] | None = None) -> int:
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
        if command == "stdio":
            from mqtt_mcp.wire.socket_path import socket_path, split_socket_flag  # noqa: PLC0415 - only windows need it

            # Flags ask for settings of this window's own, which a hub that is there cannot give it.
            named, others = split_socket_flag(arguments)
            path = "" if others else socket_path(named)
            if path:
                from mqtt_mcp.wire.relay import serve_as_relay  # noqa: PLC0415 - see above

                done = serve_as_relay(path)
                if done is not None:
                    return done
            arguments = others
        if command == "serve":
            from mqtt_mcp.commands._signals import exit_at_once_on_signals  # noqa: PLC0415 - loading takes a second

            exit_at_once_on_signals()
        import importlib  # noqa: PLC0415 - a relay does not need it

        status: int = importlib.import_module(f"mqtt_mcp.commands.{command}").run(arguments)
    except KeyboardInterrupt:  # before the command took the signals over
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
