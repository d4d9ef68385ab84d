"""What one configuration option is, and how its value is read and refused.

Owns the kinds of options and the one error a wrong configuration is. Does not know which options there are
(``options.py``) or where values come from (``config.py``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import without_user_info

Kind = Literal["text", "path", "switch", "filters", "names", "integer", "seconds", "choice"]
Section = Literal["general", "broker", "monitor", "limits"]
Value = str | bool | int | float | tuple[str, ...]

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


class ConfigError(ToolError):
    """The configuration is wrong or missing: one line naming where it is, what was found and what is allowed.

    Args:
        where: File and key, variable or flag.
        problem: What is wrong, without echoing a secret.
    """

    def __init__(self, where: str, problem: str) -> None:
        one_line = " ".join(f"{where}: {problem}".split())
        super().__init__(ErrorKind.CONFIG, one_line)


def expanded(text: str) -> Path:
    """The path, with ``~`` resolved where that is possible; else as written, where nothing will be found."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def suggestion(word: str, known: Sequence[str], *, cutoff: float = 0.7) -> str:
    """The one of ``known`` that was probably meant by ``word``; empty when none is like it.

    Args:
        word: What was written.
        known: What is allowed.
        cutoff: How alike they must be, from 0 to 1.
    """
    import difflib  # noqa: PLC0415 - only for a message about a mistake

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), "")


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be configured.

    Attributes:
        name: Name in the program and in the TOML file.
        section: ``general`` (top of the file), ``broker`` (``[brokers.NAME]``), ``monitor`` or ``limits`` (tables of
            that name).
        kind: How a value is read and checked.
        help: One sentence for a person.
        env: Environment variable, empty when there is none.
        flag: Command line flag, empty when there is none (secrets: other users can see a command line).
        default: The value when nobody says anything.
        secret: True when the value is never shown, not even in the message that refuses it.
        minimum, maximum: Bounds of numbers, both included.
        choices: The allowed words of a ``choice``.
    """

    name: str
    section: Section
    kind: Kind
    help: str
    env: str = ""
    flag: str = ""
    default: Value = ""
    secret: bool = False
    minimum: float = 0
    maximum: float = 0
    choices: tuple[str, ...] = ()

    @property
    def toml_key(self) -> str:
        """Where it stands in the TOML file, for people."""
        if self.section == "broker":
            return f"[brokers.NAME] {self.name}"
        return self.name if self.section == "general" else f"[{self.section}] {self.name}"

    @property
    def allowed(self) -> str:
        """What is allowed, in words, for messages."""
        bounds = f"from {self.minimum:.15g} to {self.maximum:.15g}"
        return {
            "switch": "true or false (in the environment also 1 or 0)",
            "choice": "one of " + ", ".join(self.choices),
            "filters": "a list of topic filters (in the environment separated by commas)",
            "names": "a list of host names (in the environment separated by commas)",
            "integer": f"a whole number {bounds}",
            "seconds": f"seconds {bounds}",
            "path": "the path of a file",
            "text": "text",
        }[self.kind]


def from_text(option: Option, text: str, where: str) -> Value:
    """Read a value from the environment or the command line.

    Args:
        option: Whose value it is.
        text: What was written.
        where: The variable or flag, for the message.

    Raises:
        ConfigError: It is not an allowed value.
    """
    match option.kind:
        case "switch":
            word = text.strip().lower()
            if word not in _TRUE + _FALSE:
                raise _refusal(option, text, where)
            return word in _TRUE
        case "filters" | "names":
            return checked(option, [part.strip() for part in text.split(",") if part.strip()], where)
        case "integer" | "seconds":
            try:
                number = float(text) if option.kind == "seconds" else int(text)
            except ValueError:
                raise _refusal(option, text, where) from None
            return checked(option, number, where)
        case _:
            return checked(option, text, where)


def checked(option: Option, value: Any, where: str) -> Value:
    """Check a typed value, from TOML or already read from text.

    Raises:
        ConfigError: It has the wrong type or is out of bounds.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match option.kind:
        case "switch" if isinstance(value, bool):
            return value
        case "filters" | "names" if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        case "integer" if isinstance(value, int) and is_number and option.minimum <= value <= option.maximum:
            return value
        case "seconds" if is_number and option.minimum <= value <= option.maximum:
            return float(value)
        case "choice" if value in option.choices:
            return str(value)
        case "text" | "path" if isinstance(value, str) and "\0" not in value:
            return value
    raise _refusal(option, value, where)


def _refusal(option: Option, value: object, where: str) -> ConfigError:
    """The one sentence for a value that is not allowed; shows it bounded, and not at all when it is a secret."""
    found = "" if option.secret else f" not {without_user_info(ascii(value))[:60]}"
    guess = suggestion(value, option.choices) if isinstance(value, str) and option.choices else ""
    meant = f" Did you mean {guess}?" if guess else ""
    return ConfigError(where, f"{option.name} must be {option.allowed}{',' if found else ''}{found}.{meant}")
