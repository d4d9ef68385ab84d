"""The Umbrel app: the rules of Umbrel's store, and that it says what the program does.

The rules are those of the linter of getumbrel/umbrel-apps, of umbreld's own schema, and of how umbreld merges compose
files; ``umbrel/lint`` runs the linter itself.
"""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
import yaml

from mqtt_mcp import __version__
from mqtt_mcp.config import load_config
from mqtt_mcp.monitor.access import ALWAYS_OPEN
from mqtt_mcp.monitor.widget import Widget
from mqtt_mcp.options import OPTIONS

STORE = Path(__file__).parents[2] / "umbrel"
STORE_ID = "bitsperity"
APP_ID = "bitsperity-mqtt-mcp"
APP = STORE / APP_ID
CATEGORIES = {
    "ai", "automation", "bitcoin", "crypto", "developer", "files", "finance", "media", "networking", "social",
}  # fmt: skip
REQUIRED = {
    "manifestVersion", "id", "category", "name", "version", "tagline", "description", "developer", "website",
    "dependencies", "repo", "support", "port", "gallery", "path", "submitter", "submission",
}  # fmt: skip
SHIPPED = APP / "data" / "mqtt-mcp" / "mqtt-mcp.toml"


def manifest():
    return yaml.safe_load((APP / "umbrel-app.yml").read_text(encoding="utf-8"))


