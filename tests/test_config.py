"""Configuration: precedence and profiles. Mistakes are in ``commands/test_bad_configuration.py``."""

import subprocess
import sys
from pathlib import Path

import pytest

from mqtt_mcp.config import load_config
from mqtt_mcp.config_flags import flag_parser, flag_values
from mqtt_mcp.mqtt.broker_url import Secret, Tls
from mqtt_mcp.options import OPTIONS, markdown_table
from mqtt_mcp.settings import DEFAULTS

FILE = """\
profile = "home"
read_only = true
publish_deny = ["home/alarm/#"]
log_level = "info"

[limits]
max_sessions = 3
session_ttl_s = 60

[brokers.home]
url = "mqtt://home.test"
username = "reader"
password_file = "home.password"

[brokers.production]
url = "mqtts://broker.test:8884"
insecure = true
"""


@pytest.fixture
def home(tmp_path):
    """A folder with a TOML file and the password file it names."""
    (tmp_path / "home.password").write_text("s3cret-home\n")
    (tmp_path / "mqtt-mcp.toml").write_text(FILE)
    return tmp_path


def env(folder: Path, **more: str) -> dict[str, str]:
    return {"MQTT_MCP_CONFIG": str(folder / "mqtt-mcp.toml"), **more}


def test_nothing_configured_is_a_configuration_without_brokers(tmp_path):
    """A window starts without any broker: the assistant may give a URL (decisions: brokers)."""
    config = load_config({}, {"HOME": str(tmp_path)})

    assert config.profiles == {}
    assert config.default_profile == ""
    assert config.settings == DEFAULTS
    assert config.policy.read_only is False


def test_the_file_gives_profiles_limits_and_gates(home):
    """Every section of the TOML file arrives; relative paths are meant beside the file."""
    config = load_config({}, env(home))

    assert list(config.profiles) == ["home", "production"]
    assert config.default_profile == "home"
    assert config.profiles["home"].password == Secret("s3cret-home")
    assert config.profiles["home"].url == "mqtt://home.test:1883"
    assert config.profiles["production"].port == 8884
    assert config.profiles["production"].tls == Tls(insecure=True)
    assert config.settings.max_sessions == 3
    assert config.settings.session_ttl_s == 60.0
    assert config.policy.read_only is True
    assert config.policy.publish_deny == ("home/alarm/#",)
    assert config.log_level == "info"


def test_the_default_place_is_read_when_nothing_is_named(tmp_path):
    """$XDG_CONFIG_HOME/mqtt-mcp/mqtt-mcp.toml, as the README says."""
    place = tmp_path / "mqtt-mcp"
    place.mkdir()
    (place / "mqtt-mcp.toml").write_text('[brokers.only]\nurl = "mqtt://only.test"\n')

    config = load_config({}, {"XDG_CONFIG_HOME": str(tmp_path)})

    assert config.default_profile == "only"


def test_flags_beat_environment_beats_file_beats_default(home):
    """The promised precedence, on one option with a value from each layer."""
    assert load_config({}, env(home)).settings.max_sessions == 3
    assert load_config({}, env(home, MQTT_MCP_MAX_SESSIONS="4")).settings.max_sessions == 4
    both = load_config({"max_sessions": "2"}, env(home, MQTT_MCP_MAX_SESSIONS="4"))
    assert both.settings.max_sessions == 2


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        ({}, {}, "home"),
        ({}, {"MQTT_MCP_PROFILE": "production"}, "production"),
        ({"profile": "home"}, {"MQTT_MCP_PROFILE": "production"}, "home"),
        ({"url": "production"}, {}, "production"),
        ({"url": "production"}, {"MQTT_MCP_PROFILE": "home"}, "production"),
        ({}, {"MQTT_BROKER_URL": "mqtt://env.test"}, "default"),
        ({}, {"MQTT_BROKER_URL": "mqtt://env.test", "MQTT_MCP_PROFILE": "home"}, "home"),
        ({"url": "mqtt://flag.test"}, {"MQTT_MCP_PROFILE": "home"}, "default"),
        ({"url": "mqtt://flag.test", "profile": "home"}, {}, "home"),
        ({"url": "home"}, {"MQTT_BROKER_URL": "mqtt://env.test"}, "home"),
    ],
)
def test_which_broker_is_the_default(home, flags, environ, expected):
    """One row for each way to choose; the nearer to the command line wins."""
    assert load_config(flags, env(home, **environ)).default_profile == expected


