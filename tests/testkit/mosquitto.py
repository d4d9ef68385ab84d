"""A real mosquitto on a free loopback port, for tests in real time.

Owns its configuration file, the process and the ports. Synchronous on purpose: fixtures of session scope cannot be
async.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls

BINARY = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")

USERNAME, PASSWORD = "alice", "s3cret-word"
DENIED = "denied/#"
"""The topics that ``USERNAME`` may read but not write."""

_READY_S = 5.0


class Mosquitto:
    """One broker process.

    Args:
        folder: Where its files go.
        config: Lines of mosquitto.conf; ``listener`` lines are written here.
        listener: Lines for its one listener.

    Attributes:
        port: Its port on 127.0.0.1; stays the same over restarts.
    """

    def __init__(self, folder: Path, config: str = "allow_anonymous true", *, listener: str = "") -> None:
        self.port = free_port()
        self._folder = folder
        self._config = folder / f"mosquitto-{self.port}.conf"
        # Started by root it would become another user, who may not read the files of a test.
        user = "user root\n" if os.geteuid() == 0 else ""
        self._config.write_text(f"{user}{config}\nlistener {self.port} 127.0.0.1\n{listener}\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def broker(self) -> Broker:
        """Its address."""
        return Broker(host="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        assert BINARY is not None
        log = (self._folder / f"mosquitto-{self.port}.log").open("ab")
        with log:
            self._process = subprocess.Popen([BINARY, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"mosquitto does not start: {self.log()}") from None
                time.sleep(0.02)  # real time, while a process starts
            else:
                return

    def stop(self) -> None:
        """End it politely."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_READY_S)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_READY_S)
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def log(self) -> str:
        """What it wrote so far."""
        return (self._folder / f"mosquitto-{self.port}.log").read_text(errors="replace")


@contextmanager
def running(folder: Path, config: str = "allow_anonymous true", *, listener: str = "") -> Iterator[Mosquitto]:
    """A started mosquitto for the time of the block."""
    mosquitto = Mosquitto(folder, config, listener=listener)
    mosquitto.start()
    try:
        yield mosquitto
    finally:
        mosquitto.kill()


def with_accounts(folder: Path) -> str:
    """Configuration with one account (``USERNAME``) that may not write to ``DENIED``."""
    passwords, acl = folder / "passwords", folder / "acl"
    passwords.write_text(f"{USERNAME}:{PASSWORD}\n")
    tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    subprocess.run([tool, "-U", str(passwords)], check=True, capture_output=True, timeout=30)
    acl.write_text(f"user {USERNAME}\ntopic read {DENIED}\ntopic readwrite ok/#\n")
    return f"allow_anonymous false\npassword_file {passwords}\nacl_file {acl}\nmax_packet_size 5000"


def account(broker: Broker, password: str = PASSWORD) -> Broker:
    """The same address with credentials."""
    return Broker(host=broker.host, port=broker.port, username=Secret(USERNAME), password=Secret(password))


class Certificates:
    """A throw-away CA with what it issued, as files.

    Attributes:
        ca, ca_file: The CA and its certificate.
        client_cert, client_key: A client certificate of that CA.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)
        client = self.ca.issue_cert("client@example.org")
        self.client_cert, self.client_key = str(folder / "client.pem"), str(folder / "client.key")
        client.private_key_and_cert_chain_pem.write_to_path(self.client_cert)
        client.private_key_pem.write_to_path(self.client_key)

    def listener(self, *names: str, more: str = "") -> str:
        """Listener lines for a server certificate made for ``names``."""
        server = self.ca.issue_cert(*names)
        stem = names[0].replace(":", "_")
        cert, key = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        server.private_key_pem.write_to_path(str(key))
        return f"certfile {cert}\nkeyfile {key}\ncafile {self.ca_file}\n{more}"

    def tls(self, *, client: bool = False) -> Tls:
        """Settings that trust this CA, with the client certificate when asked for."""
        if not client:
            return Tls(ca_file=self.ca_file)
        return Tls(ca_file=self.ca_file, cert_file=self.client_cert, key_file=self.client_key)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
