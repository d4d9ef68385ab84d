"""The README's generated tables are what the code says, and its examples work when pasted."""

import json
import re
from pathlib import Path

import pytest

from mqtt_mcp.commands.docs import regenerated, run, tables
from mqtt_mcp.config import load_config
from mqtt_mcp.demo.snippets import SSH_OPTIONS
from mqtt_mcp.demo.tour import TOOLS
from mqtt_mcp.errors import ErrorKind
from mqtt_mcp.options import OPTIONS

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("name", ["tools", "options"])
def test_the_readme_holds_the_current_table(name):
    """Stale? `just docs` writes it anew."""
    text = README.read_text(encoding="utf-8")

    assert f"<!-- {name}:begin -->" in text
    assert tables()[name] in text, "the README is stale: run `just docs`"


def test_regenerating_replaces_only_what_is_between_the_markers(tmp_path):
    """The rest of the file is people's."""
    text = "before\n<!-- tools:begin -->\nold\n<!-- tools:end -->\nafter\n"

    fresh = regenerated(text)

    assert fresh.startswith("before\n<!-- tools:begin -->\n")
    assert fresh.endswith("<!-- tools:end -->\nafter\n")
    assert "old" not in fresh
    assert tables()["tools"] in fresh
    assert regenerated(fresh) == fresh


def test_check_tells_a_stale_file_by_its_exit_status(tmp_path, capsys):
    """For `just check`."""
    path = tmp_path / "R.md"
    path.write_text("<!-- tools:begin -->\nold\n<!-- tools:end -->\n<!-- options:begin -->\n<!-- options:end -->\n")

    assert run([str(path), "--check"]) == 1
    assert run([str(path)]) == 0
    assert run([str(path), "--check"]) == 0
    assert "stale" in capsys.readouterr().err


def blocks(language):
    """The README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_toml_example_is_a_configuration(tmp_path):
    """Pasted as it is, with files in place of those it names."""
    (example,) = blocks("toml")
    for name in sorted(set(re.findall(r'_file = "(.*?)"', example))):
        stand_in = tmp_path / Path(name).name
        stand_in.write_text("secret\n")
        example = example.replace(f'"{name}"', f'"{stand_in}"')
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text(example)

    config = load_config({"config": str(path)}, {})

    assert sorted(config.profiles) == ["home", "production"]
    assert config.default_profile == "home"


def test_the_client_snippets_are_json_with_variables_that_exist():
    """Cursor, SSH and VS Code."""
    snippets = [json.loads(text) for text in blocks("json")]

    servers = [next(iter(snippet.values()))["mqtt"] for snippet in snippets]
    assert [next(iter(snippet)) for snippet in snippets] == ["mcpServers", "mcpServers", "servers"]
    assert servers[1]["args"][: len(SSH_OPTIONS)] == list(SSH_OPTIONS)
    known = {option.env for option in OPTIONS}
    assert {name for server in servers for name in server.get("env", {})} <= known


def test_the_errors_of_the_troubleshooting_table_exist():
    """The first column is what an answer begins with."""
    section = README.read_text(encoding="utf-8").split("## Troubleshooting")[1].split("## Develop")[0]
    named = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE))

    assert len(named) >= 10
    assert named <= {str(kind.value) for kind in ErrorKind}


def test_what_the_shell_examples_call_exists():
    """Tools by their names, commands by theirs."""
    shell = "\n".join(blocks("sh"))

    assert set(re.findall(r"^mqtt-mcp call (\w+)", shell, re.MULTILINE)) <= set(TOOLS)
    assert set(re.findall(r"mqtt-mcp (check|call|demo|stdio)\b", shell)) >= {"check", "call", "demo"}