def compose():
    return yaml.safe_load((APP / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_store_and_the_app_are_named_so_that_umbreld_finds_them():
    """It looks for ``*/umbrel-app.yml`` one level deep, in a folder named like the id: the store's and our name."""
    assert yaml.safe_load((STORE / "umbrel-app-store.yml").read_text())["id"] == STORE_ID
    assert [path.parent.name for path in STORE.glob("*/umbrel-app.yml")] == [APP_ID]
    assert manifest()["id"] == APP_ID
    assert APP_ID.startswith(f"{STORE_ID}-")


def test_the_manifest_has_what_the_linter_requires():
    """Field by field; texts may not be empty, and a version is a text."""
    found = manifest()

    assert found.keys() >= REQUIRED
    assert found["category"] in CATEGORIES
    assert found["manifestVersion"] == 1  # a higher one shuts out older systems
    assert found["version"] == __version__
    assert found["path"] == ""
    for name in ("name", "version", "tagline", "description", "website", "support", "submitter", "submission"):
        assert isinstance(found[name], str)
        assert found[name].strip()
    for name in ("website", "repo", "support", "submission", "icon"):
        assert found[name].startswith("https://")


def test_it_is_installed_after_the_broker_and_on_the_port_that_was_asked_for():
    """Umbrel offers to install what an app depends on first."""
    assert manifest()["dependencies"] == ["mosquitto"]
    assert manifest()["port"] == 8090


def test_pictures_are_addresses_of_files_that_are_here():
    """A community store's pictures are not prefixed by umbreld: only whole addresses show."""
    base = "https://raw.githubusercontent.com/bitsperity/mqtt-mcp/main/"
    addresses = [manifest()["icon"], *manifest()["gallery"]]

    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith(base)
        assert (STORE.parent / address.removeprefix(base)).is_file()


def test_paragraphs_of_the_description_survive_folding():
    """In a folded text, two blank lines make a paragraph and one makes an entry of a list."""
    text = manifest()["description"]

    assert "\n\n**Getting started**\n\n" in text
    assert len(re.findall(r"^- ", text, re.MULTILINE)) >= 5


@pytest.mark.parametrize("forbidden", ["networks", "volumes", "version", "secrets"])
def test_compose_leaves_to_umbreld_what_is_umbrelds(forbidden):
    """It merges its network in; a block of ours would make the app unreachable."""
    assert forbidden not in compose()


def test_compose_services_have_none_of_what_the_linter_refuses():
    """No build, no fixed name, no port past app_proxy, no privileges, no socket of Docker."""
    service = compose()["services"]["mcp-server"]

    assert not service.keys() & {"build", "container_name", "ports", "privileged", "network_mode", "networks", "tty"}
    assert re.fullmatch(
        rf"ghcr\.io/bitsperity/mqtt-mcp:{re.escape(__version__)}@sha256:[0-9a-f]{{64}}", service["image"]
    )
    assert service["restart"] == "on-failure"
    assert service["volumes"] == ["${APP_DATA_DIR}/data:/data"]


def test_the_container_is_hardened():
    """Nothing but its data folder and /tmp can be written, by an ordinary user without capabilities."""
    service = compose()["services"]["mcp-server"]

    assert service["user"] == "1000:1000"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]


def test_app_proxy_finds_the_container_and_only_it_is_trusted():
    """umbreld names a container <app>_<service>_1, app_proxy's too."""
    services = compose()["services"]
    (service,) = set(services) - {"app_proxy"}
    proxy = services["app_proxy"]["environment"]
    environment = services[service]["environment"]

    assert proxy == {"APP_HOST": f"{APP_ID}_{service}_1", "APP_PORT": 8090}
    assert manifest()["defaultShell"] == service
    assert environment == {"MQTT_MCP_MONITOR_HOST": "0.0.0.0", "MQTT_MCP_TRUSTED_PROXY": f"{APP_ID}_app_proxy_1"}
    assert set(environment) <= {option.env for option in OPTIONS}


def test_the_shipped_configuration_is_one_with_the_environment_of_the_container(tmp_path):
    """Read as the container reads it: from XDG_CONFIG_HOME, with the variables of compose."""
    environment = compose()["services"]["mcp-server"]["environment"]
    config = load_config({}, {**environment, "XDG_CONFIG_HOME": str(APP / "data")})

    assert config.default_profile == "umbrel"
    assert config.profiles["umbrel"].url == "mqtt://mosquitto_broker_1:1883"
    assert config.policy.read_only is False
    assert config.monitor.port == 8090


def test_what_is_commented_out_in_the_shipped_configuration_works_when_it_is_not(tmp_path):
    """A person takes the number sign away and nothing else."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    opened = [re.sub(r"^# (\w+ = )", r"\1", line) for line in lines]
    folder = tmp_path / "mqtt-mcp"
    folder.mkdir()
    (folder / "mosquitto.password").write_text("secret\n")
    (folder / "mqtt-mcp.toml").write_text("\n".join(opened))

    config = load_config({}, {"XDG_CONFIG_HOME": str(tmp_path)})

    assert opened != lines
    assert config.policy.publish_deny == ("lock/#", "alarm/#")
    assert config.profiles["umbrel"].password is not None
    assert Path(config.audit) == folder / "audit.jsonl"


def test_the_widget_is_at_an_open_path_and_looks_like_its_example():
    """umbreld asks for it by the container's address, without a login, and shows the example until then."""
    (widget,) = manifest()["widgets"]
    service, _, rest = widget["endpoint"].partition(":")
    port, _, path = rest.partition("/")

    assert service == "mcp-server"
    assert port == "8090"
    assert f"/{path}" in ALWAYS_OPEN
    assert widget["type"] == "four-stats"
    example = msgspec.convert(widget["example"], Widget)
    assert msgspec.to_builtins(example) == widget["example"]
    assert [item.title for item in example.items] == ["Sessions", "Received", "Tool calls", "Published"]


def test_the_guide_quotes_the_command_that_reaches_the_container():
    """The rule of sudo compares to the letter."""
    guide = (STORE.parent / "docs" / "umbrel.md").read_text(encoding="utf-8")
    quoted = " ".join(re.findall(r'"([^"]+)"', guide.split('"args": [')[1].split("]")[0]))

    assert shlex.join(["sudo", "-n", "docker", "exec", "-i", f"{APP_ID}_mcp-server_1", "mqtt-mcp"]) in quoted
