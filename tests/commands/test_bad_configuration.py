"""A wrong configuration is one line that names file, line, key and what is allowed; exit 2, and nothing is started."""

import os
import subprocess
import sys

import pytest

from mqtt_mcp.config import load_config
from mqtt_mcp.config_flags import flag_parser
from mqtt_mcp.mqtt.broker_url import Secret
from mqtt_mcp.option import ConfigError

HOME = '[brokers.home]\nurl = "mqtt://x"\n'
USER = HOME + 'username = "u"\n'

BAD_FILES: dict[str, tuple[str | bytes, list[str]]] = {
    # what is wrong: the file, and words of the line about it
    "no TOML": ("[brokers.home\n", [":1: is not TOML", "tables as [name]"]),
    "no end": (HOME + "publish_allow = [", [":3: is not TOML"]),
    "half a password": (USER + 'password = "s3cret\n', [":4: is not TOML"]),
    "a password without quotes": (USER + "password = s3cret\n", [":4: is not TOML"]),
    "a password twice": (USER + 'password = "s3cret"\npassword = "s3cret"\n', [":5: is not TOML"]),
    "a table twice": (HOME + HOME, [":3: is not TOML"]),
    "not UTF-8": (b"a = 1\nb = '\xff\xfe'", [":2: is not UTF-8"]),
    "deep": ("x = " + "[" * 5000 + "]" * 5000, ["mqtt-mcp.toml"]),
    "unknown key": (
        "red_only = true\n" + HOME,
        [":1:", "'red_only'", "did you mean read_only?", "allowed are profile"],
    ),
    "unknown broker key": (HOME + '\npasword = "s3cret"', [":4:", "'pasword'", "mean password?", "password_file"]),
    "unknown limit": ("[limits]\nmax_session = 3", [":2:", "'max_session'", "mean max_sessions?"]),
    "unknown key like no other": ("\nq = 1", [":2: unknown key 'q'; allowed are"]),
    "unknown table": ('\n[broker.home]\nurl = "mqtt://u:s3cret@x"', [":2:", "table 'broker'", "mean [brokers.NAME]?"]),
    "unknown monitor table": ("\n\n[montor]\nport = 1", [":3:", "table 'montor'", "mean [monitor]?", "[limits]"]),
    "a password at the top": ('password = "s3cret"\n' + HOME, [":1:", "'password'", "belongs to [brokers.NAME]"]),
    "a token at the top": ('token = "s3cret-token"', [":1:", "'token'", "belongs to [monitor]"]),
    "a gate in a broker": (HOME + "read_only = true", [":3:", "belongs to the top of the file"]),
    "a secret as a key": ('"s3cret phrase" = 1', [":1:", "unknown key"]),
    "a URL as a profile's name": ('[brokers."mqtt://u:s3cret@x"]\nurl="mqtt://x"', [":1:", "cannot name a profile"]),
    "a URL as the default": ('profile = "mqtt://u:s3cret@x"', [":1:", "***@x"]),
    "a URL of the wrong type": ('[brokers.x]\nurl = ["mqtt://u:s3cret@x"]', [":2:", "url must be text"]),
    "a password as a variable": (USER + 'password_env = "s3cret!"', [":4:", "name of an environment variable"]),
    "a password as a file": (USER + 'password_file = "s3cret"', [":4:", "password_file", "No such file"]),
    "secret with the wrong type": (HOME + "password = 74656", [":3:", "password must be text."]),
    "wrong type": ("[limits]\nmax_sessions = 'many'", [":2:", "max_sessions must be a whole number from 1 to 20"]),
    "true is no number": ("[limits]\nmax_sessions = true", [":2:", "whole number"]),
    "out of range": ("[limits]\nmax_sessions = 99", [":2:", "from 1 to 20, not 99"]),
    "no switch": ('read_only = "yes"', [":1:", "read_only must be true or false", "'yes'"]),
    "no list": ('\npublish_allow = "a/#"', [":2:", "publish_allow must be a list of topic filters"]),
    "limits no table": ("limits = 3", [":1:", "limits must be a table"]),
    "brokers a list": ('\n[[brokers]]\nurl = "mqtt://x"', [":2:", "[brokers.NAME]"]),
    "broker no table": ('[brokers]\nhome = "mqtt://x"', [":2:", "a broker is a table"]),
    "bad profile name": ('[brokers."my home"]\nurl = "mqtt://x"', [":1:", "cannot name a profile"]),
    "no url": ("[brokers.home]\ninsecure = true", [":1:", "needs url"]),
    "bad port": ('[brokers.home]\n\nurl = "mqtt://x:99999"', [":3:", "url of profile home", "1 to 65535"]),
    "port no number": ('[brokers.home]\nurl = "mqtt://u:s3cret@x:18x3"', [":2:", "1 to 65535"]),
    "bad port in one line": ('\nbrokers = { home = { url = "mqtt://x:99999" } }', [":2:", "1 to 65535"]),
    "bad port with dots": (
        'brokers.home.url = "mqtt://x"\nmonitor.port = 99999',
        [":2:", "from 0 to 65535, not 99999"],
    ),
    "bad port of the monitor": (
        HOME + "[monitor]\nport = 70000",
        [":4:", "port must be", "from 0 to 65535, not 70000"],
    ),
    "text as port": (HOME + '[monitor]\nport = "8090"', [":4:", "port must be a whole number"]),
    "after a text over lines": ('audit = """\nport = 1\n[x]\n"""\n[monitor]\nport = -1', [":6:", "port"]),
    "bad scheme": ('[brokers.home]\nurl = "ws://x"', [":2:", "url of profile home", "ws://"]),
    "TLS without TLS": (HOME + "insecure = true", [":2:", "Write mqtts://"]),
    "a password without a user": (HOME + 'password = "s3cret"', [":3:", "password of profile home", "user name"]),
    "a user name too long": (HOME + f'username = "{"s3cret" * 11000}"', [":3:", "username of profile home"]),
    "two passwords": (
        USER + 'password_env = "P"\n\npassword = "s3cret"',
        [":6:", "password of profile home", "password_env and password", "one of them"],
    ),
    "unset password_env": (USER + 'password_env="NOPE"', [":4:", "'NOPE'", "not set"]),
    "no password file": (USER + 'password_file="no/pe"', [":4:", "password_file", "no/pe", "No such file"]),
    "an empty password file": (USER + 'password_file="./empty.txt"', [":4:", "empty.txt' is empty", "first line"]),
    "an empty first line": (USER + 'password_file="newline.txt"', [":4:", "has an empty first line"]),
    "a binary password file": (USER + 'password_file="binary.txt"', [":4:", "binary.txt' is not UTF-8 text"]),
    "password file is a folder": (USER + 'password_file="/tmp"', [":4:", "'/tmp'", "directory"]),
    "password file is nothing": (USER + 'password_file="a\\u0000b"', [":4:", "password_file must be the path"]),
    "password file of nobody": (USER + 'password_file="~no-such-user/x"', [":4:", "No such file"]),
    "no CA file": ('[brokers.h]\nurl="mqtts://x"\nca_file="nope.pem"', [":3:", "ca_file of profile h", "nope.pem"]),
    "a key alone": ('[brokers.h]\nurl="mqtts://x"\nkey_file="empty.txt"', [":3:", "set cert_file as well"]),
    "no key password": ('[brokers.h]\nurl="mqtts://x"\nkey_password_file="n.txt"', [":3:", "key_password_file"]),
    "bad log level": ('log_level = "warn"', [":1:", "one of debug, info, warning, error", "'warn'", "mean warning?"]),
    "bad filter": ('read_only = true\npublish_deny = ["a", "a/#/b"]', [":2: publish_deny", "'#'"]),
    "unknown default": ('\nprofile = "hme"\n' + HOME, [":2:", "no broker profile 'hme'", "mean home?", "are: home"]),
    "a default without brokers": ('profile = "nope"', [":1:", "no broker profile 'nope'", "configured are: none"]),
    "a short token": ('[monitor]\n\ntoken = "s3cret"', [":3: token must be at least 8 characters"]),
    "no token file": ('[monitor]\ntoken_file = "x/y"', [":2: token_file", "No such file"]),
    "two tokens": ('[monitor]\ntoken = "s3cret-token"\ntoken_file = "x"', [":3:", ":2)", "give one of them"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_wrong_file_is_one_line_that_says_where_and_what_is_allowed(tmp_path, name):
    """One row for each mistake: file and line, what is allowed, no secret, no second line."""
    content, expected = BAD_FILES[name]
    path = tmp_path / "mqtt-mcp.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for file, held in (("empty.txt", b""), ("newline.txt", b"\ns3cret"), ("binary.txt", b"\xff\xfes3cret")):
        (tmp_path / file).write_bytes(held)

    with pytest.raises(ConfigError) as caught:
        load_config({"config": str(path)}, {})

    message = caught.value.message
    assert "\n" not in message
    assert message.startswith(str(path))
    assert "s3cret" not in message
    assert "74656" not in message
    for words in expected:
        assert words in message


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        ({}, {"MQTT_MCP_CONFIG": "/nope/x.toml"}, ["MQTT_MCP_CONFIG", "/nope/x.toml", "No such file"]),
        ({"config": "/nope/x.toml"}, {}, ["--config", "/nope/x.toml"]),
        ({"config": "/tmp"}, {}, ["--config: '/tmp' is a folder", "a TOML file"]),
        ({}, {"MQTT_MCP_READ_ONLY": "maybe"}, ["MQTT_MCP_READ_ONLY", "true or false", "'maybe'"]),
        ({}, {"MQTT_MCP_READONLY": "1"}, ["MQTT_MCP_READONLY", "did you mean MQTT_MCP_READ_ONLY?"]),
        ({}, {"MQTT_MCP_MAX_SESSIONS": "five"}, ["MQTT_MCP_MAX_SESSIONS", "whole number from 1 to 20", "'five'"]),
        ({}, {"MQTT_MCP_SESSION_TTL_S": "nan"}, ["MQTT_MCP_SESSION_TTL_S", "seconds from 10"]),
        ({}, {"MQTT_MCP_MONITOR_PORT": "http"}, ["MQTT_MCP_MONITOR_PORT", "from 0 to 65535", "'http'"]),
        ({"port": "99999"}, {}, ["--port: port must be", "from 0 to 65535, not 99999"]),
        ({"max_sessions": "0"}, {}, ["--max-sessions", "from 1 to 20"]),
        ({}, {"MQTT_MCP_PROFILE": "nope"}, ["MQTT_MCP_PROFILE", "'nope'", "configured are: none"]),
        ({"profile": "mqtt://u:s3cret@h"}, {}, ["--profile", "***@h"]),
        ({}, {"MQTT_PASSWORD": "s3cret"}, ["MQTT_PASSWORD", "no broker", "MQTT_BROKER_URL"]),
        ({"username": "s3cret"}, {}, ["--username", "no broker"]),
        ({}, {"MQTT_BROKER_URL": "mqtt://u:s3cret@"}, ["MQTT_BROKER_URL", "no host"]),
        ({}, {"MQTT_BROKER_URL": "mqtt://u:s3cret@h:port"}, ["MQTT_BROKER_URL", "1 to 65535"]),
        ({"url": "mqtt://h:0"}, {}, ["--broker: url of profile default", "1 to 65535"]),
        ({}, {"MQTT_BROKER_URL": "mqtt://h", "MQTT_PASSWORD_FILE": "/nope"}, ["MQTT_PASSWORD_FILE", "'/nope'"]),
        ({"password_file": "/no/pe", "url": "mqtt://h"}, {}, ["--password-file", "'/no/pe'"]),
        ({}, {"MQTT_BROKER_URL": "mqtt://h", "MQTT_PASSWORD_FILE": "s3cret"}, ["MQTT_PASSWORD_FILE", "No such file"]),
        ({}, {"MQTT_BROKER_URL": "mqtt://h", "MQTT_PASSWORD": "s3cret"}, ["MQTT_PASSWORD: ", "without a user name"]),
        ({}, {"MQTT_MCP_READ_ALLOW": "a/#,b+"}, ["MQTT_MCP_READ_ALLOW", "'+'"]),
    ],
)
def test_a_wrong_variable_or_flag_is_one_line_that_names_it(flags, environ, expected):
    """One row for each mistake outside the file."""
    with pytest.raises(ConfigError) as caught:
        load_config(flags, {"HOME": "/nonexistent", **environ})

    message = caught.value.message
    assert "\n" not in message
    assert "s3cret" not in message
    for words in expected:
        assert words in message


def test_a_variable_over_the_file_is_blamed_where_it_stands(tmp_path):
    """A port of the file, a password file of the environment: each has its own place."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text(USER)

    with pytest.raises(ConfigError, match=r"^config: MQTT_PASSWORD_FILE: password_file '/no/pe'"):
        load_config({}, {"MQTT_MCP_CONFIG": str(path), "MQTT_PASSWORD_FILE": "/no/pe"})


@pytest.mark.parametrize(
    "name",
    [
        "MQTT_MCP_READ_ONLY_MODE",
        "MQTT_MCP_READONLY",
        "MQTT_MCP_DENY_PUBLISH",
        "MQTT_MCP_ONLY_PROFILES",
        "MQTT_MCP_OF_A_NEWER_VERSION",
        "MQTT_READ_ONLY",
        "MQTT_PUBLISH_DENY",
    ],
)
def test_a_variable_that_is_none_of_ours_but_named_so_is_refused(name):
    """Somebody meant a gate, and it would not be there."""
    with pytest.raises(ConfigError, match=f"{name}: unknown variable"):
        load_config({}, {"HOME": "/nonexistent", name: "1"})


@pytest.mark.parametrize(
    "name",
    [
        "MQTT_MCP_SERVICE_HOST",
        "MQTT_MCP_SERVICE_PORT_HTTP",
        "MQTT_MCP_PORT",
        "MQTT_MCP_PORT_8090_TCP",
        "MQTT_MCP_PORT_8090_TCP_ADDR",
        "MQTT_MCP_MONITOR_SERVICE_HOST",
        "MQTT_MCP_MONITOR_PORT",
        "MQTT_LOG_LEVEL",
        "MQTT_HOST",
    ],
)
def test_variables_that_begin_like_ours_and_mean_something_else_do_no_harm(name):
    """Kubernetes sets them for services called mqtt-mcp and mqtt-mcp-monitor; the last two are other programs'."""
    assert load_config({}, {"HOME": "/nonexistent", name: "tcp://10.0.0.1:8090"}).profiles == {}


def test_a_default_file_that_may_not_be_read_is_not_taken_for_missing(tmp_path):
    """Its gates would be lost without a word. A folder in the file's place is as bad as a lock on it, also for root."""
    (tmp_path / "mqtt-mcp" / "mqtt-mcp.toml").mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"mqtt-mcp\.toml: cannot be read: Is a directory"):
        load_config({}, {"XDG_CONFIG_HOME": str(tmp_path)})


