"""scripts/stamp: the version stands in one place, and everything that repeats it is written and compared."""

import shutil

import pytest

from mqtt_mcp import __version__
from testkit.scripts import ROOT, script

stamp = script("stamp")
DIGEST = "5" * 64


@pytest.fixture
def tree(tmp_path):
    """The files that hold the version, as a tree of their own."""
    for name in {place.path for place in stamp.PLACES} | {stamp.SOURCE}:
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_everything_here_repeats_the_one_version(capsys):
    """`scripts/stamp` mends it."""
    assert stamp.main(["--check"]) == 0, capsys.readouterr().err
    assert stamp.current(ROOT) == __version__


def test_a_new_version_gets_everywhere(tree, capsys):
    """One command makes a release of it."""
    assert stamp.main(["7.8.9"], tree) == 0

    assert stamp.current(tree) == "7.8.9"
    assert stamp.main(["--check"], tree) == 0
    for name in {place.path for place in stamp.PLACES if (tree / place.path).is_file()}:
        text = (tree / name).read_text(encoding="utf-8")
        assert "7.8.9" in text, name
        assert f'"{__version__}"' not in text, name


def test_a_file_that_differs_is_named_with_what_it_says(tree, capsys):
    """Somebody wrote a version by hand."""
    path = tree / "server.json"
    path.write_text(path.read_text(encoding="utf-8").replace(f'mcp:{__version__}"', 'mcp:9.9.9"'), encoding="utf-8")

    assert stamp.main(["--check"], tree) == 1

    assert f"server.json: says 9.9.9, not {__version__}." in capsys.readouterr().err


def test_a_missing_file_and_a_missing_place_are_told(tree, capsys):
    """A place that went away must not go unnoticed."""
    (tree / "server.json").write_text("{}", encoding="utf-8")
    (tree / "mcpb/manifest.json").unlink()

    assert stamp.main([], tree) == 1

    err = capsys.readouterr().err
    assert "mcpb/manifest.json: is missing." in err
    assert "server.json: has 0 of 2 places" in err


def test_an_image_of_another_version_loses_its_digest_and_that_is_told(tree, capsys):
    """The old digest would still be the old image."""
    path = tree / "docs/umbrel.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"image: ghcr.io/bitsperity/mqtt-mcp:{__version__}@sha256:{DIGEST}\n", encoding="utf-8")

    assert stamp.main([], tree) == 0
    assert DIGEST in path.read_text(encoding="utf-8"), "the same version keeps its digest"
    assert stamp.main(["7.8.9"], tree) == 0

    assert path.read_text(encoding="utf-8") == f"image: ghcr.io/bitsperity/mqtt-mcp:7.8.9@sha256:{'0' * 64}\n"
    assert "docs/umbrel.md: the image's digest is not filled in yet." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["0.2"], ["v0.2.0"], ["0.2.0rc1"], ["--check", "0.2.0"], ["0.2.0", "0.3.0"]])
def test_what_is_no_version_is_refused_and_nothing_is_written(tree, arguments, capsys):
    """The registry, the index and the image tag all take three numbers."""
    assert stamp.main(arguments, tree) == 2

    assert stamp.current(tree) == __version__
    assert "usage" in capsys.readouterr().err
