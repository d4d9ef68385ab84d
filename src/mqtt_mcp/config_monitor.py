"""The web page of ``serve`` as configured, and the rule on who may be let in.

Owns that rule: off loopback there is a token, or a proxy that checks who comes. Opens no port.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast

import msgspec

from mqtt_mcp.config_secrets import first_line
from mqtt_mcp.mqtt.broker_url import Secret
from mqtt_mcp.option import ConfigError, Value, expanded
from mqtt_mcp.options_monitor import MONITOR_OPTIONS

Payloads = Literal["head", "hash", "none"]

MIN_TOKEN_CHARS = 8
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{{MIN_TOKEN_CHARS},}}")
"""What HTTP allows as a bearer token, and an address as its fragment."""


class MonitorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page is and who may see it; the options of ``options_monitor`` by name.

    Attributes:
        token: None when there is none.
        where: Where the host was set, for messages.
    """

    host: str
    port: int
    token: Secret | None
    allowed_hosts: tuple[str, ...]
    behind_proxy: bool
    trusted_proxy: str
    payloads: Payloads
    where: str

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        import ipaddress  # noqa: PLC0415 - a window that shows no page does not pay for it

        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def may_act(self) -> bool:
        """Whether anybody may cancel and close: who is on this machine, or has shown who they are."""
        return bool(self.token or self.trusted_proxy or (self.loopback and not self.behind_proxy))

    def check_exposure(self) -> None:
        """Refuse to show the page to a network without anybody asking who looks.

        Raises:
            ConfigError: Not on loopback, without a token and without a proxy.
        """
        if not (self.loopback or self.token is not None or self.behind_proxy or self.trusted_proxy):
            raise ConfigError(
                self.where,
                f"host {ascii(self.host)[:80]} is reachable from outside this machine; set MQTT_MCP_MONITOR_TOKEN_FILE "
                "(--token-file), or --behind-proxy when a proxy checks who comes.",
            )


def monitor_config(values: Mapping[str, Value], where: Callable[[str], str], source: Path | None) -> MonitorConfig:
    """The configuration of the page.

    Args:
        values: Option values by name, checked; others are ignored.
        where: Tells where an option was set, by its name: flag, variable or line of the file.
        source: The TOML file, where there is one.

    Raises:
        ConfigError: The token cannot be read, is too short or does not fit into an address, or was given twice.
    """
    defaults = {option.name: option.default for option in MONITOR_OPTIONS}
    chosen = {name: values.get(name, default) for name, default in defaults.items()}
    token = str(chosen["token"])
    if token and chosen["token_file"]:
        raise ConfigError(where("token_file"), f"there is also a token ({where('token')}); give one of them.")
    if chosen["token_file"]:
        path = expanded(str(chosen["token_file"]))
        token = first_line(path, where("token_file"), "token_file", beside=source)
    if token and not _TOKEN.fullmatch(token):
        raise ConfigError(
            where("token_file" if chosen["token_file"] else "token"),
            f"token must be at least {MIN_TOKEN_CHARS} characters, only A-Z a-z 0-9 and ._~+/=- (it goes into a URL).",
        )
    return MonitorConfig(
        host=str(chosen["host"]),
        port=cast("int", chosen["port"]),
        token=Secret(token) if token else None,
        allowed_hosts=cast("tuple[str, ...]", chosen["allowed_hosts"]),
        behind_proxy=bool(chosen["behind_proxy"]),
        trusted_proxy=str(chosen["trusted_proxy"]),
        payloads=cast("Payloads", chosen["payloads"]),
        where=where("host") if "host" in values else "[monitor] host",
    )
