"""The README's generated tables are what the code says, and its examples work when pasted."""

import json
import re
import shutil
from pathlib import Path

import pytest

from mqtt_mcp.clients.table import CLIENTS
from mqtt_mcp.commands.docs import PAGES, TABLES, regenerated, run, tables
from mqtt_mcp.config import load_config
from mqtt_mcp.demo.tour import TOOLS
from mqtt_mcp.errors import ErrorKind
from mqtt_mcp.options import OPTIONS

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("name", sorted(TABLES))
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
    path.write_text("".join(f"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\n" for name in TABLES))

    assert run([str(path), "--check"]) == 1
    assert run([str(path)]) == 0
    assert run([str(path), "--check"]) == 0
    assert "stale" in capsys.readouterr().err


def blocks(language):
    """The README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_toml_example_is_a_configuration(tmp_path):
    """Pasted as it is, with files in place of those it names."""
    (example,) = (text for text in blocks("toml") if "[brokers." in text)
    for name in sorted(set(re.findall(r'_file = "(.*?)"', example))):
        stand_in = tmp_path / Path(name).name
        stand_in.write_text("secret\n")
        example = example.replace(f'"{name}"', f'"{stand_in}"')
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text(example)

    config = load_config({"config": str(path)}, {})

    assert sorted(config.profiles) == ["home", "production"]
    assert config.default_profile == "home"


def test_the_client_snippets_are_of_every_client_with_variables_that_exist():
    """One folded block for each client of the table."""
    text = README.read_text(encoding="utf-8")
    snippets = [json.loads(text) for text in blocks("json")]

    servers = [next(iter(snippet.values()))["mqtt"] for snippet in snippets]
    assert re.findall(r"<summary><b>(.*?)</b>", text) == [client.title for client in CLIENTS]
    assert [next(iter(snippet)) for snippet in snippets[:-1]] == [one.key for one in CLIENTS if one.format == "json"]
    assert [server["command"] for server in servers].index("ssh") == len(servers) - 1
    known = {option.env for option in OPTIONS}
    assert {name for server in servers for name in server.get("env", {})} <= known


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_current(name):
    """Stale? `just docs` writes it anew."""
    path = README.parent / name

    assert path.read_text(encoding="utf-8") == PAGES[name](), f"{name} is stale: run `just docs`"


def test_without_a_file_every_paper_is_checked_and_written(tmp_path, capsys, monkeypatch):
    """The README and the pages, each named when it is stale."""
    shutil.copytree(README.parent / "docs" / "recorded", tmp_path / "docs" / "recorded")
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in TABLES))

    assert run(["--check"]) == 1
    told = capsys.readouterr().err
    assert "the tables of README.md are stale" in told
    assert all(f"{name} is stale" in told for name in PAGES)
    assert run([]) == 0
    assert run(["--check"]) == 0
    Path(next(iter(PAGES))).write_text("old")
    assert run(["--check"]) == 1


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
