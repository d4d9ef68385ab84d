"""Every snippet, command line and link says the same, in the form that its client documents."""

import base64
import json
import shlex
import tomllib
from itertools import product
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mqtt_mcp.clients import launches
from mqtt_mcp.clients.links import install_link
from mqtt_mcp.clients.places import SYSTEMS, config_path, shown_path
from mqtt_mcp.clients.render import command_line, entry, snippet, started
from mqtt_mcp.clients.table import CLIENTS, client_named
from mqtt_mcp.errors import ToolError
from mqtt_mcp.options import OPTIONS

BROKER = {"MQTT_BROKER_URL": "mqtts://broker.example.org", "MQTT_MCP_READ_ONLY": "1"}
LAUNCHES = [
    launches.here("/opt/mq tt/mqtt-mcp"),
    launches.uvx(),
    launches.ssh("you@server"),
    launches.umbrel(),
    launches.container(),
    launches.image(),
]
CASES = [
    pytest.param(client, launch, settings, id=f"{client.name}-{launch.name}-{len(settings)}")
    for client, launch, settings in product(CLIENTS, LAUNCHES, ({}, BROKER))
    if launch.settings_as != "nothing" or not settings
]


def parsed(client, text):
    """The configuration as its client reads it."""
    return tomllib.loads(text) if client.format == "toml" else json.loads(text)


@pytest.mark.parametrize(("client", "launch", "settings"), CASES)
def test_a_snippet_holds_the_command_line_in_the_clients_language(client, launch, settings):
    """Its key, and below it the server's name (docs/clients.md)."""
    start = started(client, launch, settings)
    value = entry(client, start)

    read = parsed(client, snippet(client, "mqtt", value))

    assert read == {client.key: {"mqtt": value}}
    assert (value["command"], value.get("args", [])) == (start.words[0], list(start.words[1:]))
    assert value.get("env", {}) == start.environment
    assert ("type" in value) == client.wants_type
    assert "args" in value or not client.wants_args


@pytest.mark.parametrize(("client", "launch", "settings"), CASES)
def test_a_command_line_gives_the_client_the_same_words(client, launch, settings):
    """Read as a shell and the client's own parser do."""
    start = started(client, launch, settings)
    words = shlex.split(command_line(client, "mqtt", start))
    if client.name not in ("claude-code", "codex", "gemini", "vscode"):
        assert words == []
        return
    if client.name == "vscode":
        assert words[:2] == ["code", "--add-mcp"]
        assert json.loads(words[2]) == {"name": "mqtt", **entry(client, start)}
        return
    own, _, rest = shlex.join(words).partition(" -- ")
    told = shlex.split(own)
    server = shlex.split(rest)
    if client.name == "gemini":
        server = [told.pop(), *server]
    pairs = [told[index + 1] for index, word in enumerate(told) if word == "--env"]
    assert server == list(start.words)
    assert dict(pair.split("=", 1) for pair in pairs) == start.environment
    assert "mqtt" in told


@pytest.mark.parametrize(("client", "launch", "settings"), CASES)
def test_a_link_decodes_to_the_entry_alone(client, launch, settings):
    """Cursor: base64 of the JSON in a query; VS Code: the JSON itself. Neither has the key around it."""
    value = entry(client, started(client, launch, settings))
    link = install_link(client, "mqtt", value)
    if client.name not in ("cursor", "vscode"):
        assert link is None
        return
    assert link is not None
    query = parse_qs(urlsplit(link.web).query, strict_parsing=True)
    assert query["name"] == ["mqtt"]
    if client.name == "cursor":
        direct = parse_qs(urlsplit(link.direct).query, strict_parsing=True)
        assert link.direct.startswith("cursor://anysphere.cursor-deeplink/mcp/install?")
        assert link.web.startswith("https://cursor.com/en/install-mcp?")
        assert direct == query
        assert json.loads(base64.b64decode(query["config"][0], validate=True)) == value
    else:
        assert link.web.startswith("https://insiders.vscode.dev/redirect/mcp/install?")
        assert json.loads(query["config"][0]) == value
        assert json.loads(unquote(link.direct.removeprefix("vscode:mcp/install?"))) == {"name": "mqtt", **value}


@pytest.mark.parametrize("name", ["cursor", "vscode"])
def test_a_link_survives_every_character(name):
    """Base64 has + and /, which mean something else in an address."""
    link = install_link(client_named(name), "mqtt", {"command": "/o~~~>>>???&#%=", "args": ["ü", "{}"]})

    assert link is not None
    for address in (link.web, link.direct):
        tail = address.rsplit("config=", 1)[-1].rsplit("install?", 1)[-1]
        assert not set(tail) & set('+/=&#"{} ')


def test_the_settings_that_may_stand_in_a_client_are_options_and_no_secrets():
    """Their flags are those of the table of options."""
    known = {option.env: option for option in OPTIONS}
    for name, flag in launches.FLAGS.items():
        if name == "MQTT_MCP_SOCKET":
            continue
        assert known[name].flag == flag
        assert not known[name].secret
        assert (known[name].kind == "switch") == (name in launches.SWITCHES)


