"""What is in a wheel and in an sdist, and what must be.

Owns the rules about archives: a wheel holds the package and nothing beside it, an sdist everything that is tracked.
Builds nothing.
"""

import re
import subprocess
import tarfile
import zipfile
from pathlib import Path


class WrongContents(Exception):
    """An archive holds what it must not, or lacks what it must have; names it."""


def _tracked(root: Path) -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True, timeout=60)
    return {name for name in listed.stdout.split("\0") if name}


def _demand(archive: Path, missing: set[str], extra: set[str]) -> None:
    if missing or extra:
        told = [
            f"{word} {', '.join(sorted(names)[:10])}" for word, names in (("lacks", missing), ("has", extra)) if names
        ]
        raise WrongContents(f"{archive.name} {' and '.join(told)} ({len(missing)} missing, {len(extra)} too many)")


def check_same(one: Path, other: Path) -> None:
    """Two wheels must hold the same files with the same bytes.

    Raises:
        WrongContents: They do not; names some.
    """
    contents = []
    for path in (one, other):
        with zipfile.ZipFile(path) as archive:
            contents.append({info.filename: info.CRC for info in archive.infolist()})
    differing = {name for name, _ in contents[0].items() ^ contents[1].items()}
    if differing:
        raise WrongContents(f"the wheels of sdist and tree differ in {', '.join(sorted(differing)[:10])}")


def check_wheel(wheel: Path, root: Path, version: str) -> str:
    """The package's tracked files, the licence, both commands and the registry's marker, and nothing else.

    Args:
        wheel: The file.
        root: The tree it was made of.
        version: The version it must have.

    Returns:
        One line about it.

    Raises:
        WrongContents: It is not so.
    """
    info = f"bitsperity_mqtt_mcp-{version}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        texts = {name: archive.read(f"{info}/{name}").decode() for name in ("METADATA", "entry_points.txt")}
    own = {name.removeprefix("src/") for name in _tracked(root) if name.startswith("src/")}
    beside = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    _demand(wheel, (own | beside) - names, names - own - beside)
    for must in ("mqtt_mcp/py.typed", "mqtt_mcp/monitor/static/index.html"):
        _demand(wheel, {must} - names, set())
    for text, line in (
        (texts["METADATA"], f"Version: {version}"),
        (texts["METADATA"], "<!-- mcp-name: io.github.bitsperity/mqtt-mcp -->"),
        (texts["entry_points.txt"], "mqtt-mcp = mqtt_mcp.__main__:main"),
        (texts["entry_points.txt"], "bitsperity-mqtt-mcp = mqtt_mcp.__main__:main"),
    ):
        if line not in text.splitlines():
            raise WrongContents(f"{wheel.name} has no line {line!r}")
    return f"{len(own)} files of the package, licence, both commands"


def requirements(wheel: Path) -> list[str]:
    """What a wheel needs, with the extra ``demo``, each as a requirement of its own.

    Args:
        wheel: The file.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    plain = [one for one in needed if ";" not in one]
    demo = [one.partition(";")[0].strip() for one in needed if re.search(r"; *extra == ['\"]demo['\"]$", one)]
    return plain + demo


def check_lowest(needed: list[str], listed: str) -> None:
    """Each library must be there in the lowest version that is allowed.

    Args:
        needed: Requirements that all name their lowest version, as ``>=`` or ``==``.
        listed: What is installed, as ``name==version`` on each line.

    Raises:
        WrongContents: One is another, or its bound is no version that exists.
    """
    installed = dict(line.lower().split("==", 1) for line in listed.splitlines() if "==" in line)
    for one in needed:
        match = re.match(r"(?P<name>[\w.-]+).*?[=>]=(?P<version>[\d.]+)", one)
        if match is None:
            raise WrongContents(f"{one} names no lowest version")
        version = installed.get(match["name"].lower(), "nothing")
        if _numbers(version) != _numbers(match["version"]):
            raise WrongContents(f"{one}: installed was {version}")


def _numbers(version: str) -> str:
    return re.sub(r"(\.0)+$", "", version)


def check_sdist(sdist: Path, root: Path) -> str:
    """Everything that is tracked, so that both commands of the README work in it, and nothing that is not.

    Args:
        sdist: The file.
        root: The tree it was made of.

    Returns:
        One line about it.

    Raises:
        WrongContents: It is not so; the include list of pyproject.toml has a gap.
    """
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile() or member.issym()}
    tracked = _tracked(root)
    _demand(sdist, tracked - names, names - tracked - {"PKG-INFO"})
    return f"{len(names)} files, all that is tracked"
