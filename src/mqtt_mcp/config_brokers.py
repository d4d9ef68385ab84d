"""Broker profiles: the tables of the file, with what flags and environment say about them.

Owns which broker a flag or variable is about, and that credentials stay with the address they were given with: a URL
from one place never gets the password from another place that names its own URL. Opens no connection.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mqtt_mcp.config_layers import Given, Layers
from mqtt_mcp.config_secrets import first_line
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls, parse_broker_url
from mqtt_mcp.option import ConfigError, expanded

if TYPE_CHECKING:
    from mqtt_mcp.config_file import FileValues

ENVIRONMENT_PROFILE = "default"
"""The profile that ``MQTT_BROKER_URL`` or ``--broker URL`` makes."""

_PASSWORD_WAYS = ("password_file", "password_env", "password")


def broker_profiles(
    layers: Layers, file: "FileValues | None", environ: Mapping[str, str]
) -> tuple[dict[str, Broker], str]:
    """All profiles, and the default one as far as they themselves decide it.

    Args:
        layers: Flags and environment; a profile that ``--broker`` names becomes its ``profile``.
        file: The TOML file.
        environ: Where ``password_env`` looks.

    Raises:
        ConfigError: A profile cannot be used as it is, or a flag or variable is about no broker.
    """
    tables: dict[str, Given] = {}
    for name, values in file.brokers.items() if file else ():
        tables[name] = {key: (value, "") for key, value in values.items()}
    default = next(iter(tables)) if len(tables) == 1 else ""
    from_flags, from_env = dict(layers.broker_flags), dict(layers.broker_env)
    env_target = str(layers.values.get("profile", "") or (file.general.get("profile", "") if file else ""))
    flag_target = env_target
    named = str(from_flags["url"][0]) if "url" in from_flags else ""
    if named in tables:  # --broker home: the name of a profile in place of a URL
        layers.values["profile"] = flag_target = named
        layers.where["profile"] = from_flags.pop("url")[1]
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
    for given, target in ((from_env, env_target or default), (from_flags, flag_target or default)):
        if given and target not in tables:
            _, where = next(iter(given.values()))
            raise ConfigError(where, "there is no broker to apply it to; set MQTT_BROKER_URL or --broker as well.")
        _overlay(tables.get(target, {}), given)
    return {name: _Profile(name, table, file, environ).broker() for name, table in tables.items()}, default


def _overlay(table: Given, outside: Given) -> None:
    """Lay flags and environment over a profile of the file; any way to give a password replaces every other."""
    if any(way in outside for way in _PASSWORD_WAYS):
        for way in _PASSWORD_WAYS:
            table.pop(way, None)
    table.update(outside)


class _Profile:
    """One profile on its way to what the MQTT port wants."""

    def __init__(self, name: str, table: Given, file: "FileValues | None", environ: Mapping[str, str]) -> None:
        self._name = name
        self._table = table
        self._file = file
        self._environ = environ

    def broker(self) -> Broker:
        """The broker; files that hold secrets are read now, certificates at connect time."""
        password, password_key = self._password()
        for key in ("ca_file", "cert_file", "key_file"):
            path = self._text(key)
            if path and not Path(path).is_file():
                raise self._wrong(key, f"there is no file {ascii(path)[:300]}; it names a file in PEM format.")
        if self._text("key_file") and not self._text("cert_file"):
            raise self._wrong("key_file", "a key needs its certificate; set cert_file as well.")
        tls = Tls(
            ca_file=self._text("ca_file"),
            cert_file=self._text("cert_file"),
            key_file=self._text("key_file"),
            key_password=Secret(self._secret_file("key_password_file")) if self._text("key_password_file") else None,
            insecure=bool(self._table.get("insecure", (False, ""))[0]),
        )
        # First without credentials: what is wrong then is the address.
        self._parsed("url", tls=tls)
        username = self._text("username")
        blame = "username" if username and not password else password_key or "url"
        return self._parsed(blame, tls=tls, username=username, password=password)

    def _parsed(self, key: str, *, tls: Tls, username: str = "", password: str = "") -> Broker:
        try:
            return parse_broker_url(
                self._text("url"),
                username=username,
                password=password,
                tls=None if tls == Tls() else tls,
                profile=self._name,
                kind=ErrorKind.CONFIG,
            )
        except ToolError as error:
            raise self._wrong(key, f"{error.message} {error.hint}") from None

    def _password(self) -> tuple[str, str]:
        """The password and the option that gives it; both empty when there is none."""
        ways = [key for key in _PASSWORD_WAYS if self._text(key)]
        if len(ways) > 1:
            raise self._wrong(ways[1], f"there are {' and '.join(ways)}; give one of them.")
        if not ways:
            return "", ""
        (way,) = ways
        if way == "password_file":
            return self._secret_file(way), way
        if way == "password":
            return self._text(way), way
        variable = self._text(way)
        if not variable.isidentifier():  # perhaps the password itself
            raise self._wrong(way, "it takes the name of an environment variable, such as HOME_PASSWORD.")
        if not self._environ.get(variable):
            raise self._wrong(way, f"the variable {ascii(variable)[:60]} is not set.")
        return self._environ[variable], way

    def _secret_file(self, key: str) -> str:
        beside = self._file.path if self._file else None
        return first_line(Path(self._text(key)), self._where(key), key, beside=beside)

    def _text(self, key: str) -> str:
        value = str(self._table.get(key, ("", ""))[0])
        return str(expanded(value)) if value and key.endswith("_file") else value

    def _where(self, key: str) -> str:
        where = self._table.get(key, ("", ""))[1]
        if not where and self._file:
            where = self._file.where("brokers", self._name, key)
        return where

    def _wrong(self, key: str, problem: str) -> ConfigError:
        return ConfigError(self._where(key), f"{key} of profile {self._name}: {problem}")
