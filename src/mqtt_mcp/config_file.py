"""The TOML file: reading it and naming the line of what is wrong in it.

Owns the shape of the file (top level, ``[limits]``, ``[monitor]``, ``[brokers.NAME]``). Does not know precedence, the
environment or what a value means; imported only when there is a file, because ``tomllib`` costs start-up time.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from mqtt_mcp.config_lines import Lines
from mqtt_mcp.mqtt.broker_url import without_user_info
from mqtt_mcp.option import ConfigError, Option, Section, Value, checked, expanded, suggestion
from mqtt_mcp.options import OPTIONS, section

PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
_TABLES = ("limits", "monitor", "brokers")
_HEADERS = {"limits": "[limits]", "monitor": "[monitor]", "brokers": "[brokers.NAME]", "broker": "[brokers.NAME]"}
"""How tables, and the sections of options, are spelled."""


class FileValues:
    """What a file says, checked, by option name. Relative paths are meant beside the file and are already absolute.

    Attributes:
        path: The file.
        general: Top-level options.
        limits: Options of ``[limits]``.
        monitor: Options of ``[monitor]``.
        brokers: Profile name to its options.
    """

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self._lines = Lines(text)
        for name in _TABLES:
            if not isinstance(data.get(name, {}), dict):
                raise ConfigError(self.where(name), f"{name} must be a table: {_HEADERS[name]}.")
        self.brokers = {name: self._broker(name, table) for name, table in data.get("brokers", {}).items()}
        self.limits = self._table("limits", data.get("limits", {}), "limits")
        self.monitor = self._table("monitor", data.get("monitor", {}), "monitor")
        self.general = self._table("general", {key: data[key] for key in data if key not in _TABLES})

    def where(self, *path: str) -> str:
        """``file:line`` of what ``path`` names, for messages; see ``Lines.of``."""
        line = self._lines.of(*path)
        return f"{self.path}:{line}" if line else str(self.path)

    def _broker(self, name: str, table: Any) -> dict[str, Value]:
        where = self.where("brokers", name)
        if not PROFILE_NAME.fullmatch(name):
            shown = ascii(without_user_info(name))[:60]
            raise ConfigError(where, f"{shown} cannot name a profile: letters, digits, '_', '-', '.'.")
        if not isinstance(table, dict):
            raise ConfigError(where, f'a broker is a table: [brokers.{name}] with url = "mqtt://…".')
        values = self._table("broker", table, "brokers", name)
        if not values.get("url"):
            raise ConfigError(where, f'[brokers.{name}] needs url = "mqtt://host".')
        return values

    def _table(self, kind: Section, table: dict[str, Any], *path: str) -> dict[str, Value]:
        known: dict[str, Option] = {option.name: option for option in section(kind)}
        values: dict[str, Value] = {}
        for key, value in table.items():
            where = self.where(*path, key)
            if key not in known:
                raise ConfigError(where, _unknown(key, value, kind, list(known)))
            values[key] = self._absolute(known[key], checked(known[key], value, where))
        return values

    def _absolute(self, option: Option, value: Value) -> Value:
        """Paths in a file are meant beside that file."""
        if option.kind != "path" or not isinstance(value, str) or not value:
            return value
        return str(self.path.parent / expanded(value))


def read_config_file(path: Path) -> FileValues:
    """Read and check one file.

    Raises:
        ConfigError: It cannot be read, is not TOML, has an unknown key or a value that is not allowed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}.") from None
    try:
        # Editors on Windows put a mark in front.
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}", "is not UTF-8; save the file in that encoding.") from None
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # tomllib's own words name the place, never the text that stands there.
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        problem = _TOML_PLACE.sub("", str(error))
        hint = 'write key = "value", texts in quotes, tables as [name]'
        raise ConfigError(f"{path}:{line}", f"is not TOML: {problem}; {hint}.") from None
    except RecursionError:
        raise ConfigError(str(path), "is not a configuration: it is nested too deeply.") from None
    return FileValues(path, text, parsed)


def _unknown(key: str, value: object, kind: Section, known: list[str]) -> str:
    """The sentence for a key that is not allowed where it stands. Shows no value, and only what looks like a key."""
    what = "table" if isinstance(value, dict) else "key"
    shown = ascii(key) if _PLAIN_KEY.fullmatch(key) else "(its name is in quotes)"
    tables = list(_TABLES) if kind == "general" else []
    if guess := suggestion(key, tables if what == "table" else known):
        meant = f"did you mean {_HEADERS.get(guess, guess)}? "
    else:
        others = [o for o in OPTIONS if o.name == key and o.section != kind]
        meant = f"it belongs to {_HEADERS.get(others[0].section, 'the top of the file')}; " if others else ""
    allowed = ", ".join([*known, *(_HEADERS[name] for name in tables)])
    return f"unknown {what} {shown}; {meant}allowed are {allowed}."
