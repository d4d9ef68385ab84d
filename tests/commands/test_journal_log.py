"""The log in the journal: from every thread, bounded, and without changing what goes to standard error."""

import io
import logging
import threading

import pytest
import trio
import trio.testing

from mqtt_mcp.commands._journal_log import MAX_WAITING, logging_into
from mqtt_mcp.commands._logging import setup_logging
from mqtt_mcp.hub.journal import Journal

logger = logging.getLogger("mqtt_mcp.test")


@pytest.fixture(autouse=True)
def logging_left_as_it_was():
    """The root logger belongs to the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


async def lines(journal):
    await trio.testing.wait_all_tasks_blocked()
    return [(line.level, line.logger, line.text) for line in journal.logs]


async def test_information_is_in_the_journal_and_only_warnings_on_stderr():
    """A person who looks wants more than one who does not."""
    stream = io.StringIO()
    setup_logging("warning", stream=stream)
    journal = Journal()
    with logging_into(journal):
        logger.debug("too small")
        logger.info("hello %s", "you")
        logger.warning("careful")
        assert await lines(journal) == [("info", "test", "hello you"), ("warning", "test", "careful")]
    logger.info("afterwards")
    logger.warning("and again")

    assert len(await lines(journal)) == 2
    assert [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "WARNING test: careful",
        "WARNING test: and again",
    ]


async def test_a_traceback_keeps_its_lines_and_loses_its_secrets():
    """Redaction is the journal's."""
    journal = Journal()
    journal.redactor.learn("hunter2")
    with logging_into(journal):
        try:
            int("bad hunter2\x1b[31m")
        except ValueError:
            logger.exception("it failed")
        ((level, _, text),) = await lines(journal)

    assert level == "error"
    assert text.count("\n") >= 3
    assert "ValueError: invalid literal" in text
    assert "bad ***" in text
    assert "hunter2" not in text


async def test_other_threads_may_log():
    """The bridge lives in one."""
    journal = Journal()
    with logging_into(journal):
        thread = threading.Thread(target=lambda: logger.error("from afar"))
        thread.start()
        await trio.to_thread.run_sync(thread.join)
        assert [text for _, _, text in await lines(journal)] == ["from afar"]


async def test_a_flood_is_bounded_and_what_was_missed_is_said():
    """A log line in a hot loop must not take the memory."""
    journal = Journal()
    with logging_into(journal):
        for number in range(MAX_WAITING + 250):
            logger.warning("line %d", number)
        await lines(journal)
        logger.warning("the next one")
        await lines(journal)
        last = list(journal.logs)[-1]

    assert (last.text, last.missed) == ("the next one", 250)


async def test_a_journal_that_fails_to_log_does_not_go_round_for_ever(monkeypatch):
    """Its complaint is a log line too."""
    journal = Journal()

    def raising(*_args):
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(journal.redactor, "lines", raising)
    with logging_into(journal):
        logger.error("one")
        logger.error("two")
        await lines(journal)
        await lines(journal)

    assert 2 <= journal.totals.failures <= 4
