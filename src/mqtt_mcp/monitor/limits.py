"""The limits of the monitor's web server, in one frozen value; units are in the names.

Owns the defaults. Where somebody on the network can make something grow, its bound is here.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one server takes from its peers, and how long it waits for them.

    Attributes:
        body_bytes: Longest body of a request; no route needs one.
        header_bytes: Longest request line and header section together.
        body_timeout_s: Time for a body to arrive.
        keep_alive_s: Time a connection may be silent: before the first request, between two, and in the middle of one.
        write_timeout_s: Time a peer may take for the next 64 kB; one that does not read is cut off after it.
        graceful_s: Time requests have to end once the server is asked to stop.
        closing_write_timeout_s: The same as ``write_timeout_s`` for all that is still to be written then.
        heartbeat_s: Silence on an event stream after which a comment is sent.
        retry_ms: When a page asks again after its event stream has ended.
        max_streams: Event streams at once.
        max_connections: Connections at once, streams included; each is a file descriptor the MQTT side could need.
        max_connections_per_peer: The same of one address: room for all streams it may have and the requests beside.
        requests_per_s: Lasting rate of requests of one address.
        request_burst: Requests of one address at once.
        wrong_tokens_per_s: Lasting rate of requests of one address that give a wrong token.
        wrong_token_burst: Such requests of one address at once.
        max_peers: Addresses whose rate is remembered.
    """

    body_bytes: int = 64 * 1024
    header_bytes: int = 16 * 1024
    body_timeout_s: float = 10.0
    keep_alive_s: float = 15.0
    write_timeout_s: float = 10.0
    graceful_s: float = 1.0
    closing_write_timeout_s: float = 0.7
    heartbeat_s: float = 15.0
    retry_ms: int = 2000
    max_streams: int = 256
    max_connections: int = 512
    max_connections_per_peer: int = 300
    requests_per_s: float = 100.0
    request_burst: int = 400
    wrong_tokens_per_s: float = 1.0
    wrong_token_burst: int = 10
    max_peers: int = 1024


DEFAULTS = Limits()
