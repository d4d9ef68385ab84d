"""The books of the probe: exact times, loss only after the grace, duplicates, order."""

import msgspec

from mqtt_mcp.analysis.performance.round_trips import RoundTrips


def filled(count=10, step_s=0.1, trip_s=0.005, **more):
    books = RoundTrips(1, **more)
    for sequence in range(count):
        books.sending(sequence, sequence * step_s, sequence * step_s)
        books.received(sequence, sequence * step_s + trip_s)
    return books


def test_the_warm_up_is_sent_but_not_counted():
    """The first three messages pay for caches and connection set-up."""
    account = filled().account(10.0)
    assert (account.sent, account.received, account.lost) == (7, 7, 0)
    assert account.round_trip_ms.n == 7
    assert (account.round_trip_ms.min, account.round_trip_ms.max) == (5.0, 5.0)


def test_a_message_is_lost_only_after_the_grace():
    """Before it, it is pending: a slow broker is not a lossy one."""
    books = filled()
    books.sending(10, 1.0, 1.0)
    assert (books.account(2.9).lost, books.account(2.9).pending) == (0, 1)
    assert (books.account(3.0).lost, books.account(3.0).pending) == (1, 0)
    assert not books.all_back
    books.received(10, 4.0)
    assert books.account(4.0).lost == 0
    assert books.all_back


def test_duplicates_reordering_and_foreign_numbers_are_told_apart():
    """Anybody may publish to a topic; only numbers that were sent count."""
    books = RoundTrips(2, warm_up=0)
    for sequence in range(4):
        books.sending(sequence, 0.0, 0.0)
    for sequence in (0, 2, 1, 1, 3, 99):
        books.received(sequence, 1.0)
    account = books.account(1.0)
    assert (account.received, account.duplicated, account.reordered) == (4, 1, 1)


def test_a_message_that_was_not_sent_is_not_lost():
    """While the link is away nothing is sent, so nothing can be lost."""
    books = filled()
    books.sending(10, 1.0, 1.0)
    books.failed(10)
    account = books.account(99.0)
    assert (account.not_sent, account.lost, account.sent) == (1, 0, 7)


def test_acknowledgements_and_our_own_delay_are_kept_apart_from_the_round_trip():
    """Three different figures: publish to PUBACK, schedule to send, publish to receive."""
    books = RoundTrips(1, warm_up=0)
    books.sending(0, 1.25, 1.0)
    books.acknowledged(0, 0.03)
    books.unacknowledged(0)
    account = books.account(1.5)
    assert account.send_delay_ms.max == 250.0
    assert not isinstance(account.ack_ms, msgspec.UnsetType)
    assert account.ack_ms.max == 30.0
    assert account.unacknowledged == 1
    assert account.round_trip_ms.n == 0


def test_the_first_reason_to_stop_stays():
    """The cause is told, not its consequences."""
    books = RoundTrips(0)
    books.stop("refused", "first")
    books.stop("broken", "second")
    assert (books.status, books.reason) == ("refused", "first")
