"""The configuration of one process: flags over environment over TOML file over defaults, as one frozen value.

Owns what the parts come to together. Does not define the options (``options.py``), parse TOML (``config_file.py``) or
flags (``config_flags.py``), lay flags over the environment (``config_layers.py``) or make broker profiles
(``config_brokers.py``), and opens no connection. Every mistake is one ``ConfigError`` line
that names where it is and what is allowed, and never shows a secret.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mqtt_mcp.config_brokers import ENVIRONMENT_PROFILE, broker_profiles
from mqtt_mcp.config_layers import Layers
from mqtt_mcp.config_monitor import MonitorConfig, monitor_config
from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.broker_url import Broker, Secret, without_user_info
from mqtt_mcp.mqtt.topics import check_topic_filter
from mqtt_mcp.option import ConfigError, Value, expanded, suggestion
from mqtt_mcp.options import CONFIG_FILE_ENV, CONFIG_FILE_FLAG, section
from mqtt_mcp.settings import Settings

if TYPE_CHECKING:
    from mqtt_mcp.config_file import FileValues

_FILTER_LISTS = ("publish_allow", "publish_deny", "read_allow", "read_deny")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration comes to.

    Attributes:
        settings: The limits.
        profiles: Brokers by name, in the order of the file.
        default_profile: The broker that is meant when none is named; empty when there is none, or several and no
            choice.
        policy: What may be published and read.
        monitor: The web page of ``serve``.
        audit: The file to append the audit to; empty for none.
        audit_where: Where that was set, for messages.
        log_level: One of ``options.LOG_LEVELS``.
        log_json: Whether log lines are JSON objects.
        source: The TOML file that was read, empty when none was.
    """

    settings: Settings
    profiles: dict[str, Broker]
    default_profile: str
    policy: AccessPolicy
    monitor: MonitorConfig
    log_level: str
    log_json: bool
    audit: str = ""
    audit_where: str = ""
    source: str = ""

    def secrets(self) -> list[str]:
        """Every secret text of the configuration, user names too, for the redaction of logs."""
        return [*self.passwords(), *_revealed(broker.username for broker in self.profiles.values())]

    def passwords(self) -> list[str]:
        """The secret texts that prove who somebody is: a user name may be an ordinary word in a topic."""
        brokers = self.profiles.values()
        return [
            *_revealed([self.monitor.token]),
            *_revealed(broker.password for broker in brokers),
            *_revealed(broker.tls.key_password for broker in brokers if broker.tls),
        ]


def _revealed(secrets: Iterable[Secret | None]) -> list[str]:
    return [secret.reveal() for secret in secrets if secret is not None and secret.reveal()]


def load_config(flags: Mapping[str, str | list[str]] | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the configuration.

    Args:
        flags: Option name to what stood on the command line; lists for flags that may be repeated. ``config`` is the
            path of the TOML file.
        environ: The environment; this process's own by default.

    Raises:
        ConfigError: Something is wrong; nothing was started.
    """
    flags = flags or {}
    environ = os.environ if environ is None else environ
    layers = Layers(flags, environ)
    file = _read_file(flags, environ)

    def where(name: str, *table: str) -> str:
        return layers.where.get(name) or (file.where(*table, name) if file else name)

    profiles, default = broker_profiles(layers, file, environ)
    general = {**(file.general if file else {}), **layers.values}
    chosen = str(general.get("profile", "")) or default
    # A profile of the file may have the same name.
    if (
        default == ENVIRONMENT_PROFILE
        and "url" in layers.where
        and _outranks(layers.where["url"], layers.where.get("profile"))
    ):
        chosen = default
    if chosen and chosen not in profiles:
        raise ConfigError(where("profile"), _no_such_profile(chosen, list(profiles)))
    limits = {
        **(file.limits if file else {}),
        **{option.name: layers.values[option.name] for option in section("limits") if option.name in layers.values},
    }
    monitor = dict(file.monitor) if file else {}
    if {"token", "token_file"} & layers.values.keys():  # either way to give it replaces every other
        monitor = {name: value for name, value in monitor.items() if name not in ("token", "token_file")}
    monitor |= layers.values
    return Config(
        settings=msgspec.convert(limits, Settings),
        profiles=profiles,
        default_profile=chosen,
        policy=_policy(general, where),
        monitor=monitor_config(monitor, lambda name: where(name, "monitor"), file.path if file else None),
        audit=str(expanded(str(general["audit"]))) if general.get("audit") else "",
        audit_where=where("audit") if general.get("audit") else "",
        log_level=str(general.get("log_level", "warning")),
        log_json=bool(general.get("log_json", False)),
        source=str(file.path) if file else "",
    )


def _no_such_profile(chosen: str, profiles: list[str]) -> str:
    guess = suggestion(chosen, profiles)
    meant = f"did you mean {guess}? " if guess else ""
    named = ascii(without_user_info(chosen))[:60]
    return f"there is no broker profile {named}; {meant}configured are: {', '.join(profiles) or 'none'}."


def _outranks(url_where: str, profile_where: str | None) -> bool:
    """Whether a URL from outside the file beats the choice of a profile: flags beat variables beat the file."""
    return profile_where is None or (url_where.startswith("--") and not profile_where.startswith("--"))


def _read_file(flags: Mapping[str, str | list[str]], environ: Mapping[str, str]) -> "FileValues | None":
    named = flags.get("config") or environ.get(CONFIG_FILE_ENV, "")
    if named:
        path = expanded(str(named))
        if why := _no_file(path):
            where = CONFIG_FILE_FLAG if flags.get("config") else CONFIG_FILE_ENV
            raise ConfigError(where, f"{ascii(str(path))[:300]} {why}; it names a TOML file.")
    else:
        home = environ.get("XDG_CONFIG_HOME") or environ.get("HOME", "") + "/.config"
        path = Path(home) / "mqtt-mcp" / "mqtt-mcp.toml"
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problem = f"cannot be read: {error.strerror}; --config or MQTT_MCP_CONFIG can name another file."
            raise ConfigError(str(path), problem) from None
    # Most windows run without a file: parsing TOML is imported only for those that have one.
    from mqtt_mcp.config_file import read_config_file  # noqa: PLC0415 - start-up time

    return read_config_file(path)


def _no_file(path: Path) -> str:
    """Why there is nothing to read at ``path``, in words that go on after its name; empty when there is."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is no file name"
    return "is a folder" if stat.S_ISDIR(mode) else ""


def _policy(general: Mapping[str, Value], where: Callable[[str], str]) -> AccessPolicy:
    lists: dict[str, tuple[str, ...]] = {}
    for name in _FILTER_LISTS:
        value = general.get(name, ())
        lists[name] = value if isinstance(value, tuple) else ()
        for topic_filter in lists[name]:
            try:
                check_topic_filter(topic_filter)
            except ToolError as error:
                raise ConfigError(where(name), f"{name}: {error.message}") from None
    return AccessPolicy(
        read_only=bool(general.get("read_only", False)),
        profiles_only=bool(general.get("profiles_only", False)),
        publish_allow=lists["publish_allow"],
        publish_deny=lists["publish_deny"],
        read_allow=lists["read_allow"],
        read_deny=lists["read_deny"],
    )
