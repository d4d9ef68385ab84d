"""The Umbrel app: the rules of its store and of umbrelOS that decide whether it installs, and that it is safe there.

The store's own linter (``umbrel/lint``) knows more of them; these need no network.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from mqtt_mcp import __version__
from mqtt_mcp.config import load_config
from mqtt_mcp.monitor.access import ALWAYS_OPEN
from mqtt_mcp.monitor.widget import Widget

STORE = Path(__file__).parents[2] / "umbrel"
APP = STORE / "bitsperity-mqtt-mcp"
MANIFEST: dict[str, Any] = yaml.safe_load((APP / "umbrel-app.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((APP / "docker-compose.yml").read_text())
SERVER: dict[str, Any] = COMPOSE["services"]["mcp-server"]
RAW = "https://raw.githubusercontent.com/bitsperity/mqtt-mcp/main/umbrel/"
REQUIRED = [
    "manifestVersion", "id", "category", "name", "version", "tagline", "description", "developer", "website",
    "dependencies", "repo", "support", "port", "gallery", "path", "submitter", "submission",
]  # fmt: skip


def test_the_store_has_the_file_that_makes_it_one():
    """umbrelOS reads id and name from it and drops apps whose id does not begin with the store's."""
    store = yaml.safe_load((STORE / "umbrel-app-store.yml").read_text())
    assert set(store) == {"id", "name"}
    assert MANIFEST["id"].startswith(f"{store['id']}-")


def test_the_manifest_is_in_a_folder_with_the_name_of_the_app():
    """umbrelOS looks for ``*/umbrel-app.yml`` one level deep, then copies the folder named like the id."""
    assert [path.parent.name for path in STORE.glob("*/umbrel-app.yml")] == [MANIFEST["id"]]


@pytest.mark.parametrize("field", REQUIRED)
def test_the_manifest_has_what_the_linter_requires(field):
    """REQUIRED_MANIFEST_FIELDS of the store's linter."""
    assert field in MANIFEST


def test_the_values_are_of_the_kinds_the_linter_wants():
    """An unknown category is refused; an unquoted version is a number; 80, 443 and 2000 belong to umbrelOS."""
    assert MANIFEST["category"] == "developer"
    assert MANIFEST["manifestVersion"] == 1
    assert isinstance(MANIFEST["version"], str)
    assert isinstance(MANIFEST["port"], int)
    assert MANIFEST["port"] not in {80, 443, 2000}
    assert MANIFEST["path"] == ""
    assert all(MANIFEST[field].startswith("https://") for field in ("website", "repo", "support", "submission"))


def test_the_version_is_the_one_of_the_package_everywhere():
    """The version lives in ``mqtt_mcp/__init__.py``; umbrelOS offers an update when the manifest's differs."""
    assert MANIFEST["version"] == __version__
    assert SERVER["image"].partition("@")[0] == f"ghcr.io/bitsperity/mqtt-mcp:{__version__}"


def test_the_image_is_named_by_tag_and_digest():
    """The linter refuses an image without either."""
    assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", SERVER["image"])


def test_the_pictures_have_absolute_addresses_and_are_here():
    """umbrelOS completes relative names for the official store only; a listing should load on a phone."""
    for address in (MANIFEST["icon"], *MANIFEST["gallery"]):
        picture = APP.parent / address.removeprefix(RAW)
        assert picture.is_file()
        assert picture.stat().st_size < 150_000
    assert len(MANIFEST["gallery"]) == len(list((APP.parent / "pictures").glob("*.jpg"))) == 3


def test_mosquitto_is_installed_first():
    """The App Store asks for what ``dependencies`` names; our broker is that app's."""
    assert MANIFEST["dependencies"] == ["mosquitto"]


def test_the_proxy_is_led_to_our_container():
    """umbrelOS names containers ``<app>_<service>_1``; service names are shared by all apps on its network."""
    assert COMPOSE["services"]["app_proxy"] == {
        "environment": {"APP_HOST": f"{MANIFEST['id']}_mcp-server_1", "APP_PORT": 8090}
    }


