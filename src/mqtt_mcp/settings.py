"""Every limit and default of mqtt-mcp, in one frozen value; units are in the names.

Does not read files, flags or the environment (``config.py`` does) and imports no other room, so anybody may use it.
Where foreign data can make something grow, its bound is here.
"""

import msgspec

MIB = 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The limits one hub runs with. Tests replace single ones with ``msgspec.structs.replace``."""

    # Sessions
    max_sessions: int = 5
    session_ttl_s: float = 3600.0
    orphan_grace_s: float = 300.0
    tombstone_keep_s: float = 3600.0
    janitor_interval_s: float = 60.0
    connect_timeout_s: float = 10.0
    subscribe_timeout_s: float = 10.0
    publish_ack_timeout_s: float = 10.0
    close_timeout_s: float = 2.0
    reconnect_delays_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    keepalive_s: int = 60
    session_memory_bytes: int = 64 * MIB

    # The bridge between asyncio and trio
    inbox_messages: int = 50_000
    inbox_pause_messages: int = 10_000
    inbox_bytes: int = 32 * MIB
    inbound_packet_bytes: int = 16 * MIB
    pump_slice_s: float = 0.002
    catch_up_s: float = 2.0
    """Bound on the wait at the end of a watch for messages that arrived in time and were not yet looked at."""

    # Collections
    min_duration_s: float = 10.0
    max_duration_s: float = 300.0
    default_wait_s: float = 45.0
    max_wait_s: float = 300.0
    stored_quiet_s: float = 1.0
    progress_interval_s: float = 1.0
    result_keep_s: float = 600.0
    max_running_collections: int = 20
    max_finished_collections: int = 50
    max_filters: int = 50

    # What one tool result may hold
    max_kept_messages: int = 500
    max_shown_messages: int = 50
    max_shown_while_running: int = 15
    max_topics_listed: int = 1000
    max_topics_exact: int = 100_000
    result_chars: int = 24_000
    hard_result_chars: int = 45_000

    # Publishing
    max_publish_bytes: int = MIB

    # The wire
    max_line_bytes: int = 4 * MIB
    max_requests_in_flight: int = 256
    max_windows: int = 64
    """Windows of other processes that one hub serves at the same time."""
    idle_timeout_s: float = 0.0
    """Seconds without a request after which a stdio window ends itself; 0 switches that off."""
    shutdown_s: float = 1.5
    """Bound on the orderly part of the way out; the process ends within 2 s whatever hangs."""


DEFAULTS = Settings()
