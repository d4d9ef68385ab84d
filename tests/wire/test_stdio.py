"""The standard streams of a real process: nothing but messages on stdout, and an end when the client has gone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from testkit.mcp_client import spawned

TOY = [sys.executable, str(Path(__file__).resolve().parents[1] / "testkit" / "toy_application.py")]
ENV = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'

pytestmark = pytest.mark.process


async def test_stray_output_lands_on_stderr_and_stdin_reads_as_empty(tmp_path: Path) -> None:
    """MCP stdio: nothing but messages on stdout; print, sys.stdout, descriptor 1 and a child are all diverted."""
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        async with spawned(TOY, env=ENV, stderr=stderr) as client:
            outcome = await client.call("print")
            assert outcome.data == {"text": "stdin has 0 characters"}
            assert client.strays == []

    text = log.read_text()
    for stray in ("a stray print", "another", "straight to the descriptor", "echo from a child"[10:]):
        assert stray in text


async def test_the_end_of_stdin_ends_the_process_with_status_0_within_a_second() -> None:
    """MCP stdio shutdown: under ssh and docker exec the end of input is the only signal there is."""
    async with spawned(TOY, env=ENV) as client:
        await client.start_call("wait", seconds=500)
        await client.request("ping")
        assert client.process is not None
        assert client.process.stdin is not None
        await client.process.stdin.aclose()
        with trio.fail_after(1):
            assert await client.process.wait() == 0


async def test_a_closed_stdout_ends_the_process() -> None:
    """Ours: EPIPE ends a server whose client died without closing our input."""
    process = await trio.lowlevel.open_process(
        TOY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENV}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with trio.fail_after(20):
        await process.stdin.send_all(PING)
        assert await process.stdout.receive_some()
        await process.stdout.aclose()
        await process.stdin.send_all(PING)
        assert await process.wait() == 0
        await process.stdin.aclose()


@pytest.mark.parametrize("source", ["file", "null"])
async def test_input_may_be_a_file_or_the_null_device(source: str, tmp_path: Path) -> None:
    """Ours: what epoll refuses is read all the same."""
    lines = tmp_path / "input"
    lines.write_bytes(PING if source == "file" else b"")
    path = lines if source == "file" else Path(os.devnull)
    with path.open("rb") as stdin, trio.fail_after(20):
        done = await trio.run_process(TOY, stdin=stdin, capture_stdout=True, env={**os.environ, **ENV})

    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ([1] if source == "file" else [])


async def test_a_message_of_six_megabytes_is_refused_and_one_of_three_is_read() -> None:
    """Ours: lines up to 4 MiB."""
    async with spawned(TOY, env=ENV) as client:
        assert await client.request("ping", {"x": "y" * 3_000_000}) == {}
        too_long: dict[str, Any] = {"jsonrpc": "2.0", "id": 9, "method": "ping", "params": {"x": "y" * 6_000_000}}
        await client.send(too_long)
        assert await client.request("ping") == {}

    assert [stray["error"]["code"] for stray in client.strays] == [-32600]


async def test_the_blocking_mode_of_the_streams_is_given_back(tmp_path: Path) -> None:
    """Ours: the open file may be shared with the shell that started us."""
    ours, theirs = os.pipe()
    back, out = os.pipe()
    try:
        with trio.fail_after(20):
            process = await trio.lowlevel.open_process(TOY, stdin=ours, stdout=out, env={**os.environ, **ENV})
            os.write(theirs, PING)
            await trio.lowlevel.wait_readable(back)
            assert os.read(back, 1000).endswith(b"\n")
            assert not os.get_blocking(ours)
            os.close(theirs)
            theirs = -1
            assert await process.wait() == 0
        assert os.get_blocking(ours)
        assert os.get_blocking(out)
    finally:
        for fd in (ours, theirs, back, out):
            if fd >= 0:
                os.close(fd)
