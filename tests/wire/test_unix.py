"""The hub's socket: one hub for each, nothing that is not ours touched, and no window that harms another."""

import errno
import os
import socket
import stat
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from mqtt_mcp.wire import server, unix
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.mcp import Endpoint
from mqtt_mcp.wire.socket_path import MAX_PATH_BYTES, make_note, note_path
from mqtt_mcp.wire.unix import SocketRefused, serve_windows, taken_socket
from testkit.mcp_client import attached
from testkit.toy_application import ToyApplication

NOTE = make_note([], [], {})


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "hub" / "hub.sock")


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def refusal(path):
    with pytest.raises(SocketRefused) as caught, taken_socket(path, NOTE):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- taking the place --------------------------------------------------------------------------------------------------


def test_only_this_user_gets_at_the_socket_and_it_goes_with_the_block(path):
    """Folder 0700, socket 0600, note 0600, whatever the umask."""
    before = os.umask(0)
    try:
        with taken_socket(path, NOTE):
            assert mode_of(Path(path).parent) == 0o700
            assert mode_of(path) == 0o600
            assert mode_of(note_path(path)) == 0o600
            assert Path(note_path(path)).read_text() == NOTE
            assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert not Path(path).exists()
    assert Path(note_path(path)).read_text() == ""


def test_a_second_hub_is_refused_with_the_pid_of_the_first(path):
    """And the first goes on as if nothing had been."""
    with taken_socket(path, NOTE):
        assert f"served by another hub already (pid {os.getpid()})" in refusal(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    with taken_socket(path, NOTE):
        pass


def test_a_stale_socket_is_replaced(path):
    """What kill -9 leaves behind: a file nobody listens on, a note, and no lock."""
    with taken_socket(path, NOTE):
        pass
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
    Path(note_path(path)).write_text("99999 old note\n")
    with taken_socket(path, NOTE):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        assert Path(note_path(path)).read_text() == NOTE


def test_a_file_that_is_no_socket_is_refused_and_left_alone(path):
    """Whoever mistypes --socket loses nothing."""
    Path(path).parent.mkdir(0o700)
    Path(path).write_text("precious")
    assert "is no socket" in refusal(path)
    assert Path(path).read_text() == "precious"


def test_a_socket_that_somebody_answers_is_refused_and_left_alone(path):
    """A hub whose lock file was deleted, or another program; also when its queue is full."""
    Path(path).parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen(0)
        assert "answered by another program" in refusal(path)
        waiting = []
        for _ in range(5):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            client.connect_ex(path)
            waiting.append(client)
        assert "answered by another program" in refusal(path)
        assert stat.S_ISSOCK(os.lstat(path).st_mode)
        for client in waiting:
            client.close()


def test_a_folder_that_others_may_enter_is_refused(path):
    """Its mode is said, and what to do; we change nothing about a folder that is there."""
    Path(path).parent.mkdir()
    Path(path).parent.chmod(0o755)
    said = refusal(path)
    assert "0755" in said
    assert "chmod 700" in said
    assert mode_of(Path(path).parent) == 0o755


def test_a_link_in_place_of_the_folder_is_refused(path, tmp_path):
    """Somebody else may have made it."""
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / "hub").symlink_to(tmp_path / "elsewhere")
    assert "link" in refusal(path)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_place_of_the_lock_is_refused(path, tmp_path):
    """What it points to would be overwritten."""
    Path(path).parent.mkdir(0o700)
    (tmp_path / "precious").write_text("precious")
    Path(note_path(path)).symlink_to(tmp_path / "precious")
    refusal(path)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_of_another_user_is_refused(path, monkeypatch):
    """As in /tmp, where anybody can be first."""
    Path(path).parent.mkdir(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert "another user" in refusal(path)


def test_a_place_that_does_not_exist_is_refused(tmp_path):
    """Only the last folder is made."""
    assert "No such file" in refusal(str(tmp_path / "a" / "b" / "hub.sock"))


def test_a_path_that_is_too_long_is_refused_with_the_limit(tmp_path):
    """The kernel's own words would be: AF_UNIX path too long."""
    assert f"{MAX_PATH_BYTES} bytes" in refusal(str(tmp_path / ("x" * MAX_PATH_BYTES)))


def test_a_socket_that_somebody_put_in_place_of_ours_stays(path):
    """The way out removes only what is ours."""
    with taken_socket(path, NOTE):
        Path(path).unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
    assert Path(path).exists()


# -- windows -----------------------------------------------------------------------------------------------------------


class Door:
    """A served socket."""

    def __init__(self, path, application, scope):
        self.path = path
        self.application = application
        self.scope = scope

    @asynccontextmanager
    async def window(self):
        async with attached(await trio.open_unix_socket(self.path), timeout_s=10) as client:
            yield client


@asynccontextmanager
async def door(path, *, application=None, limits=None, max_windows=64, **more):
    """A toy served on ``path``, for at most 30 s."""
    application = application or ToyApplication()
    with trio.fail_after(30), taken_socket(path, NOTE) as listener:
        async with trio.open_nursery() as nursery:
            serve = partial(
                serve_windows,
                listener,
                Endpoint(application),
                limits=limits or WireLimits(),
                max_windows=max_windows,
                **more,
            )
            await nursery.start(serve)
            yield Door(path, application, nursery.cancel_scope)
            nursery.cancel_scope.cancel()


async def refused(stream):
    """Whether the hub closed this connection without a word."""
    try:
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:
        return True


async def test_windows_share_one_application_and_each_is_a_client_of_its_own(path):
    """The tool list is made once; a window that goes is told to the application."""
    async with door(path) as served, served.window() as one, served.window() as two:
        assert (await one.call("echo", text="1")).data == {"text": "1"}
        assert (await two.call("echo", text="2")).data == {"text": "2"}
        await two.request("tools/list")
        assert len(served.application.opened) == 2
        assert served.application.listed == 1
        await one.finish()
        assert len(served.application.closed) == 1
        assert (await two.call("echo", text="3")).data == {"text": "3"}


async def test_a_process_of_another_user_is_turned_away(path, caplog):
    """The folder keeps it out already; this holds where somebody opened the folder."""
    uids = iter([4242, os.geteuid(), 0])
    async with door(path, uid_of=lambda _connection: next(uids)) as served:
        async with await trio.open_unix_socket(path) as stranger:
            assert await refused(stranger)
        for _ in range(2):
            async with served.window() as client:
                assert await client.request("ping") == {}
    assert "user 4242" in caplog.text


async def test_the_kernel_tells_whose_process_it_is(path):
    """Where it does (Linux)."""
    here, there = socket.socketpair()
    with here, there:
        assert unix.peer_uid(here) in (os.geteuid(), None)


async def test_a_window_too_many_is_closed_at_once_and_its_place_comes_back(path):
    """A bound on what a client that starts windows in a loop can cost."""
    async with door(path, max_windows=2) as served, served.window() as one, served.window() as two:
        async with await trio.open_unix_socket(path) as third:
            assert await refused(third)
        assert await two.request("ping") == {}
        await one.finish()
        async with served.window() as three:
            assert await three.request("ping") == {}


async def test_a_window_that_sends_rubbish_disturbs_nobody(path):
    """Not even itself, as long as it goes on."""
    async with door(path) as served, served.window() as good:
        async with await trio.open_unix_socket(path) as bad:
            for _ in range(50):
                await bad.send_all(os.urandom(5000) + b"\n{\n[]\n\0\n")
                assert await good.request("ping") == {}
        assert await good.request("ping") == {}


async def test_a_window_that_does_not_read_holds_nobody_up_and_is_ended(path):
    """Its queue fills, we stop reading from it, and after a time its connection is ended."""
    async with door(path, limits=WireLimits(stalled_s=0.5, max_queued_bytes=100_000)) as served:
        async with served.window() as good, await trio.open_unix_socket(path) as deaf:
            params = b'{"name":"size","arguments":{"chars":50000}}'
            ended = trio.Event()
            call = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":' + params + b"}\n"
            async with trio.open_nursery() as nursery:

                async def shout():
                    try:
                        for number in range(10_000):
                            await deaf.send_all(call % number)
                    except trio.BrokenResourceError:
                        ended.set()

                nursery.start_soon(shout)
                while not ended.is_set():
                    with trio.fail_after(5):
                        assert await good.request("ping") == {}
                    await trio.sleep(0.01)  # so that the others get the processor
        async with served.window() as another:
            assert await another.request("ping") == {}


