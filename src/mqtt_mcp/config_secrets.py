"""Files that hold one secret each.

Owns how such a file is read and refused; what it holds is never shown. Does not keep it.
"""

from pathlib import Path

from mqtt_mcp.option import ConfigError

MAX_SECRET_FILE_BYTES = 64 * 1024


def first_line(path: Path, where: str, key: str) -> str:
    """The first line of a secret's file, without its line end.

    Args:
        path: The file.
        where: Where it was named, for the message.
        key: The option that named it.

    Raises:
        ConfigError: It cannot be read, is not UTF-8 or begins with an empty line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_FILE_BYTES)
    except OSError as error:
        raise ConfigError(where, f"{key} {ascii(str(path))[:300]} cannot be read: {error.strerror}.") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(where, f"{key} {ascii(str(path))[:300]} is not UTF-8 text.") from None
    line = text.split("\n", 1)[0].removesuffix("\r")
    if not line:
        raise ConfigError(where, f"{key} {ascii(str(path))[:300]} has an empty first line.")
    return line
