"""The bundle: a manifest by its schema, a form whose every answer is a configuration, and no file missing in it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from mqtt_mcp import __version__
from mqtt_mcp.config import load_config
from mqtt_mcp.tools import all_tools
from testkit.scripts import ROOT, script

SCHEMA = json.loads((Path(__file__).parent / "mcpb_0_4.schema.json").read_text(encoding="utf-8"))
MANIFEST = json.loads((ROOT / "mcpb/manifest.json").read_text(encoding="utf-8"))


def host(tmp_path, **answers):
    """The command and environment that a host makes of what a person wrote into the form."""
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return script("mcpb").host_command(tmp_path, answers)


def test_it_follows_the_schema_of_bundles():
    """Version 0.4, the first with uv: compiled libraries fit no bundle that is for every system."""
    jsonschema.Draft7Validator(SCHEMA).validate(MANIFEST)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate({**MANIFEST, "manifest_version": "0.3"})


def test_its_generated_parts_are_up_to_date():
    """Stale? `just docs` writes them anew."""
    text = (ROOT / "mcpb/manifest.json").read_text(encoding="utf-8")

    assert script("manifests").regenerated("mcpb/manifest.json", text) == text
    assert [tool["name"] for tool in MANIFEST["tools"]] == [tool.name for tool in all_tools()]


def test_its_files_speak_of_the_same_version_and_python():
    """The wheel beside it carries the version in its name."""
    bundle = tomllib.loads((ROOT / "mcpb/pyproject.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert MANIFEST["version"] == bundle["project"]["version"] == __version__
    wheel = bundle["tool"]["uv"]["sources"][project["name"]]["path"]
    assert wheel == f"{project['name'].replace('-', '_')}-{__version__}-py3-none-any.whl"
    python = MANIFEST["compatibility"]["runtimes"]["python"]
    assert python == bundle["project"]["requires-python"] == project["requires-python"]


def test_an_untouched_form_is_a_configuration_that_publishes_nothing(tmp_path):
    """Empty counts as not set, `true` as on; who installs by a click opts in to acting on devices."""
    command, env = host(tmp_path)

    config = load_config({}, env)

    assert command == ["uv", "run", "--directory", str(tmp_path), "server/main.py"]
    assert config.profiles == {}
    assert config.policy.read_only


def test_a_filled_form_is_the_broker_it_names(tmp_path):
    """Every field arrives where it belongs."""
    _, env = host(
        tmp_path,
        broker_url="mqtt://192.168.1.10",
        username="assistant",
        password="quiet",
        read_only=False,
        publish_allow="zigbee2mqtt/+/set, cmnd/#",
    )

    config = load_config({}, env)

    broker = config.profiles[config.default_profile]
    assert broker.host == "192.168.1.10"
    assert sorted(config.secrets()) == ["assistant", "quiet"]
    assert not config.policy.read_only
    assert config.policy.publish_allow == ("zigbee2mqtt/+/set", "cmnd/#")


def test_every_field_has_a_default_and_the_password_is_kept_safe():
    """A host leaves the bare placeholder in the environment for a field without one."""
    fields = MANIFEST["user_config"]

    assert all("default" in field for field in fields.values())
    assert [name for name, field in fields.items() if field.get("sensitive")] == ["password"]


def test_a_placeholder_that_a_host_left_is_not_taken_for_a_value(tmp_path):
    """Some hosts do so all the same; `${user_config.broker_url}` is no broker."""
    env = {"MQTT_BROKER_URL": "${user_config.broker_url}", "MQTT_MCP_READ_ONLY": "${user_config.read_only}"}
    done = subprocess.run(
        [sys.executable, ROOT / "mcpb/server/main.py"],
        input="",
        env={**env, "HOME": str(tmp_path), "MQTT_MCP_SOCKET": "off"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_files_of_the_bundle_are_there():
    """`scripts/mcpb` lays them together with the wheel."""
    names = script("mcpb").FILES

    assert {MANIFEST["icon"], MANIFEST["server"]["entry_point"], "manifest.json", "pyproject.toml"} == set(names)
    assert all((ROOT / "mcpb" / name).is_file() for name in names)