def test_only_the_proxy_is_trusted():
    """Every other app is on the same network; the page may show and act for the one that asks for the login."""
    environment = SERVER["environment"]
    assert environment["MQTT_MCP_TRUSTED_PROXY"] == f"{MANIFEST['id']}_app_proxy_1"
    assert environment["MQTT_MCP_MONITOR_HOST"] == "0.0.0.0"
    assert not [name for name in environment if name.startswith("MQTT_BROKER") or "PASSWORD" in name]


def test_umbrel_gets_to_choose_network_ports_and_names():
    """It adds them itself; ours would be errors or warnings, and would part us from the broker."""
    assert set(COMPOSE) == {"services"}
    assert not {"networks", "network_mode", "ports", "container_name", "build", "privileged", "tty"} & set(SERVER)
    assert SERVER["restart"] == "on-failure"


def test_the_container_may_do_nothing_it_need_not():
    """As in the image's own papers: uid 1000, read-only root, no capabilities."""
    assert SERVER["user"] == "1000:1000"
    assert SERVER["read_only"] is True
    assert SERVER["cap_drop"] == ["ALL"]
    assert SERVER["security_opt"] == ["no-new-privileges:true"]
    assert SERVER["tmpfs"] == ["/tmp"]


def test_only_the_data_folder_is_kept():
    """Anything outside ``${APP_DATA_DIR}/data`` is refused; an update leaves that folder alone."""
    assert SERVER["volumes"] == ["${APP_DATA_DIR}/data:/data"]


def test_the_shipped_configuration_is_read_and_names_the_broker_of_umbrel():
    """It is in the data folder and not in the environment, so that a person can add a password there."""
    config = load_config({}, {"XDG_CONFIG_HOME": str(APP / "data"), "HOME": "/nonexistent", **SERVER["environment"]})
    assert config.default_profile == "umbrel"
    broker = config.profiles["umbrel"]
    assert (broker.host, broker.port, broker.tls, len(config.profiles)) == ("mosquitto_broker_1", 1883, None, 1)


def test_the_commented_lines_of_the_configuration_work_when_the_sign_is_taken_away(tmp_path):
    """What the guide tells people to do: three lines, and a password file."""
    text = (APP / "data" / "mqtt-mcp" / "mqtt-mcp.toml").read_text()
    text, changed = re.subn(r"(?m)^# (?=(read_only|username|password_file) = )", "", text)
    assert changed == 3
    (tmp_path / "mosquitto.password").write_text("secret\n")
    file = tmp_path / "mqtt-mcp.toml"
    file.write_text(text.replace("/data/mqtt-mcp", str(tmp_path)))
    config = load_config({"config": str(file)}, {})
    assert config.passwords() == ["secret"]
    assert "assistant" in config.secrets()
    assert config.policy.read_only


def test_the_widget_is_the_one_the_monitor_has():
    """umbrelOS shows ``example`` in the gallery of widgets and the endpoint's answer on the home screen."""
    (widget,) = MANIFEST["widgets"]
    assert widget["endpoint"].removeprefix("mcp-server:8090") in ALWAYS_OPEN
    example = msgspec.convert(widget["example"], Widget, strict=True)
    assert msgspec.to_builtins(example) == widget["example"]
    assert (widget["type"], widget["refresh"]) == (example.type, example.refresh)
    assert len(example.items) == 4


def test_the_terminal_of_the_app_opens_in_a_container_there_is():
    """``defaultShell`` is a service of the compose file."""
    assert MANIFEST["defaultShell"] in COMPOSE["services"]


def test_the_port_stands_in_one_line_only():
    """People with Urbit change it: the port inside the container must not hang on it."""
    text = (APP / "umbrel-app.yml").read_text()
    assert re.findall(r"(?m)^.*8090.*$", text) == ["port: 8090", "    endpoint: mcp-server:8090/widgets/umbrel"]


def test_a_digest_that_is_not_filled_in_is_told_at_a_release_only():
    """Before the image is pushed nobody knows it; `umbrel/lint --release` is asked by the release."""
    command = [sys.executable, str(STORE / "lint"), "--release"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == (1 if "@sha256:" + "0" * 64 in SERVER["image"] else 0)
