"""`deploy/mqtt-mcp.example.toml` can be used as it stands, and each line that is switched off can be switched on."""

import re
import tomllib
from pathlib import Path

import pytest

from mqtt_mcp.config import Config, load_config
from mqtt_mcp.options import OPTIONS

EXAMPLE = (Path(__file__).parents[2] / "deploy" / "mqtt-mcp.example.toml").read_text(encoding="utf-8")
SWITCHED_OFF = re.compile(r"^#([a-z_]+) = (.+)$")
LINES = EXAMPLE.splitlines()
OFF = [number for number, line in enumerate(LINES) if SWITCHED_OFF.match(line)]
IN_PLACE_OF = {"password": "password_file", "password_env": "password_file", "token": "token_file"}
ONLY_EXAMPLES = {"publish_allow", "read_allow", "audit", "key_password_file", "allowed_hosts", "trusted_proxy"}
"""Options without a default; the example shows a value."""


def loaded(folder: Path, lines: list[str]) -> Config:
    """The configuration of these lines, with files of the folder in place of those they name."""
    text = "\n".join(lines)
    for name in re.findall(r'^\w+_file = "(.*?)"', text, re.MULTILINE):
        stand_in = folder / Path(name).name
        stand_in.write_text("s3cret-stand-in\n")
        text = text.replace(f'"{name}"', f'"{stand_in}"')
    path = folder / "mqtt-mcp.toml"
    path.write_text(text)
    return load_config({"config": str(path)}, {"BROKER_PASSWORD": "s3cret"})


def option_of(number: int) -> tuple[str, str]:
    """Section and option of a line that is switched off."""
    headers = [line for line in LINES[:number] if line.startswith("[")]
    section = headers[-1].strip("[]").partition(".")[0] if headers else "general"
    match = SWITCHED_OFF.match(LINES[number])
    assert match
    return section.replace("brokers", "broker"), match[1]


def test_the_example_is_a_configuration_as_it_stands(tmp_path):
    """A development and a production profile, gates and a monitor with a token."""
    config = loaded(tmp_path, LINES)

    production = config.profiles["production"]
    assert config.default_profile == "development"
    assert config.profiles["development"].url == "mqtt://127.0.0.1:1883"
    assert config.profiles["development"].username is None
    assert production.url == "mqtts://broker.example.org:8883"
    assert production.password is not None
    assert production.tls is not None
    assert production.tls.ca_file
    assert production.tls.cert_file
    assert production.tls.key_file
    assert not production.tls.insecure
    assert config.policy.publish_deny
    assert config.policy.read_deny
    assert config.monitor.token is not None


@pytest.mark.parametrize("number", OFF, ids=[LINES[number].split()[0] for number in OFF])
def test_each_line_that_is_switched_off_can_be_switched_on(tmp_path, number):
    """And shows the default, unless it has none: an example must not rot."""
    section, name = option_of(number)
    lines = [line for line in LINES if not line.startswith(f"{IN_PLACE_OF.get(name, 'nothing')} = ")]
    lines[lines.index(LINES[number])] = LINES[number].removeprefix("#")

    config = loaded(tmp_path, lines)

    option = next(option for option in OPTIONS if (option.section, option.name) == (section, name))
    if name not in ONLY_EXAMPLES and name not in IN_PLACE_OF:
        shown = tomllib.loads(LINES[number].removeprefix("#"))[name]
        assert shown == option.default
    assert config.default_profile == "development"


def test_every_option_is_in_the_example_in_its_place():
    """An option that is added must be explained there."""
    found, section = set(), "general"
    for line in LINES:
        if line.startswith("["):
            section = line.strip("[]").partition(".")[0].replace("brokers", "broker")
        elif match := re.match(r"#?([a-z_]+) = ", line):
            found.add((section, match[1]))

    assert found == {(option.section, option.name) for option in OPTIONS}
