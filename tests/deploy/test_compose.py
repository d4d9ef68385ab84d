"""The compose files and what `deploy/prepare` makes for them, held by rules; that they run was tried by hand."""

import os
import re
import shutil
import socket
import types
from pathlib import Path

import pytest
import yaml

from mqtt_mcp import __version__
from mqtt_mcp.config import load_config
from mqtt_mcp.options import OPTIONS
from testkit import mosquitto as kit

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CONF = (DEPLOY / "mosquitto.conf").read_text()
ALLOWED_CONF = {
    "listener", "allow_anonymous", "password_file", "persistence", "persistence_location", "autosave_interval",
    "max_packet_size", "max_queued_messages", "persistent_client_expiration", "log_dest", "log_type",
    "connection_messages", "log_timestamp_format",
}  # fmt: skip
OWN = ["--broker", "mqtt://192.168.1.10"]


@pytest.fixture
def prepare(tmp_path, monkeypatch, capsys):
    """Run `deploy/prepare` for a folder of this test, as the user who runs the tests; returns that folder."""
    shutil.copy(DEPLOY / "prepare", tmp_path / "prepare")

    def run(*arguments, status=0):
        module = types.ModuleType("prepare")
        module.__file__ = str(tmp_path / "prepare")
        exec(compile((tmp_path / "prepare").read_text(), module.__file__, "exec"), module.__dict__)
        module.__dict__["OWNER"] = os.geteuid()
        monkeypatch.setattr("sys.argv", ["prepare", *arguments])
        monkeypatch.setattr(module, "ask_for_password", lambda: "of-my-own")
        assert module.main() == status
        return tmp_path

    return run


def environment(folder):
    """What the container of the hub gets, with the secrets where this test can read them."""
    dotenv = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())

    def value(match):
        name, operator, default = match.groups()
        return dotenv.get(name, default) if operator == "-" else dotenv.get(name) or default

    raw = SERVICES["mqtt-mcp"]["environment"].items()
    filled = {name: re.sub(r"\$\{(\w+)(:?-)([^}]*)\}", value, str(text)) for name, text in raw}
    return {name: text.replace("/run/secrets", str(folder / "secrets")) for name, text in filled.items()}


def test_the_image_is_this_version():
    """One version everywhere, and never `latest`."""
    assert SERVICES["mqtt-mcp"]["image"] == f"ghcr.io/bitsperity/mqtt-mcp:{__version__}"
    assert SERVICES["mqtt-mcp"]["container_name"] == "mqtt-mcp"
    assert not [service["image"] for service in SERVICES.values() if not re.search(r":\d", service["image"])]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_locked_down(name):
    """Read-only, without privileges, as nobody in particular, bounded, and on this machine's own address only."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "1000:1000"
    assert service["init"] is True
    assert service["mem_limit"]
    assert service["pids_limit"] <= 128
    assert all(re.match(r"(127\.0\.0\.1|\$\{\w+:-127\.0\.0\.1\}):\d+:\d+$", port) for port in service["ports"])
    assert not {"privileged", "network_mode", "cap_add", "pid", "devices"} & set(service)


def test_the_hub_has_its_tmp_its_health_and_time_to_end():
    """Its socket lives on a tmpfs that user 1000 can write; `serve` ends within 4.5 s."""
    service = SERVICES["mqtt-mcp"]

    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert "mode=1777" in service["tmpfs"][0]
    assert service["healthcheck"]["test"] == ["CMD", "mqtt-mcp", "health"]
    assert service["stop_grace_period"] == "10s"
    assert [volume.split(":")[1] for volume in service["volumes"]] == ["/data"]


def test_what_prepare_makes_gets_into_no_commit_and_no_sdist():
    """The top .gitignore: git reads those of folders too, the builder of the sdist this one only."""
    ignored = set((DEPLOY.parent / ".gitignore").read_text().splitlines())

    assert {"/deploy/.env", "/deploy/secrets/*", "/deploy/broker-data/*"} <= ignored


def test_the_override_only_changes_where_the_image_comes_from():
    """`docker compose -f compose.yaml -f compose.build.yaml up -d --build`."""
    override = yaml.safe_load((DEPLOY / "compose.build.yaml").read_text())["services"]

    assert list(override) == ["mqtt-mcp"]
    assert set(override["mqtt-mcp"]) == {"image", "build", "pull_policy"}
    assert (DEPLOY / override["mqtt-mcp"]["build"]["context"] / "Dockerfile").is_file()


def test_every_variable_is_one_of_ours_and_none_holds_a_secret():
    """A password in the environment shows in `docker inspect`."""
    names = set(SERVICES["mqtt-mcp"]["environment"])

    assert names <= {option.env for option in OPTIONS}
    assert not names & {option.env for option in OPTIONS if option.name in ("password", "token")}


@pytest.mark.parametrize(
    "arguments", [[], OWN, [*OWN, "--username", "me"]], ids=["own broker", "open", "with password"]
)
def test_prepare_makes_every_file_that_compose_names(prepare, arguments):
    """Compose stops at a missing secret; only their owner may read them, and no run changes what is there."""
    folder = prepare(*arguments)
    files = {name: folder / secret["file"] for name, secret in COMPOSE["secrets"].items()}
    before = {name: path.read_text() for name, path in files.items()}

    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o400}
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    prepare(*arguments)
    assert {name: path.read_text() for name, path in files.items()} == before


@pytest.mark.parametrize(
    ("arguments", "url", "username", "has_password"),
    [
        ([], "mqtt://broker:1883", "mqtt-mcp", True),
        (OWN, "mqtt://192.168.1.10:1883", None, False),
        ([*OWN, "--username", "me"], "mqtt://192.168.1.10:1883", "me", True),
    ],
    ids=["own broker", "open", "with password"],
)
def test_what_is_prepared_is_a_configuration_of_the_hub(prepare, arguments, url, username, has_password):
    """With the environment as compose fills it in: a broker without a password works, too."""
    folder = prepare(*arguments)
    config = load_config({}, environment(folder))
    broker = config.profiles["default"]

    assert broker.url == url
    assert (broker.username.reveal() if broker.username else None) == username
    assert bool(broker.password) is has_password
    assert config.monitor.token
    config.monitor.check_exposure()
    profile = "COMPOSE_PROFILES=broker" in (folder / ".env").read_text()
    assert profile is not bool(arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--broker", "mqtt://me:secret@host"], "without a user name"),
        (["--broker", "host"], "mqtt://HOST"),
        (["--username", "me"], "--username is for --broker"),
        (["--account", "kitchen"], "run ./prepare first"),
        (["--account", "a:b"], "letters"),
        (["--broker", "mqtt://localhost:1883"], "host.docker.internal"),
        (["--broker", "mqtt://127.0.0.1"], "host.docker.internal"),
    ],
)
def test_what_cannot_be_prepared_is_refused_in_one_line(prepare, capsys, arguments, words):
    """Nothing is written."""
    folder = prepare(*arguments, status=2)

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (folder / ".env").exists()


def test_another_broker_is_not_given_the_password_of_the_one_before(prepare, capsys):
    """`.env` and the password belong together."""
    before = {path.name: path.read_text() for path in (prepare() / "secrets").iterdir()}

    folder = prepare(*OWN, "--username", "me", status=2)

    assert "remove .env and secrets/mqtt_password" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in (folder / "secrets").iterdir()} == before


def test_a_link_in_place_of_a_secret_is_not_followed(prepare, tmp_path):
    """The folder belongs to the containers' user, and root may be the one who adds an account."""
    precious = tmp_path / "precious"
    precious.write_text("root's own\n")
    secret = prepare() / "secrets" / "mosquitto_passwords"
    secret.unlink()
    secret.symlink_to(precious)

    with pytest.raises(SystemExit) as ended:
        prepare("--account", "kitchen")

    assert ended.value.code == 2
    assert precious.read_text() == "root's own\n"


