"""The audit file: one line for each finished call, publish and change, on the disk before the client has its reply."""

import json
import os
import stat

import pytest

from mqtt_mcp.commands._compose import journal_of
from mqtt_mcp.config import load_config
from mqtt_mcp.hub.audit import Audit
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.records import Change
from mqtt_mcp.option import ConfigError
from testkit.memory_broker import MemoryBroker
from testkit.product import product


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def change(number):
    return Change(id=number, at_epoch_s=1.0, kind="client_came", text="x" * 100)


async def test_what_was_done_is_found_again(tmp_path):
    """Real time: the file is written in this thread, the disk is waited for in another."""
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    async with product(MemoryBroker(), journal=Journal(audit=audit)) as p:
        await p.call("publish_message", topic="a/b", payload='{"password":"hunter2","state":"ON"}')
        after_publish = lines(path)
        await p.client.call("publish_message", session_id=p.session_id, topic="$SYS/x", payload="")
        await p.call("close_connection")
    audit.close()

    assert [(line["record"], line.get("tool") or line.get("kind") or line["outcome"]) for line in lines(path)] == [
        ("change", "client_came"),
        ("change", "session_opened"),
        ("call", "establish_connection"),
        ("publish", "acknowledged"),
        ("call", "publish_message"),
        ("publish", "refused"),
        ("call", "publish_message"),
        ("change", "session_ended"),
        ("call", "close_connection"),
        ("change", "client_went"),
    ]
    assert after_publish[3]["topic"] == "a/b"
    assert "hunter2" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_reply_to_a_publish_waits_for_the_disk(tmp_path, monkeypatch):
    """An audit that may lose the last publish in a crash is none."""
    synced = []
    real = os.fsync

    def counted(fd):
        synced.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fsync", counted)
    audit = Audit(tmp_path / "audit.jsonl")
    async with product(MemoryBroker(), journal=Journal(audit=audit)) as p:
        before = len(synced)
        await p.call("publish_message", topic="a", payload="ON")
        assert len(synced) == before + 1
        await p.client.call("list_active_connections")
        assert len(synced) == before + 1
    audit.close()


def test_it_is_rotated_by_size_and_the_oldest_goes(tmp_path):
    """Bounded on the disk too."""
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, max_file_bytes=1_000, kept_files=2)
    for number in range(30):
        audit.record(change(number))
    audit.close()

    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    numbers = [line["id"] for name in reversed(files) for line in lines(tmp_path / name)]
    assert numbers == list(range(numbers[0], 30))
    assert all(file.stat().st_size <= 1_000 for file in tmp_path.iterdir())


def test_it_is_appended_to_over_restarts(tmp_path):
    """Append-only."""
    path = tmp_path / "audit.jsonl"
    for number in range(3):
        audit = Audit(path)
        audit.record(change(number))
        audit.close()

    assert [line["id"] for line in lines(path)] == [0, 1, 2]


async def test_a_full_disk_costs_lines_not_calls(tmp_path, monkeypatch, caplog):
    """What is lost is counted and said once."""
    audit = Audit(tmp_path / "audit.jsonl")

    def full(*_args):
        raise OSError(28, "No space left on device")

    async with product(MemoryBroker(), journal=Journal(audit=audit)) as p:
        monkeypatch.setattr(os, "write", full)
        assert (await p.call("publish_message", topic="a", payload="ON"))["outcome"] == "acknowledged"
        monkeypatch.undo()
    audit.close()

    assert audit.lost >= 2
    assert sum("cannot be written" in record.message for record in caplog.records) == 1


def test_a_disk_without_room_for_a_new_file_never_costs_an_old_one(tmp_path, monkeypatch):
    """Renaming works on a full disk, making a file does not: the present one is appended to, the past stays."""
    path = tmp_path / "audit.jsonl"
    audit = Audit(path, max_file_bytes=1_000, kept_files=3)
    for number in range(40):
        audit.record(change(number))
    real = os.open

    def full(name, flags, *more, **named):
        if str(name).endswith(".new"):
            raise OSError(28, "No space left on device")
        return real(name, flags, *more, **named)

    monkeypatch.setattr(os, "open", full)
    for number in range(40, 60):
        audit.record(change(number))
    kept = sorted(file.name for file in tmp_path.iterdir())
    monkeypatch.undo()
    for number in range(60, 66):
        audit.record(change(number))
    audit.close()

    assert kept == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3"]
    names = sorted((file.name for file in tmp_path.iterdir()), reverse=True)
    numbers = [line["id"] for name in [*names[:-1], "audit.jsonl"] for line in lines(tmp_path / name)]
    assert numbers == list(range(numbers[0], 66)), "nothing between the oldest kept and the newest is missing"
    assert audit.lost == 0


def test_a_line_the_disk_took_in_part_is_counted_and_costs_no_other(tmp_path, monkeypatch):
    """A short write is no error of the system."""
    path = tmp_path / "audit.jsonl"
    audit = Audit(path)
    real = os.write
    audit.record(change(1))
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:20]))
    audit.record(change(2))
    monkeypatch.undo()
    audit.record(change(3))
    audit.close()

    whole = [json.loads(line)["id"] for line in path.read_text().splitlines() if line.endswith("}")]
    assert whole == [1, 3]
    assert audit.lost == 1


@pytest.mark.parametrize("place", ["missing/audit.jsonl", "folder"])
async def test_a_file_that_cannot_be_opened_is_one_line(tmp_path, place):
    """Nothing is started."""
    (tmp_path / "folder").mkdir()
    config = load_config({"audit": str(tmp_path / place)}, {})

    with pytest.raises(ConfigError, match="audit: cannot append to"), journal_of(config, watched=False):
        pass


async def test_a_link_is_not_followed(tmp_path):
    """Somebody who may write into the folder must not make us append to another file."""
    (tmp_path / "target").write_text("")
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "target")
    config = load_config({"audit": str(tmp_path / "audit.jsonl")}, {})

    with pytest.raises(ConfigError), journal_of(config, watched=False):
        pass
