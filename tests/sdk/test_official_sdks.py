"""The official MCP Python SDK as a client of ours, in both of its major releases and both protocol eras.

Each release lives in a virtual environment of its own, named by ``TEST_SDK1_PYTHON`` and ``TEST_SDK2_PYTHON``
or found as ``.venv-sdk1`` and ``.venv-sdk2`` in the project's folder. Where one is absent its tests are skipped and
say how to make it. The SDK checks every result against the output schema of its tool.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY = [sys.executable, str(ROOT / "tests" / "testkit" / "toy_application.py")]
PRODUCT = [sys.executable, "-m", "mqtt_mcp"]

CLIENTS = [
    pytest.param(1, "legacy", "2025-11-25", id="sdk1"),
    pytest.param(2, "legacy", "2025-11-25", id="sdk2-legacy"),
    pytest.param(2, "auto", "2026-07-28", id="sdk2-auto"),
    pytest.param(2, "2026-07-28", "2026-07-28", id="sdk2-modern"),
]

pytestmark = [pytest.mark.sdk, pytest.mark.process]


def _python_of(release: int) -> str:
    default = ROOT / f".venv-sdk{release}" / "bin" / "python"
    python = os.environ.get(f"TEST_SDK{release}_PYTHON", str(default))
    if not Path(python).exists():
        wanted = "mcp==1.30.0" if release == 1 else "mcp>=2.3,<3"
        if os.environ.get("TEST_REQUIRE_SDK") == "1":
            pytest.fail(f"SDK {release} is absent, and TEST_REQUIRE_SDK=1 demands it", pytrace=False)
        pytest.skip(f"NOT TESTED: SDK {release} is absent: python -m venv .venv-sdk{release}; install '{wanted}' in it")
    return python


def _run(release: int, mode: str, command: list[str], steps: list[dict[str, Any]]) -> dict[str, Any]:
    env = {"PYTHONPATH": str(ROOT / "tests"), "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    env["MQTT_MCP_SOCKET"] = "off"  # a hub that happens to run on this machine is not what is tested
    plan = {"command": command, "env": env, "mode": mode, "steps": steps}
    done = subprocess.run(
        [_python_of(release), str(Path(__file__).with_name(f"client_v{release}.py"))],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


@pytest.mark.parametrize(("release", "mode", "protocol"), CLIENTS)
def test_the_sdk_can_use_every_feature_of_the_wire(release: int, mode: str, protocol: str) -> None:
    """SDK-defined: results, tool errors, protocol errors, progress, cancellation and stray prints, on a toy server."""
    steps: list[dict[str, Any]] = [
        {"tool": "echo", "arguments": {"text": "hi", "times": 2}},
        {"tool": "echo", "arguments": {"text": "hi", "times": 9}},
        {"tool": "fail"},
        {"tool": "no_such_tool"},
        {"tool": "print"},
        {"tool": "number", "arguments": {"kind": "nan"}},
        {"tool": "wait", "arguments": {"seconds": 1.5}, "progress": True},
        {"tool": "wait", "arguments": {"seconds": 600}, "progress": True, "cancel_after_s": 0.3},
        {"tool": "echo", "arguments": {"text": "still here"}},
    ]
    report = _run(release, mode, TOY, steps)

    assert report["protocol"] == protocol
    assert report["server"] == ("" if mode == protocol else "toy")  # pinned to a revision, the SDK does not ask
    assert [tool["name"] for tool in report["tools"]] == ["crash", "echo", "fail", "number", "print", "size", "wait"]
    echo, refused, failed, unknown, printed, number, waited, cancelled, after = report["steps"]
    assert echo["structured"] == {"text": "hihi"}
    assert refused["is_error"]
    assert "from 1 to 3" in refused["text"]
    assert failed["is_error"]
    assert failed["text"].startswith("session_unknown: ")
    assert unknown["code"] == -32602
    assert printed["structured"] == {"text": "stdin has 0 characters"}
    assert number["structured"] == {"required": 1.5}
    assert waited["structured"] == {"waited": 1.5}
    assert [total for _, total, _ in waited["progress"]] == [1.5, 1.5]
    assert cancelled == {"cancelled": True}
    assert after["structured"] == {"text": "still here"}
    assert report["unexpected"] == []


@pytest.mark.parametrize(("release", "mode", "protocol"), CLIENTS)
def test_the_sdk_can_use_the_product(release: int, mode: str, protocol: str) -> None:
    """SDK-defined: our own server lists its eleven tools, answers, and refuses an unknown session as a tool error."""
    steps: list[dict[str, Any]] = [
        {"tool": "list_active_connections"},
        {"tool": "list_topics", "arguments": {"session_id": "00000000-0000-4000-8000-000000000000"}},
    ]
    report = _run(release, mode, PRODUCT, steps)

    assert report["protocol"] == protocol
    assert len(report["tools"]) == 11
    active, unknown = report["steps"]
    assert not active["is_error"], active["text"]
    assert isinstance(active["structured"], dict)
    assert unknown["is_error"]
    assert unknown["text"].startswith("session_unknown: ")
    assert report["unexpected"] == []
