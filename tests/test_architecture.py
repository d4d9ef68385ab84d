"""The rooms and who may import whom, as ARCHITECTURE.md draws them. Architecture is a test, not a wish."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mqtt_mcp"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 320

ROOMS = {
    # room: the other rooms it may import
    "errors": set(),
    "settings": set(),
    "wire": {"errors"},
    "clients": {"errors"},
    "mqtt": {"errors", "settings"},
    "analysis": {"mqtt.client", "settings"},
    "hub": {
        "errors",
        "settings",
        "mqtt",
        "analysis.accumulator",
        "analysis.text",
        "analysis.histogram",
        "analysis.performance.round_trips",
        "analysis.performance.broker_drops",
    },
    "tools": {"errors", "settings", "mqtt", "hub", "analysis"},
    "demo": {"errors", "settings", "mqtt"},
    "monitor": {"errors", "settings", "hub"},
}
ADAPTER = {"mqtt.gmqtt_client", "mqtt.bridge", "mqtt.network_probe"}
STANDARD_LIBRARY_ONLY = {"wire/relay.py", "wire/socket_path.py"}
NO_LIBRARIES = {"clients/"}
"""Rooms that need the standard library and this package only."""
ONLY_IN = {
    # package: the only files that may import it
    "anyio": {"mqtt/bridge.py"},
    "gmqtt": {"mqtt/gmqtt_"},
    "amqtt": {"demo/"},
    "asyncio": {"mqtt/", "demo/"},
    "quart": {"monitor/"},
    "quart_trio": {"monitor/"},
    "hypercorn": {"monitor/"},
    "werkzeug": {"monitor/"},
    "prometheus_client": {"monitor/"},
}
MONITOR_USERS = {"commands/_monitor.py"}
"""Who may load the web: it costs tens of megabytes, and a window never needs it."""


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, anywhere in it, without type-checking-only imports."""
    tree = ast.parse(path.read_text())
    checking = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            if node.module and node.module.startswith("mqtt_mcp"):
                yield from (
                    f"{node.module}.{a.name}" for a in node.names if (SOURCE / _path(node.module, a.name)).exists()
                )


def _path(module: str, name: str) -> str:
    return "/".join([*module.split(".")[1:], f"{name}.py"])


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_only_what_its_room_may(path):
    """Rooms of ARCHITECTURE.md; commands and the top-level files put rooms together."""
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room not in ROOMS:
        return
    for module in imports(path):
        if not module.startswith("mqtt_mcp."):
            continue
        target = module.removeprefix("mqtt_mcp.")
        if target.split(".")[0] == room:
            continue
        assert any(target == allowed or target.startswith(f"{allowed}.") for allowed in ROOMS[room]), (
            f"{name_of(path)} must not import {module}"
        )


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_library_is_known_to_one_file(path):
    """Only the bridge knows anyio, only the adapter gmqtt; the hub sees the port, never the adapter."""
    own = name_of(path)
    for module in imports(path):
        top = module.split(".")[0]
        if top in ONLY_IN:
            assert own.startswith(tuple(ONLY_IN[top])), f"{own} must not import {module}"
        if module.removeprefix("mqtt_mcp.") in ADAPTER:
            assert own.startswith(("mqtt/", "commands/")), f"{own} must not import {module}"
        assert top not in {"mcp", "fastmcp", "pydantic"}, f"{own} must not import {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_daemon_knows_the_monitor(path):
    """`serve` and `demo` show a page; nothing behind the doors knows that there is one."""
    if path.is_relative_to(SOURCE / "monitor") or name_of(path) in MONITOR_USERS:
        return
    assert not [module for module in imports(path) if module.startswith("mqtt_mcp.monitor")]


@pytest.mark.parametrize("path", sorted(STANDARD_LIBRARY_ONLY))
def test_a_window_of_a_hub_needs_the_standard_library_only(path):
    """Their imports are what a client waits for; only each other they may import beside it."""
    allowed = {"mqtt_mcp." + name.removesuffix(".py").replace("/", ".") for name in STANDARD_LIBRARY_ONLY}
    for module in imports(SOURCE / path):
        assert module in allowed or module.split(".")[0] in sys.stdlib_module_names, f"{path} must not import {module}"


@pytest.mark.parametrize("path", [one for one in FILES if name_of(one).startswith(tuple(NO_LIBRARIES))], ids=name_of)
def test_a_room_without_libraries_has_none(path):
    """Snippets and somebody else's configuration are text; no dependency has a say in them."""
    for module in imports(path):
        assert module.split(".")[0] in {"mqtt_mcp", *sys.stdlib_module_names}, f"{name_of(path)}: {module}"


@pytest.mark.parametrize("path", sorted((SOURCE / "analysis").rglob("*.py")), ids=name_of)
def test_the_analysis_is_pure(path):
    """No trio, no I/O and no clock of its own: time comes in as an argument."""
    for module in imports(path):
        assert module.split(".")[0] not in {"trio", "time", "asyncio", "socket", "threading", "os", "pathlib", "random"}


@pytest.mark.parametrize("path", sorted((SOURCE / "tools").glob("*.py")), ids=name_of)
def test_a_tool_knows_no_other_tool(path):
    """One file is one tool; what they share is in files that begin with an underscore."""
    for module in imports(path):
        if module.startswith("mqtt_mcp.tools.") and path.name != "__init__.py":
            assert module.split(".")[2].startswith("_"), f"{path.name} must not import {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_one_idea_and_says_which(path):
    """Every file has a docstring and stays below the line limit: above it is two ideas."""
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), f"{name_of(path)} has no docstring"
    assert len(text.splitlines()) <= MAX_LINES, f"{name_of(path)} is too long"


def test_there_is_no_import_circle():
    """A file may be understood with only the files below it."""
    graph = {
        "mqtt_mcp." + name_of(p).removesuffix(".py").replace("/", ".").removesuffix(".__init__"): set(imports(p))
        for p in FILES
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module in done or module not in graph:
            return
        for target in sorted(graph[module]):
            if target in graph and target != module:
                visit(target, (*trail, module))
        done.add(module)

    for module in graph:
        visit(module, ())
