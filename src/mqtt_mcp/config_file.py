"""The TOML file: finding it, reading it and naming the line of what is wrong in it.

Owns the shape of the file (top level, ``[limits]``, ``[monitor]``, ``[brokers.NAME]``). Does not know precedence, the
environment or what a value means; imported only when there is a file, because ``tomllib`` costs start-up time.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from mqtt_mcp.option import ConfigError, Option, Section, Value, checked
from mqtt_mcp.options import section

PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class FileValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says, checked, by option name.

    Attributes:
        path: The file.
        general: Top-level options.
        limits: Options of ``[limits]``.
        monitor: Options of ``[monitor]``.
        brokers: Profile name to its options.
        where: Profile name to ``file:line``, for messages about the profile as a whole.

    Relative paths are meant beside the file and are already made absolute.
    """

    path: Path
    general: dict[str, Value]
    limits: dict[str, Value]
    monitor: dict[str, Value]
    brokers: dict[str, dict[str, Value]]
    where: dict[str, str]


def read_config_file(path: Path) -> FileValues:
    """Read and check one file.

    Raises:
        ConfigError: It cannot be read, is not TOML, has an unknown key or a value that is not allowed.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8 at byte {error.start}.") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # tomllib's own words name the line, never the text that stands there.
        raise ConfigError(str(path), f"is not TOML: {error}.") from None
    except RecursionError:
        raise ConfigError(str(path), "is not a configuration: it is nested too deeply.") from None
    return _checked_file(path, text, data)


def _checked_file(path: Path, text: str, data: dict[str, Any]) -> FileValues:
    limits, monitor, brokers = data.pop("limits", {}), data.pop("monitor", {}), data.pop("brokers", {})
    for name, table in (("limits", limits), ("monitor", monitor), ("brokers", brokers)):
        if not isinstance(table, dict):
            raise ConfigError(_where(path, text, "", name), f"{name} must be a table.")
    profiles: dict[str, dict[str, Value]] = {}
    where: dict[str, str] = {}
    for name, table in brokers.items():
        header = f"brokers.{name}"
        where[name] = _where(path, text, header, "")
        if not PROFILE_NAME.fullmatch(name):
            raise ConfigError(where[name], f"{ascii(name)[:60]} cannot name a profile: letters, digits, '_', '-', '.'.")
        if not isinstance(table, dict):
            raise ConfigError(where[name], f'a broker is a table: [brokers.{name}] with url = "mqtt://…".')
        values = _checked_table(path, text, header, "broker", table)
        if not values.get("url"):
            raise ConfigError(where[name], f'[brokers.{name}] needs url = "mqtt://host".')
        profiles[name] = values
    return FileValues(
        path=path,
        general=_checked_table(path, text, "", "general", data),
        limits=_checked_table(path, text, "limits", "limits", limits),
        monitor=_checked_table(path, text, "monitor", "monitor", monitor),
        brokers=profiles,
        where=where,
    )


def _checked_table(path: Path, text: str, header: str, kind: Section, table: dict[str, Any]) -> dict[str, Value]:
    known: dict[str, Option] = {option.name: option for option in section(kind)}
    values: dict[str, Value] = {}
    for key, value in table.items():
        where = _where(path, text, header, key)
        if key not in known:
            allowed = list(known) + (["[limits]", "[monitor]", "[brokers.NAME]"] if kind == "general" else [])
            raise ConfigError(where, f"unknown key {ascii(key)[:60]}; allowed are {', '.join(allowed)}.")
        values[key] = _absolute(path, known[key], checked(known[key], value, where))
    return values


def _absolute(path: Path, option: Option, value: Value) -> Value:
    """Paths in a file are meant beside that file."""
    if option.kind != "path" or not isinstance(value, str) or not value:
        return value
    return str(path.parent / Path(value).expanduser())


def _where(path: Path, text: str, header: str, key: str) -> str:
    """``file:line`` of a key (or of a table when ``key`` is empty); only ``file`` when the line is not plain to see."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        table = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if table:
            current = re.sub(r"\s*\.\s*", ".", table[1]).replace('"', "").replace("'", "")
            if not key and current == header:
                return f"{path}:{number}"
        elif key and current == header and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return f"{path}:{number}"
    return str(path)
