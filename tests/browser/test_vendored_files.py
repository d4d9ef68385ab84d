"""The libraries of the page are the pinned ones, and the check says so without a network."""

import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from mqtt_mcp.monitor.pages import STATIC

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "vendor"


@pytest.fixture(scope="module")
def vendor() -> ModuleType:
    """The script as a module."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # it would lie beside the script
    try:
        spec = spec_from_loader("vendor", SourceFileLoader("vendor", str(SCRIPT)))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(STATIC / "vendor", tmp_path / "vendor"))


def test_the_vendored_files_are_the_pinned_ones():
    """With an environment in which no npm can be found."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], check=False, env={}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_differs_is_named(vendor, copy):
    assert vendor.check(copy) == []
    with (copy / "htm.mjs").open("a") as file:
        file.write("\nalert(1)\n")
    (copy / "LICENSE.uplot").unlink()
    (copy / "more.js").write_text("")
    assert vendor.check(copy) == [
        "LICENSE.uplot is missing",
        "htm.mjs differs from what was vendored",
        "more.js is not in vendor.json",
    ]
    (copy / "vendor.json").unlink()
    (difference,) = vendor.check(copy)
    assert difference.startswith("vendor.json cannot be read")


def test_no_file_of_the_page_names_another_host():
    """Addresses of standards and of where libraries come from stand in comments and names; nothing else may."""
    allowed = ("http://www.w3.org/", "https://github.com/", "http://www.apache.org/")
    for path in STATIC.rglob("*"):
        if path.is_file() and not path.name.startswith("LICENSE"):
            text = path.read_text()
            for word in ("http://", "https://"):
                at = text.find(word)
                while at >= 0:
                    assert text.startswith(allowed, at), f"{path.name}: {text[at : at + 60]}"
                    at = text.find(word, at + 1)


def test_no_script_of_ours_writes_markup():
    """What the policy forbids is not tried either."""
    for path in (STATIC / "js").glob("*.js"):
        for name in ("innerHTML =", "outerHTML", "insertAdjacentHTML", "document.write", "dangerouslySet", "eval("):
            assert name not in path.read_text(), f"{path.name} has {name}"
