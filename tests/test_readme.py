"""The README's generated tables are what the code says."""

from pathlib import Path

import pytest

from mqtt_mcp.commands.docs import regenerated, run, tables

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