def connect(port, username="", password=""):
    """The return code of an MQTT 3.1.1 CONNECT."""

    def text(value):
        return len(value).to_bytes(2, "big") + value.encode()

    flags = 0x02 | (0xC0 if username else 0)
    body = text("MQTT") + bytes([4, flags, 0, 30]) + text("probe")
    body += text(username) + text(password) if username else b""
    with socket.create_connection(("127.0.0.1", port), 5) as broker:
        broker.settimeout(5)
        broker.sendall(bytes([0x10, len(body)]) + body)
        return broker.recv(4)[3]


def test_the_broker_has_only_lines_that_were_thought_about():
    """No second listener, no bridge, no plugin comes in unseen."""
    lines = [line.split(" ", 1) for line in CONF.splitlines() if line and not line.startswith("#")]

    assert {key for key, _ in lines} <= ALLOWED_CONF
    assert ["allow_anonymous", "false"] in lines
    assert [value for key, value in lines if key == "listener"] == ["1883"]
    mounted = {volume.split(":")[1] for volume in SERVICES["broker"]["volumes"]}
    assert {"/mosquitto/config/mosquitto.conf", "/mosquitto/data"} == mounted
    assert "password_file /run/secrets/mosquitto_passwords" in CONF
    assert SERVICES["broker"]["secrets"] == ["mosquitto_passwords"]


@pytest.mark.broker
def test_a_real_broker_takes_the_accounts_and_nobody_else(prepare, capsys):
    """The shipped file with other paths: the hub's account, one for a device, no wrong password, nobody without one."""
    folder = prepare()
    file = folder / "secrets" / "mosquitto_passwords"
    inode = file.stat().st_ino
    prepare("--account", "kitchen")
    of_kitchen = re.search(r"password (\S+) ", capsys.readouterr().out)
    assert of_kitchen is not None
    assert file.stat().st_ino == inode, "a container keeps seeing the file that was mounted"
    conf = CONF.replace("/run/secrets", str(folder / "secrets")).replace("/mosquitto/data", str(folder / "broker-data"))
    conf = conf.replace("listener 1883\n", "")  # the kit writes it

    with kit.running(folder, conf) as broker:
        assert connect(broker.port) == 5
        assert connect(broker.port, "mqtt-mcp", "wrong") == 5
        assert connect(broker.port, "mqtt-mcp", (folder / "secrets" / "mqtt_password").read_text().strip()) == 0
        assert connect(broker.port, "kitchen", of_kitchen[1]) == 0
