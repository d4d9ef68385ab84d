"""What the command line and the environment say, checked, flags over environment.

Owns that order and where each value came from. Does not know the TOML file or what values mean together.
"""

import re
from collections.abc import Mapping

from mqtt_mcp.option import ConfigError, Option, Value, from_text, suggestion
from mqtt_mcp.options import CONFIG_FILE_ENV, OPTIONS, SOCKET_ENV

Given = dict[str, tuple[Value, str]]
"""Option name to its value and the flag or variable it came from; empty: from the file."""

_OURS, _RELATED = "MQTT_MCP_", "MQTT_"
_ORCHESTRATORS = re.compile(
    r"(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?|NAME|ENV_\w+)"
)
"""What follows our prefix in variables that Kubernetes and Docker links set for a service of our name."""
_COMMON = frozenset({"LOG_LEVEL", "LOG_JSON", "PROFILE", "AUDIT"})
"""Words that other programs' ``MQTT_*`` variables may well have, and that are no gates."""
_LINK = re.compile(r"(tcp|udp)://", re.IGNORECASE)


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
        ConfigError: A value is not allowed, or a variable is named like one of ours and is none.
    """

    def __init__(self, flags: Mapping[str, str | list[str]], environ: Mapping[str, str]) -> None:
        self.values: dict[str, Value] = {}
        self.broker_flags: Given = {}
        self.broker_env: Given = {}
        self.where: dict[str, str] = {}
        _refuse_misspelt(environ)
        for option in OPTIONS:
            in_flags = option.name in flags
            text = _variable(option, environ)
            if text and option.section == "broker":
                self.broker_env[option.name] = (from_text(option, text, option.env), option.env)
            if in_flags:
                self._take(option, _flag_text(option, flags[option.name]), option.flag)
            elif text:
                self._take(option, text, option.env)
        if "token_file" in flags:  # it outranks the variable that holds the token itself
            self.values.pop("token", None)

    def _take(self, option: Option, text: str, where: str) -> None:
        value = from_text(option, text, where)
        self.where[option.name] = where
        if option.section != "broker":
            self.values[option.name] = value
        elif where == option.flag:
            self.broker_flags[option.name] = (value, where)


def _variable(option: Option, environ: Mapping[str, str]) -> str:
    """What a variable says; empty when it is not set.

    One that is set to nothing counts as not set: that is how people switch one off. Blanks and commas are nothing, too:
    they must not put an empty list in place of the file's gates.
    """
    text = environ.get(option.env, "") if option.env else ""
    if option.kind != "text" and not text.strip(" \t\r\n,"):
        return ""
    if option.kind == "integer" and _LINK.match(text):
        return ""  # Kubernetes tells where a service called mqtt-mcp-monitor is
    return text


def _flag_text(option: Option, given: str | list[str]) -> str:
    """What stands behind a flag, as a variable would say it."""
    if not isinstance(given, list):
        return given
    if not all(one.strip() for one in given):
        raise ConfigError(option.flag, f"{option.name} must be {option.allowed}, not nothing.")
    if option.kind == "filters" and any("," in one for one in given):
        raise ConfigError(
            option.flag,
            f"{option.name}: a comma may belong to a topic. Repeat {option.flag} for several filters; "
            "one that holds a comma goes into the TOML file.",
        )
    return ",".join(given)


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """A misspelt ``MQTT_MCP_READ_ONLY`` must not leave publishing on."""
    known = {option.env for option in OPTIONS if option.env} | {CONFIG_FILE_ENV, SOCKET_ENV}
    tails = [one.removeprefix(_OURS) for one in sorted(known) if one.startswith(_OURS)]
    gates = {option.env.removeprefix(_OURS) for option in OPTIONS if option.section == "general"} - _COMMON
    for name, value in environ.items():
        if not value or name in known or not name.startswith(_RELATED):
            continue
        tail = name.removeprefix(_OURS).removeprefix(_RELATED)
        if name.startswith(_OURS) and not _ORCHESTRATORS.fullmatch(tail):
            guess = suggestion(tail.upper(), tails, cutoff=0.6)
            meant = f"did you mean {_OURS}{guess}?" if guess else "all that begin so are settings of mqtt-mcp."
            raise ConfigError(ascii(name)[1:-1][:80], f"unknown variable; {meant}")
        if tail in gates:
            raise ConfigError(ascii(name)[1:-1][:80], f"unknown variable; did you mean {_OURS}{tail}?")