async def test_a_fault_in_one_window_ends_only_that_one(path, monkeypatch, caplog):
    """The boundary of a client."""
    real = server.serve_client
    broken = iter([True, False])

    async def serve_client(*args, **more):
        if next(broken, False):
            raise ZeroDivisionError("broken on purpose")
        await real(*args, **more)

    async with door(path, max_windows=1) as served:
        monkeypatch.setattr(unix, "serve_client", serve_client)
        async with await trio.open_unix_socket(path) as bad:
            assert await refused(bad)
        async with served.window() as good:
            assert await good.request("ping") == {}
    assert "broken on purpose" in caplog.text


async def test_running_out_of_descriptors_is_survived(path, monkeypatch, caplog):
    """EMFILE: windows wait until there are some again; said once."""
    kinds = iter([errno.EMFILE, errno.EMFILE, errno.ECONNABORTED])
    with trio.socket.socket(socket.AF_UNIX) as any_socket:
        class_of_sockets = type(any_socket)
    real = class_of_sockets.accept

    async def accept(self):
        number = next(kinds, 0)
        if number:
            raise OSError(number, os.strerror(number))
        return await real(self)

    monkeypatch.setattr(class_of_sockets, "accept", accept)
    async with door(path) as served, served.window() as client:
        assert await client.request("ping") == {}
    assert caplog.text.count("no window can come in") == 1


async def test_the_end_of_the_door_closes_every_window_after_what_is_ready(path):
    """Windows are told by a closed stream; nobody new comes in."""
    async with door(path) as served, served.window() as one, served.window() as two:
        waiting = await one.start_call("wait", seconds=100)
        await two.request("ping")
        await served.application.started.wait()
        served.scope.cancel()
        with trio.CancelScope(shield=True):
            with trio.fail_after(3):
                await one.ended.wait()
                await two.ended.wait()
            assert waiting.message is None
            with pytest.raises(ConnectionRefusedError), socket.socket(socket.AF_UNIX) as late:
                late.connect(path)
    assert served.application.cancelled == 1
