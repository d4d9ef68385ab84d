"""server.json: what the MCP registry is told, by its own schema and by what this program really understands."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from mqtt_mcp import __version__
from mqtt_mcp.config import load_config
from mqtt_mcp.options import OPTIONS
from testkit.scripts import ROOT, script

SCHEMA = json.loads((Path(__file__).parent / "server_2025_12_11.schema.json").read_text(encoding="utf-8"))
SERVER = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
PYPI, IMAGE = SERVER["packages"]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_it_follows_the_registrys_schema():
    """Schema 2025-12-11, the newest released one."""
    jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(SERVER)


def test_the_schema_would_refuse_a_wrong_file():
    """The copy of the schema is one that can say no."""
    for wrong in ({**SERVER, "description": "x" * 101}, {**SERVER, "packages": [{"registryType": "pypi"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft7Validator(SCHEMA).validate(wrong)


def test_its_generated_part_is_up_to_date():
    """Stale? `just docs` writes it anew."""
    text = (ROOT / "server.json").read_text(encoding="utf-8")

    assert script("manifests").regenerated("server.json", text) == text


def test_the_registry_finds_its_name_in_the_readme():
    """The registry accepts a package of PyPI only when its description names the server."""
    assert f"<!-- mcp-name: {SERVER['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_names_our_packages_in_our_version():
    """Published versions are immutable: what they name must be what is released with them."""
    assert [SERVER["version"], PYPI["version"]] == [__version__] * 2
    assert f'name = "{PYPI["identifier"]}"' in PYPROJECT
    assert IMAGE["identifier"] == f"ghcr.io/bitsperity/mqtt-mcp:{__version__}"
    assert "version" not in IMAGE, "the registry refuses it: an image has its version in the tag"


def test_the_bare_package_speaks_mcp_and_the_image_is_told_to():
    """`uvx bitsperity-mqtt-mcp` needs no argument; the image has no entry point."""
    assert re.search(rf"(?m)^{PYPI['identifier']} = ", PYPROJECT), (
        "uvx starts the command that is named like the package"
    )
    assert "packageArguments" not in PYPI
    assert [argument["value"] for argument in IMAGE["packageArguments"]] == ["mqtt-mcp"]
    assert all(package["transport"] == {"type": "stdio"} for package in SERVER["packages"])


@pytest.mark.parametrize("package", [PYPI, IMAGE], ids=["pypi", "image"])
def test_every_variable_exists_and_only_the_password_is_secret(package):
    """A client asks the person for these and keeps the secret ones."""
    variables = {variable["name"]: variable for variable in package["environmentVariables"]}

    assert variables.keys() <= {option.env for option in OPTIONS}
    assert {name for name, variable in variables.items() if variable.get("isSecret")} == {"MQTT_PASSWORD"}
    assert {"MQTT_BROKER_URL", "MQTT_USERNAME", "MQTT_PASSWORD", "MQTT_MCP_READ_ONLY"} <= variables.keys()


def test_defaults_and_placeholders_are_values_we_take():
    """What a client fills in must not keep the server from starting."""
    suggested = {
        variable["name"]: variable.get("placeholder", variable.get("default"))
        for variable in PYPI["environmentVariables"]
        if "placeholder" in variable or "default" in variable
    }

    config = load_config({}, suggested)

    assert list(config.profiles) == ["default"]
    assert config.policy.publish_allow == ("zigbee2mqtt/+/set",)
    assert not config.policy.read_only


def test_glama_is_told_who_maintains_it():
    """The file has nothing else to say."""
    assert json.loads((ROOT / "glama.json").read_text(encoding="utf-8"))["maintainers"] == ["bitsperity"]
