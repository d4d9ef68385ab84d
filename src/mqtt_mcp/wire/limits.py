"""The bounds of one connection; units are in the names. Reads no settings: ``commands`` may pass other values."""

import msgspec

MIB = 1024 * 1024


class WireLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may make us hold, and how long we wait for it.

    Attributes:
        max_line_bytes: Longest incoming line; longer ones are refused and skipped.
        max_result_bytes: Longest reply to a tool call; a longer one is replaced by an error.
        max_in_flight: Tool calls running at once; more are refused as busy.
        max_queued_bytes: Outgoing bytes kept for a client that reads slowly; beyond it we stop reading from the client.
        max_queued_progress_bytes: Outgoing backlog beyond which progress is dropped.
        stalled_s: A client that takes nothing for this long has its connection ended.
        flush_s: How long replies that are ready may still be written when a connection ends.
        progress_gap_s: Shortest time between two progress notifications of one request. Just under a second, so that a
            tool that reports every second is not halved by jitter.
        max_complaints_per_s: Replies to lines that carried no usable id; the rest is dropped.
        idle_s: A connection without a request for this long is ended; 0 switches that off.
    """

    max_line_bytes: int = 4 * MIB
    max_result_bytes: int = MIB
    max_in_flight: int = 256
    max_queued_bytes: int = 4 * MIB
    max_queued_progress_bytes: int = 65536
    stalled_s: float = 30.0
    flush_s: float = 1.0
    progress_gap_s: float = 0.9
    max_complaints_per_s: int = 20
    idle_s: float = 0.0