def test_credentials_never_travel_to_an_address_from_elsewhere(home):
    """A password of the environment belongs to the environment's URL, not to one from the command line or the file."""
    environ = env(home, MQTT_BROKER_URL="mqtt://env.test", MQTT_USERNAME="u", MQTT_PASSWORD="s3cret-env")

    other = load_config({"url": "mqtt://flag.test"}, environ)
    assert other.profiles["default"].host == "flag.test"
    assert other.profiles["default"].password is None

    named = load_config({"url": "home"}, environ)
    assert named.profiles["home"].password == Secret("s3cret-home")
    assert named.profiles["default"].password == Secret("s3cret-env")


def test_credentials_without_an_address_complete_a_url_or_the_default_profile(home):
    """MQTT_PASSWORD beside --broker, and MQTT_PASSWORD_FILE for the profile of the file (container secrets)."""
    flag = load_config({"url": "mqtt://flag.test"}, {"MQTT_USERNAME": "u", "MQTT_PASSWORD": "s3cret-env"})
    assert flag.profiles["default"].password == Secret("s3cret-env")

    file = load_config({}, env(home, MQTT_PASSWORD="s3cret-env"))
    assert file.profiles["home"].password == Secret("s3cret-env")
    assert file.profiles["production"].password is None


def test_user_info_of_a_url_is_moved_out(home):
    """The address that is shown holds no credentials (decisions: brokers)."""
    config = load_config({}, {"MQTT_BROKER_URL": "mqtt://user:s3cret%40x@env.test"})

    broker = config.profiles["default"]
    assert broker.url == "mqtt://env.test:1883"
    assert broker.password == Secret("s3cret@x")
    assert "s3cret" not in repr(config)
    assert set(config.secrets()) == {"user", "s3cret@x"}


@pytest.mark.parametrize("token", ["AZaz09._~+/=-", "abcdefgh", "Zm9vYmFyYmF6cXV1eA=="])
@pytest.mark.parametrize("in_file", [True, False])
def test_a_token_of_the_monitor_may_have_what_an_address_may_have(tmp_path, token, in_file):
    (tmp_path / "token").write_text(f"{token}\n")
    given = {"MQTT_MCP_MONITOR_TOKEN_FILE": str(tmp_path / "token")} if in_file else {"MQTT_MCP_MONITOR_TOKEN": token}

    assert load_config({}, {"HOME": str(tmp_path), **given}).monitor.token == Secret(token)


def test_lists_come_from_commas_and_from_repeated_flags():
    """`--publish-allow a --publish-allow b` is the same as the variable with a comma."""
    parser = flag_parser("mqtt-mcp", "x")
    flags = flag_values(parser.parse_args(["--publish-allow", "a/#", "--publish-allow", "b", "--read-only"]))

    config = load_config(flags, {"MQTT_MCP_READ_DENY": "c, d/+"})

    assert config.policy.publish_allow == ("a/#", "b")
    assert config.policy.read_deny == ("c", "d/+")
    assert config.policy.read_only is True


def test_no_flag_takes_a_password():
    """Other users of the machine can read a command line."""
    assert not any(option.flag for option in OPTIONS if option.name in {"password", "key_password"})


def test_every_option_is_in_the_table_once():
    """The README's table is generated from the same table as everything else."""
    table = markdown_table()

    for option in OPTIONS:
        assert table.count(f"| `{option.toml_key}` |") == 1
        if option.env:
            assert table.count(f"`{option.env}`") == 1


def test_a_start_without_file_and_flags_imports_neither_tomllib_nor_argparse():
    """Start-up time is a bar of the benchmark."""
    code = "import sys, mqtt_mcp.config as c; c.load_config({}, {}); print({'tomllib', 'argparse'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "set()"
