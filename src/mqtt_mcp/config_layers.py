"""What the command line and the environment say, checked, flags over environment.

Owns that order and where each value came from. Does not know the TOML file or what values mean together.
"""

from collections.abc import Mapping

from mqtt_mcp.option import ConfigError, Option, Value, from_text, suggestion
from mqtt_mcp.options import CONFIG_FILE_ENV, OPTIONS, SOCKET_ENV

Given = dict[str, tuple[Value, str]]
"""Option name to its value and the flag or variable it came from; empty: from the file."""

_OURS = "MQTT_MCP_"
_MISSPELT = 0.85
"""How alike a variable must be to one of ours to be a mistake: orchestrators set some that begin like ours
(``MQTT_MCP_SERVICE_HOST``)."""


class Layers:
    """Flags over environment.

    Args:
        flags: Option name to what stood on the command line; lists for flags that may be repeated.
        environ: The environment.

    Attributes:
        values: General options, those of the monitor and limits.
        broker_flags: Broker options of the command line.
        broker_env: Broker options of the environment, whether a flag says otherwise or not.
        where: Option name to the flag or variable that counts.

    Raises:
        ConfigError: A value is not allowed, or a variable is nearly named like one of ours.
    """

    def __init__(self, flags: Mapping[str, str | list[str]], environ: Mapping[str, str]) -> None:
        self.values: dict[str, Value] = {}
        self.broker_flags: Given = {}
        self.broker_env: Given = {}
        self.where: dict[str, str] = {}
        _refuse_misspelt(environ)
        for option in OPTIONS:
            in_flags = option.name in flags
            # A variable that is set to nothing counts as not set: that is how people switch one off.
            text = environ.get(option.env, "") if option.env else ""
            if text and option.section == "broker":
                self.broker_env[option.name] = (from_text(option, text, option.env), option.env)
            if in_flags:
                given = flags[option.name]
                self._take(option, ",".join(given) if isinstance(given, list) else given, option.flag)
            elif text:
                self._take(option, text, option.env)

    def _take(self, option: Option, text: str, where: str) -> None:
        value = from_text(option, text, where)
        self.where[option.name] = where
        if option.section != "broker":
            self.values[option.name] = value
        elif where == option.flag:
            self.broker_flags[option.name] = (value, where)


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """A misspelt ``MQTT_MCP_READ_ONLY`` must not leave publishing on."""
    known = {option.env for option in OPTIONS if option.env} | {CONFIG_FILE_ENV, SOCKET_ENV}
    for name, value in environ.items():
        if value and name.startswith(_OURS) and name not in known:
            tails = [one.removeprefix(_OURS) for one in sorted(known) if one.startswith(_OURS)]
            if guess := suggestion(name.removeprefix(_OURS).upper(), tails, cutoff=_MISSPELT):
                raise ConfigError(ascii(name)[1:-1][:80], f"unknown variable; did you mean {_OURS}{guess}?")
