"""`mqtt-mcp check` as a real process: the account and the exit status."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process


def check(*arguments, **env):
    """Run the command; its status, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "mqtt_mcp", "check", *arguments],
        env={**os.environ, "HOME": "/nonexistent", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.broker
def test_a_broker_that_works_ends_with_0(mosquitto):
    """Every stage has its line; the bare host and port are enough."""
    status, out, err = check(f"127.0.0.1:{mosquitto.port}")

    assert status == 0, out
    assert "✓ connect" in out
    assert "✓ loopback" in out
    assert "works, with MQTT 5.0" in out
    assert "\x1b" not in out
    assert err == ""


@pytest.mark.broker
def test_refused_credentials_end_with_1_and_are_not_shown(mosquitto_accounts):
    """What was refused is said, never which part or with which value."""
    status, out, err = check(
        MQTT_BROKER_URL=f"mqtt://127.0.0.1:{mosquitto_accounts.port}", MQTT_USERNAME="someone", MQTT_PASSWORD="s3cret"
    )

    assert status == 1
    assert "✗ connect" in out
    assert "refused the login" in out
    assert "s3cret" not in out + err


def test_an_unreachable_broker_ends_with_1_and_says_where_it_broke():
    """Later stages are not reached."""
    status, out, err = check("mqtt://127.0.0.1:1")

    assert status == 1
    assert "✗ tcp" in out
    assert "It fails at the stage tcp" in out
    assert err == ""


def test_no_broker_at_all_ends_with_2():
    """Wrong usage is one line."""
    status, out, err = check()

    assert status == 2
    assert out == ""
    assert "MQTT_BROKER_URL" in err
    assert err.count("\n") == 1
