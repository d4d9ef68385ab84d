"""``mqtt-mcp health``: whether the monitor of this configuration answers.

Owns the question a container runtime asks every half minute: where to ask, how long to wait, the one line and the exit
status. Loads neither trio nor an HTTP library, because it is started so often. Does not look at brokers: a hub without
its broker is healthy.
"""

import socket
import sys
import time
from collections.abc import Sequence

from mqtt_mcp.commands._arguments import USAGE_STATUS, fail
from mqtt_mcp.config import load_config
from mqtt_mcp.option import ConfigError

EXAMPLES = """\
examples:
  mqtt-mcp health                     with the same environment, file and flags as serve
  mqtt-mcp health --port 8091
Exit status: 0 healthy, 1 not, 2 wrong usage or configuration.
"""
TIMEOUT_S = 3.0
"""Bound on the whole question."""
UNHEALTHY_STATUS = 1
_ALIVE = b'{"status":"ok"}'
_MAX_ANSWER_BYTES = 16_384
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound


class Unhealthy(Exception):
    """The monitor did not say that it is alive; the text tells what it did instead."""


def run(arguments: Sequence[str]) -> int:
    """Ask once. Returns 0 when it is healthy, 1 when it is not, 2 for wrong usage or configuration."""
    try:
        host, port = _address(arguments)
    except ConfigError as error:
        fail(error.message)
        return USAGE_STATUS
    except SystemExit as stop:  # argparse printed --help
        return int(stop.code or 0)
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    started_s = time.monotonic()
    try:
        ask(host, port)
    except Unhealthy as found:
        fail(f"not healthy: {ascii(where)[1:-1][:100]} {found}")
        return UNHEALTHY_STATUS
    sys.stdout.write(f"healthy: {where} answered in {(time.monotonic() - started_s) * 1000:.0f} ms\n")
    return 0


def ask(host: str, port: int, timeout_s: float = TIMEOUT_S) -> None:
    """Ask ``/healthz`` and return when it says that it is alive.

    Args:
        host: Address or name; only its first IPv4 address counts, as for ``serve``, which listens on that.
        port: Port.
        timeout_s: Bound on everything but the resolving of a name, in seconds.

    Raises:
        Unhealthy: Nothing listens, it does not answer in time, or what answers is not a monitor that is alive.
    """
    deadline_s = time.monotonic() + timeout_s
    # The name it is asked for is allowed whatever `allowed_hosts` says; it need not be the one that is listened on.
    request = f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    answer = b""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as sock:
            _bound(sock, deadline_s)
            sock.connect((host, port))
            sock.sendall(request.encode())
            while len(answer) <= _MAX_ANSWER_BYTES:
                _bound(sock, deadline_s)
                more = sock.recv(4096)
                if not more:
                    break
                answer += more
    except TimeoutError:
        raise Unhealthy(f"did not answer within {timeout_s:g} s.") from None
    except ConnectionRefusedError:
        raise Unhealthy("has nothing that listens; is mqtt-mcp serve running with the same configuration?") from None
    except (OSError, UnicodeError) as error:
        raise Unhealthy(f"cannot be asked: {getattr(error, 'strerror', None) or 'not a host name'}.") from None
    _judge(answer)


def _address(arguments: Sequence[str]) -> tuple[str, int]:
    """Where the monitor of this configuration is found from here.

    Raises:
        ConfigError: The configuration is wrong, or leaves the port to chance.
    """
    flags: dict[str, str | list[str]] = {}
    if arguments:
        from mqtt_mcp.config_flags import flag_parser, flag_values  # noqa: PLC0415 - start-up time

        parser = flag_parser("mqtt-mcp health", "Ask whether serve is alive.", examples=EXAMPLES)
        flags = flag_values(parser.parse_args(list(arguments)))
    monitor = load_config(flags).monitor
    if monitor.port == 0:
        raise ConfigError("[monitor] port", "0 is any free port, which only serve knows; health needs a fixed one.")
    host = monitor.host.strip("[]")
    return _EVERYWHERE.get(host, host), monitor.port


def _bound(sock: socket.socket, deadline_s: float) -> None:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    sock.settimeout(left_s)


def _judge(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    status = rest[:3].decode("ascii", "replace")
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise Unhealthy("answers something that is not HTTP: another program has the port.")
    if status != "200":
        raise Unhealthy(f"answers with status {status} in place of 200.")
    if body.strip() != _ALIVE:
        raise Unhealthy("answers what a monitor of mqtt-mcp does not: another program has the port.")
