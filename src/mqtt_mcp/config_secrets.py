"""Files that hold one secret each.

Owns how such a file is read and refused; what it holds is never shown. Does not keep it.
"""

from pathlib import Path

from mqtt_mcp.option import ConfigError

MAX_SECRET_FILE_BYTES = 64 * 1024


def first_line(path: Path, where: str, key: str, *, beside: Path | None = None) -> str:
    """The first line of a secret's file, without its line end.

    Whoever may read the file is the business of who made it: secrets of containers are readable for all on purpose.

    Args:
        path: The file.
        where: Where it was named, for the message.
        key: The option that named it.
        beside: The configuration file in which a relative path was written.

    Raises:
        ConfigError: It cannot be read, is not UTF-8 or begins with an empty line.
    """
    named = f"{key} {_shown(path, beside)}"
    want = "put the secret on the first line of a file and name that file"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_FILE_BYTES)
    except OSError as error:
        raise ConfigError(where, f"{named} cannot be read: {error.strerror}; {want}.") from None
    except ValueError:
        raise ConfigError(where, f"{key} is no file name; {want}.") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(where, f"{named} is not UTF-8 text; {want}.") from None
    line = text.split("\n", 1)[0].removesuffix("\r")
    if not line:
        raise ConfigError(where, f"{named} {'has an empty first line' if text else 'is empty'}; {want}.")
    return line


def _shown(path: Path, beside: Path | None) -> str:
    """The path, but not a bare word that was written in its place: it may be the secret itself."""
    if beside is not None and path.parent == beside.parent:
        bare, place = "." not in path.name, f"beside {ascii(str(beside))[:300]}"
    else:
        bare, place = len(path.parts) == 1 and "." not in path.name, "in the working directory"
    return f"(a file {place})" if bare else ascii(str(path))[:300]
