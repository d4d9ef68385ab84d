"""The configuration of one process: flags over environment over TOML file over defaults, as one frozen value.

Owns precedence and how broker profiles come to be. Does not define the options (``options.py``), parse TOML
(``config_file.py``) or flags (``config_flags.py``), and opens no connection. Every mistake is one ``ConfigError`` line
that names where it is and what is allowed, and never shows a secret.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mqtt_mcp.config_monitor import MonitorConfig, monitor_config
from mqtt_mcp.config_secrets import first_line
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls, parse_broker_url, without_user_info
from mqtt_mcp.mqtt.topics import check_topic_filter
from mqtt_mcp.option import ConfigError, Option, Value, from_text
from mqtt_mcp.options import CONFIG_FILE_ENV, CONFIG_FILE_FLAG, section
from mqtt_mcp.settings import Settings

if TYPE_CHECKING:
    from mqtt_mcp.config_file import FileValues

ENVIRONMENT_PROFILE = "default"
"""The profile that ``MQTT_BROKER_URL`` or ``--broker URL`` makes."""

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


class _Layers:
    """What flags and environment say, checked, and where each value came from, for messages.

    Attributes:
        values: General options and limits, flags over environment.
        broker_flags: Broker options of the command line.
        broker_env: Broker options of the environment, whether a flag says otherwise or not.
        where: Option name to the flag or variable that counts.
    """

    def __init__(self, flags: Mapping[str, str | list[str]], environ: Mapping[str, str]) -> None:
        self.values: dict[str, Value] = {}
        self.broker_flags: dict[str, Value] = {}
        self.broker_env: dict[str, Value] = {}
        self.where: dict[str, str] = {}
        self._flags, self._environ = flags, environ
        for option in section("broker"):
            self._take_env(option, self.broker_env)
            self._take_flag(option, self.broker_flags)
        for option in (*section("general"), *section("monitor"), *section("limits")):
            self._take_env(option, self.values)
            self._take_flag(option, self.values)

    def _take_env(self, option: Option, values: dict[str, Value]) -> None:
        # A variable that is set to nothing counts as not set: that is how people switch one off.
        text = self._environ.get(option.env, "") if option.env else ""
        if text and option.name not in self._flags:
            self._take(option, text, option.env, values)
        elif text and option.section == "broker":
            values[option.name] = from_text(option, text, option.env)

    def _take_flag(self, option: Option, values: dict[str, Value]) -> None:
        if option.name in self._flags:
            given = self._flags[option.name]
            self._take(option, ",".join(given) if isinstance(given, list) else given, option.flag, values)

    def _take(self, option: Option, text: str, where: str, values: dict[str, Value]) -> None:
        values[option.name] = from_text(option, text, where)
        self.where[option.name] = where


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
    layers = _Layers(flags, environ)
    file = _read_file(flags, environ)
    limits = {
        **(file.limits if file else {}),
        **{o.name: layers.values[o.name] for o in section("limits") if o.name in layers.values},
    }

    profiles, default = _profiles(layers, file, environ)
    general = {**(file.general if file else {}), **layers.values}
    chosen = str(general.get("profile", "")) or default
    if default == ENVIRONMENT_PROFILE and _outranks(layers.where["url"], layers.where.get("profile")):
        chosen = default
    if chosen and chosen not in profiles:
        where = layers.where.get("profile", str(file.path) if file else "profile")
        known = ", ".join(profiles) or "none"
        named = ascii(without_user_info(chosen))[:60]
        raise ConfigError(where, f"there is no broker profile {named}; configured are: {known}.")
    return Config(
        settings=msgspec.convert(limits, Settings),
        profiles=profiles,
        default_profile=chosen,
        policy=_policy(general, layers, file),
        monitor=monitor_config(
            {**(file.monitor if file else {}), **layers.values}, layers.where, str(file.path) if file else ""
        ),
        audit=str(Path(str(general["audit"])).expanduser()) if general.get("audit") else "",
        log_level=str(general.get("log_level", "warning")),
        log_json=bool(general.get("log_json", False)),
        source=str(file.path) if file else "",
    )


def _outranks(url_where: str, profile_where: str | None) -> bool:
    """Whether a URL from outside the file beats the choice of a profile: flags beat variables beat the file."""
    return profile_where is None or (url_where.startswith("--") and not profile_where.startswith("--"))


def _read_file(flags: Mapping[str, str | list[str]], environ: Mapping[str, str]) -> "FileValues | None":
    named = flags.get("config") or environ.get(CONFIG_FILE_ENV, "")
    if named:
        path = Path(str(named)).expanduser()
        if not path.is_file():
            where = CONFIG_FILE_FLAG if flags.get("config") else CONFIG_FILE_ENV
            raise ConfigError(where, f"there is no file {ascii(str(path))[:300]}.")
    else:
        home = environ.get("XDG_CONFIG_HOME") or environ.get("HOME", "") + "/.config"
        path = Path(home) / "mqtt-mcp" / "mqtt-mcp.toml"
        if not path.is_file():
            return None
    # Most windows run without a file: parsing TOML is imported only for those that have one.
    from mqtt_mcp.config_file import read_config_file  # noqa: PLC0415 - start-up time

    return read_config_file(path)


def _profiles(layers: _Layers, file: "FileValues | None", environ: Mapping[str, str]) -> tuple[dict[str, Broker], str]:
    """All profiles, and the default one as far as they themselves decide it.

    Credentials stay with the address they were given with: a URL from one place never gets the password from another
    place that names its own URL.
    """
    tables = {name: dict(table) for name, table in file.brokers.items()} if file else {}
    wheres = dict(file.where) if file else {}
    default = next(iter(tables)) if len(tables) == 1 else ""
    from_flags, from_env = dict(layers.broker_flags), dict(layers.broker_env)
    env_target = str(layers.values.get("profile", "") or (file.general.get("profile", "") if file else ""))
    flag_target = env_target
    named = str(from_flags.get("url", ""))
    if named in tables:  # --broker home: the name of a profile in place of a URL
        layers.values["profile"] = flag_target = str(from_flags.pop("url"))
        layers.where["profile"] = layers.where["url"]
    if "url" in from_flags:
        table = {} if "url" in from_env else from_env
        _overlay(table, from_flags)
        from_flags, from_env = {}, {}
    elif "url" in from_env:
        table, from_env = from_env, {}
    else:
        table = {}
    if table:
        # The whole profile is replaced: the file's password must not travel to another host.
        tables[ENVIRONMENT_PROFILE], default = table, ENVIRONMENT_PROFILE
        wheres[ENVIRONMENT_PROFILE] = layers.where["url"]
    for values, target in ((from_env, env_target or default), (from_flags, flag_target or default)):
        if values and target not in tables:
            where = layers.where[next(iter(values))]
            raise ConfigError(where, "there is no broker to apply it to; set MQTT_BROKER_URL or --broker as well.")
        if values:
            _overlay(tables[target], values)
    return {name: _broker(name, table, wheres[name], environ) for name, table in tables.items()}, default


def _overlay(table: dict[str, Value], outside: dict[str, Value]) -> None:
    """Lay flags and environment over a profile of the file; any way to give a password replaces every other."""
    ways = ("password", "password_file", "password_env")
    if any(way in outside for way in ways):
        for way in ways:
            table.pop(way, None)
    table.update(outside)


def _broker(name: str, table: Mapping[str, Value], where: str, environ: Mapping[str, str]) -> Broker:
    """One profile as the MQTT port wants it; files that hold secrets are read now, certificates at connect time."""

    def text(key: str) -> str:
        value = str(table.get(key, ""))
        return str(Path(value).expanduser()) if value and key.endswith("_file") else value

    ways = [key for key in ("password_file", "password_env", "password") if text(key)]
    if len(ways) > 1:
        raise ConfigError(where, f"profile {name} has {' and '.join(ways)}; give one of them.")
    password = text("password")
    if text("password_file"):
        password = first_line(Path(text("password_file")), where, "password_file")
    elif text("password_env"):
        variable = text("password_env")
        if variable not in environ:
            raise ConfigError(where, f"password_env names {ascii(variable)[:60]}, which is not set.")
        password = environ[variable]
    for key in ("ca_file", "cert_file", "key_file"):
        if text(key) and not Path(text(key)).is_file():
            raise ConfigError(where, f"{key} of profile {name}: there is no file {ascii(text(key))[:300]}.")
    key_password = text("key_password_file")
    tls = Tls(
        ca_file=text("ca_file"),
        cert_file=text("cert_file"),
        key_file=text("key_file"),
        key_password=Secret(first_line(Path(key_password), where, "key_password_file")) if key_password else None,
        insecure=bool(table.get("insecure", False)),
    )
    try:
        return parse_broker_url(
            text("url"),
            username=text("username"),
            password=password,
            tls=None if tls == Tls() else tls,
            profile=name,
            kind=ErrorKind.CONFIG,
        )
    except ToolError as error:
        raise ConfigError(where, f"profile {name}: {error.message} {error.hint}") from None


def _policy(general: Mapping[str, Value], layers: _Layers, file: "FileValues | None") -> AccessPolicy:
    lists: dict[str, tuple[str, ...]] = {}
    for name in _FILTER_LISTS:
        value = general.get(name, ())
        lists[name] = value if isinstance(value, tuple) else ()
        where = layers.where.get(name, str(file.path) if file else name)
        for topic_filter in lists[name]:
            try:
                check_topic_filter(topic_filter)
            except ToolError as error:
                raise ConfigError(where, f"{name}: {error.message}") from None
    return AccessPolicy(
        read_only=bool(general.get("read_only", False)),
        profiles_only=bool(general.get("profiles_only", False)),
        publish_allow=lists["publish_allow"],
        publish_deny=lists["publish_deny"],
        read_allow=lists["read_allow"],
        read_deny=lists["read_deny"],
    )