def test_settings_travel_as_the_way_allows():
    """An environment does not get through SSH, and MQTTX replaces it."""
    cursor, mqttx = client_named("cursor"), client_named("mqttx")
    here = launches.here("/m")

    assert started(cursor, here, BROKER).environment == BROKER
    assert started(mqttx, here, BROKER).words == ("/m", "--broker", "mqtts://broker.example.org", "--read-only")
    assert started(mqttx, here, BROKER).environment == {}
    assert started(cursor, launches.ssh("h"), BROKER).words[-3:] == (*started(mqttx, here, BROKER).words[1:],)
    assert started(cursor, launches.image("i"), BROKER).words == (
        *("docker", "run", "-i", "--rm", "-e", "MQTT_BROKER_URL=mqtts://broker.example.org"),
        *("-e", "MQTT_MCP_READ_ONLY=1", "i", "mqtt-mcp"),
    )


def test_the_umbrel_takes_its_exact_command_and_nothing_more():
    """Its sudoers rule matches literally."""
    start = launches.umbrel("10.0.0.5").start({})

    assert start.words == (
        *("ssh", *launches.SSH_OPTIONS, "umbrel@10.0.0.5", "sudo", "-n", "docker", "exec", "-i"),
        *("bitsperity-mqtt-mcp_mcp-server_1", "mqtt-mcp"),
    )
    with pytest.raises(ToolError, match="only this exact command"):
        launches.umbrel().start(BROKER)


@pytest.mark.parametrize(
    "make",
    [
        lambda: launches.ssh("-oProxyCommand=touch /tmp/x"),
        lambda: launches.ssh("a b"),
        lambda: launches.ssh(""),
        lambda: launches.ssh("h", "-x"),
        lambda: launches.ssh("h", "a\nb"),
        lambda: launches.umbrel("h;reboot"),
        lambda: launches.container("--privileged"),
        lambda: launches.image("-v/:/x"),
    ],
)
def test_a_place_that_would_be_read_as_an_option_or_a_command_is_refused(make):
    """These words end in other programs' command lines."""
    with pytest.raises(ToolError):
        make()


def test_a_remote_path_is_one_word_for_the_shell_there():
    """SSH joins the words and the shell at the other end splits them again."""
    words = launches.ssh("h", "~/my tools/mqtt-mcp").start({"MQTT_MCP_PROFILE": "a b; c"}).words

    assert shlex.split(" ".join(words[-3:])) == ["my tools/mqtt-mcp", "--profile", "a b; c"]


@pytest.mark.parametrize("client", [one for one in CLIENTS if one.file], ids=lambda client: client.name)
def test_every_clients_file_has_a_place_on_every_system(client):
    """As its makers document it."""
    environ = {"HOME": "/h", "USERPROFILE": "C:/u", "APPDATA": "C:/u/AppData/Roaming"}
    for system in SYSTEMS:
        path = str(config_path(client, environ, system))
        assert path.startswith("C:" if system == "win32" else "/h")
        assert path.endswith(shown_path(client, system).replace("\\", "/").rsplit("/", 1)[1])
        assert "{" not in path + shown_path(client, system)


def test_the_places_are_those_of_the_makers():
    """One of each kind, word by word."""
    linux = {"HOME": "/h", "XDG_CONFIG_HOME": "/x", "CODEX_HOME": "/c", "CLAUDE_CONFIG_DIR": "/d"}

    assert str(config_path(client_named("cursor"), linux, "linux")) == "/h/.cursor/mcp.json"
    assert str(config_path(client_named("vscode"), linux, "linux")) == "/x/Code/User/mcp.json"
    assert str(config_path(client_named("codex"), linux, "linux")) == "/c/config.toml"
    assert str(config_path(client_named("claude-code"), linux, "linux")) == "/d/.claude.json"
    assert (
        str(config_path(client_named("claude-desktop"), linux, "darwin"))
        == "/h/Library/Application Support/Claude/claude_desktop_config.json"
    )
    assert shown_path(client_named("vscode"), "win32") == "%APPDATA%\\Code\\User\\mcp.json"
    assert shown_path(client_named("windsurf"), "win32") == "%USERPROFILE%\\.codeium\\windsurf\\mcp_config.json"


def test_an_installation_that_uvx_made_for_one_run_is_told_from_one_that_stays():
    """Its path would be gone after the next clean-up of the cache."""
    assert launches.is_passing("/home/you/.cache/uv/archive-v0/x1y2z3")
    assert launches.is_passing("/home/you/.cache/uv/environments-v2/mqtt")
    assert not launches.is_passing("/home/you/.local/share/uv/tools/bitsperity-mqtt-mcp")


def test_this_installation_is_started_by_an_absolute_path():
    """A desktop application has another PATH, and another folder."""
    assert launches.here().head[0].startswith("/")
    assert launches.here().head == tuple(launches.server_command())
