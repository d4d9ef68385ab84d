"""Fixtures of the whole suite: real brokers, started once, and what happens where there is none."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from testkit import mosquitto as kit

# How long one example takes, or the making of it, is the machine's business: a busy one must not fail a test.
settings.register_profile("mqtt-mcp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mqtt-mcp")


def pytest_configure() -> None:
    """Keep what this machine's user has from our subprocesses.

    A shell that runs us in the background ignores SIGINT for us, which they would honour.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A hub that happens to run on this machine is not what is tested.
    os.environ["MQTT_MCP_SOCKET"] = "off"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need mosquitto where there is none, or fail them where it is demanded."""
    if item.get_closest_marker("broker") is None or kit.BINARY is not None:
        return
    if os.environ.get("TEST_REQUIRE_BROKER") == "1":
        pytest.fail("mosquitto is not installed, and TEST_REQUIRE_BROKER=1 demands it", pytrace=False)
    pytest.skip("NOT TESTED: mosquitto is not installed (apt install mosquitto / brew install mosquitto)")


@pytest.fixture(scope="session")
def broker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the brokers' configuration, certificates and logs are."""
    return tmp_path_factory.mktemp("brokers")


@pytest.fixture(scope="session")
def mosquitto(broker_folder: Path) -> Iterator[kit.Mosquitto]:
    """A plain mosquitto that lets everybody in; shared, so use topics of your own."""
    with kit.running(broker_folder) as broker:
        yield broker


@pytest.fixture
def own_mosquitto(broker_folder: Path) -> Iterator[kit.Mosquitto]:
    """A plain mosquitto of this test alone, to be killed and restarted."""
    with kit.running(broker_folder) as broker:
        yield broker


@pytest.fixture(scope="session")
def mosquitto_accounts(broker_folder: Path) -> Iterator[kit.Mosquitto]:
    """A mosquitto with one account, an access list and a maximum packet size of 5,000 bytes."""
    with kit.running(broker_folder, kit.with_accounts(broker_folder)) as broker:
        yield broker


@pytest.fixture(scope="session")
def mosquitto_qos1(broker_folder: Path) -> Iterator[kit.Mosquitto]:
    """A mosquitto with Maximum QoS 1 and without retained messages."""
    with kit.running(broker_folder, "allow_anonymous true\nretain_available false", listener="max_qos 1") as broker:
        yield broker


@pytest.fixture(scope="session")
def certificates(broker_folder: Path) -> kit.Certificates:
    """A throw-away CA."""
    return kit.Certificates(broker_folder / "tls")
