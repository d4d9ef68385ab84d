"""What `scripts/release-check` demands of a wheel and of an sdist, on small archives of our own."""

import io
import subprocess
import tarfile
import zipfile

import pytest

from testkit.scripts import script

contents = script("release_contents.py")
INFO = "bitsperity_mqtt_mcp-1.2.3.dist-info"
COMMANDS = "[console_scripts]\nbitsperity-mqtt-mcp = mqtt_mcp.__main__:main\nmqtt-mcp = mqtt_mcp.__main__:main\n"
METADATA = "Metadata-Version: 2.4\nVersion: 1.2.3\n\n<!-- mcp-name: io.github.bitsperity/mqtt-mcp -->\n# mqtt-mcp\n"
GOOD = {
    "mqtt_mcp/py.typed": "",
    "mqtt_mcp/monitor/static/index.html": "<html>",
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/WHEEL": "",
    f"{INFO}/RECORD": "",
    f"{INFO}/entry_points.txt": COMMANDS,
    f"{INFO}/licenses/LICENSE": "MIT",
}


@pytest.fixture
def root(tmp_path):
    """A tree with two files of the package and a README, tracked."""
    tree = tmp_path / "tree"
    for name in ("src/mqtt_mcp/py.typed", "src/mqtt_mcp/monitor/static/index.html", "README.md"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("<html>")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tree, check=True, timeout=30)
    return tree


def wheel(folder, files, name="one.whl"):
    """A wheel with these files."""
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return folder / name


def sdist(folder, names):
    """An sdist with these files."""
    with tarfile.open(folder / "one.tar.gz", "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"bitsperity_mqtt_mcp-1.2.3/{name}"), io.BytesIO())
    return folder / "one.tar.gz"


def test_a_wheel_with_the_package_the_licence_and_both_commands_is_right(root, tmp_path):
    """Nothing else belongs into it."""
    assert contents.check_wheel(wheel(tmp_path, GOOD), root, "1.2.3").startswith("2 files")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tests/test_x.py": ""}, "has tests/test_x.py"),
        ({"mqtt_mcp/__pycache__/a.pyc": ""}, "has mqtt_mcp/__pycache__/a.pyc"),
        ({"mqtt_mcp/py.typed": None}, "lacks mqtt_mcp/py.typed"),
        ({f"{INFO}/licenses/LICENSE": None}, "lacks .*LICENSE"),
        ({f"{INFO}/entry_points.txt": COMMANDS.replace("bitsperity-", "")}, "bitsperity-mqtt-mcp = "),
        ({f"{INFO}/METADATA": METADATA.replace("<!-- mcp-name", "<!-- ")}, "mcp-name"),
        ({f"{INFO}/METADATA": METADATA.replace("1.2.3", "1.2.4")}, "Version: 1.2.3"),
    ],
)
def test_a_wheel_with_too_much_or_too_little_is_told(root, tmp_path, changed, told):
    """Each of these would reach people and could not be taken back."""
    files = {name: text for name, text in {**GOOD, **changed}.items() if text is not None}

    with pytest.raises(contents.WrongContents, match=told):
        contents.check_wheel(wheel(tmp_path, files), root, "1.2.3")


def test_an_sdist_holds_what_is_tracked_and_nothing_else(root, tmp_path):
    """Both commands of the README must work in it."""
    tracked = ["src/mqtt_mcp/py.typed", "src/mqtt_mcp/monitor/static/index.html", "README.md"]

    assert contents.check_sdist(sdist(tmp_path, [*tracked, "PKG-INFO"]), root).startswith("4 files")
    with pytest.raises(contents.WrongContents, match=r"lacks README\.md"):
        contents.check_sdist(sdist(tmp_path, tracked[:2]), root)
    with pytest.raises(contents.WrongContents, match=r"has secret\.txt"):
        contents.check_sdist(sdist(tmp_path, [*tracked, "secret.txt"]), root)


def test_two_wheels_of_the_same_sources_are_compared_by_their_bytes(tmp_path):
    """The wheel is built from the sdist: what that lacks, people would lack."""
    one = wheel(tmp_path, GOOD)

    contents.check_same(one, wheel(tmp_path, GOOD, "same.whl"))
    with pytest.raises(contents.WrongContents, match=r"differ in mqtt_mcp/monitor/static/index\.html"):
        contents.check_same(one, wheel(tmp_path, {**GOOD, "mqtt_mcp/monitor/static/index.html": "x"}, "other.whl"))


def test_the_requirements_of_a_wheel_are_those_of_the_package_and_of_the_demo(tmp_path):
    """Only what is named beside the wheel is taken in its lowest version."""
    lines = (
        "Requires-Dist: trio<0.36,>=0.31",
        "Requires-Dist: amqtt<0.13,>=0.11.3; extra == 'demo'",
        "Requires-Dist: mypy>=1.15; extra == 'dev'",
    )
    files = {f"{INFO}/METADATA": "\n".join(lines)}

    assert contents.requirements(wheel(tmp_path, files)) == ["trio<0.36,>=0.31", "amqtt<0.13,>=0.11.3"]


def test_an_environment_with_newer_libraries_than_the_lowest_is_told():
    """Otherwise a lowest version would be called tested that nobody tried."""
    needed = ["gmqtt==0.8.0", "trio<0.36,>=0.31"]

    contents.check_lowest(needed, "gmqtt==0.8.0\ntrio==0.31.0\nidna==3.10\n")
    with pytest.raises(contents.WrongContents, match=r"trio<0.36,>=0.31: installed was 0\.35\.0"):
        contents.check_lowest(needed, "gmqtt==0.8.0\ntrio==0.35.0\n")
    with pytest.raises(contents.WrongContents, match="no lowest version"):
        contents.check_lowest(["trio"], "trio==0.35.0\n")
