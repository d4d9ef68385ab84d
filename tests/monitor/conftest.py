"""What holds in every test of the monitor: nothing on standard output, no traceback in the log."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def failure_expected() -> bool:
    """Ask for this where the server is made to fail: its log may then tell."""
    return True


@pytest.fixture(autouse=True)
def silent_server(
    request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Standard output belongs to the protocol, and no input is a reason for a traceback."""
    caplog.set_level(logging.DEBUG)
    yield
    assert capfd.readouterr().out == ""
    if "failure_expected" not in request.fixturenames:
        loud = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR or r.exc_info]
        assert not loud, [r.getMessage() for r in loud]