def test_a_mark_of_the_encoding_and_line_ends_of_windows_do_no_harm(tmp_path):
    """Editors there write both."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HOME.replace("\n", "\r\n").encode())

    assert load_config({"config": str(path)}, {}).default_profile == "home"


@pytest.mark.parametrize("mode", [0o400, 0o444, 0o644, 0o666])
def test_a_password_file_is_taken_with_any_mode(tmp_path, mode):
    """Who may read it is the business of who made it: secrets of containers are readable for all on purpose."""
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    secret.chmod(mode)

    config = load_config({}, {"MQTT_BROKER_URL": "mqtt://h", "MQTT_USERNAME": "u", "MQTT_PASSWORD_FILE": str(secret)})

    assert config.profiles["default"].password == Secret("s3cret")


@pytest.mark.parametrize(
    "token",
    ["s3cret7", *(f"s3cret{c}token" for c in "&#% ?\"'<\\:,;@!$*()[]{}|^`\t\n\x7fé\u0660\u2028"), "s3cret-token\n"],
)
def test_a_token_that_is_short_or_does_not_fit_into_an_address_is_refused(token):
    """`/#token=a&b`, `%zz`: a page could not be opened by it. The line names what is allowed, never the value."""
    with pytest.raises(ConfigError) as caught:
        load_config({}, {"HOME": "/nonexistent", "MQTT_MCP_MONITOR_TOKEN": token})

    message = caught.value.message
    assert "MQTT_MCP_MONITOR_TOKEN" in message
    assert "at least 8 characters, only A-Z a-z 0-9 and ._~+/=-" in message
    assert "s3cret" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--pasword", "s3cret"], "unrecognized arguments: --pasword"),
        (["--port"], "--port: expected one argument"),
        (["mqtt://u:s3cret@h"], "unrecognized arguments"),
    ],
)
def test_a_wrong_flag_is_one_line(arguments, told):
    """argparse prints no usage block of its own, and what follows an unknown flag may be a password."""
    with pytest.raises(ConfigError) as caught:
        flag_parser("mqtt-mcp", "x").parse_args(arguments)

    assert told in caught.value.message
    assert "s3cret" not in caught.value.message


@pytest.mark.process
@pytest.mark.parametrize("command", [["stdio"], ["serve"], ["call", "list_topics"], ["check"]])
def test_every_command_ends_with_2_before_anything_is_started(tmp_path, command):
    """One line on stderr, nothing on stdout, no socket and no port."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text(f'[monitor]\nport = 0\n{USER}password_file = "/no/pe"\n')
    done = subprocess.run(
        [sys.executable, "-m", "mqtt_mcp", *command, "--config", str(path)],
        env={**os.environ, "HOME": str(tmp_path), "MQTT_MCP_SOCKET": str(tmp_path / "run" / "hub.sock")},
        input=b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(f"mqtt-mcp: {path}:6: password_file '/no/pe'".encode())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mqtt-mcp.toml"]


@pytest.mark.process
@pytest.mark.parametrize("command", ["serve", "call"])
def test_an_audit_that_cannot_be_kept_ends_a_command_with_2(tmp_path, command):
    """What only the hub finds out is told like the rest; a socket that was taken is free again."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text('audit = "nope/audit.jsonl"\n[monitor]\nport = 0\n[brokers.home]\nurl = "mqtt://127.0.0.1:1"\n')
    more = ["list_topics"] if command == "call" else []
    done = subprocess.run(
        [sys.executable, "-m", "mqtt_mcp", command, *more, "--config", str(path)],
        env={**os.environ, "HOME": str(tmp_path), "MQTT_MCP_SOCKET": str(tmp_path / "run" / "hub.sock")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(f"mqtt-mcp: {path}:1: audit: cannot append to".encode())
    assert not (tmp_path / "run" / "hub.sock").exists()


@pytest.mark.parametrize("blank", [" ", " , ", ",", "\t"])
@pytest.mark.parametrize("variable", ["MQTT_MCP_PUBLISH_ALLOW", "MQTT_MCP_READ_ONLY"])
def test_a_blank_variable_does_not_open_a_gate_of_the_file(tmp_path, variable, blank):
    """A variable that a script left empty but for a blank is not set."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text('read_only = true\npublish_allow = ["zigbee2mqtt/+/set"]\n')

    policy = load_config({"config": str(path)}, {variable: blank}).policy

    assert policy.read_only
    assert policy.publish_allow == ("zigbee2mqtt/+/set",)


@pytest.mark.parametrize("given", [[""], ["a/#", " "]])
def test_an_empty_filter_on_the_command_line_is_refused(given):
    """``--publish-allow "$UNSET"`` would allow everything."""
    with pytest.raises(ConfigError, match="--publish-allow: publish_allow must be a list of topic filters"):
        load_config({"publish_allow": given}, {})


def test_a_comma_in_a_filter_on_the_command_line_is_no_guess():
    """Cut in two, ``plant,1/lock/#`` would deny neither what was meant nor anything that exists."""
    with pytest.raises(ConfigError, match=r"--publish-deny.*Repeat --publish-deny"):
        load_config({"publish_deny": ["plant,1/lock/#"]}, {})


def test_a_profile_of_the_file_may_be_called_like_the_one_of_the_environment(tmp_path):
    """``default`` is a natural name for the only broker."""
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text('[brokers.default]\nurl = "mqtt://127.0.0.1:1884"\n')

    for environ in ({}, {"MQTT_MCP_PROFILE": "default"}):
        config = load_config({"config": str(path)}, environ)
        assert config.default_profile == "default"
        assert config.profiles["default"].port == 1884


def test_a_token_from_outside_replaces_every_way_of_the_file(tmp_path):
    """Flags win over the environment, the environment over the file, whichever way each gives it."""
    (tmp_path / "file.token").write_text("from-the-file\n")
    (tmp_path / "flag.token").write_text("from-the-flag\n")
    path = tmp_path / "mqtt-mcp.toml"
    path.write_text('[monitor]\ntoken_file = "file.token"\n')
    environ = {"MQTT_MCP_CONFIG": str(path), "MQTT_MCP_MONITOR_TOKEN": "from-the-variable"}

    by_variable = load_config({}, environ).monitor.token
    by_flag = load_config({"token_file": str(tmp_path / "flag.token")}, environ).monitor.token

    assert by_variable is not None
    assert by_variable.reveal() == "from-the-variable"
    assert by_flag is not None
    assert by_flag.reveal() == "from-the-flag"
