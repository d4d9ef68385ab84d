"""What is promised of the container image, each as a function that says what it found or raises `Failed`.

Owns the order and the wording of the proofs. Does not know how an engine is called or what is cleaned up.
Standard library only.
"""

import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from proof.engine import Engine, Failed
from proof.window import Broker, Window, free_port

TAG, SERVER = f"localhost/mqtt-mcp:proof-{os.getpid()}", f"mqtt-mcp-proof-{os.getpid()}"
ALONE = f"{SERVER}-alone"
REMOVED_BOUND_S = 15.0
"""From EOF until the engine has removed the container, which is its own affair and slow without overlays."""
EOF_BOUND_S, STOP_BOUND_S, START_BOUND_S = 5.0, 10.0, 60.0
# Runs inside: waits until as many windows are there as it is told, and says so at once.
WATCHER = """
import os, sys, time
def windows():
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try: words = open(f"/proc/{pid}/cmdline").read().split("\\0")
        except OSError: continue
        found += any(w.endswith("bin/mqtt-mcp") for w in words) and "serve" not in words and pid != "1"
    return found
for line in sys.stdin:
    end = time.monotonic() + 20
    while windows() != int(line) and time.monotonic() < end: time.sleep(0.01)
    print(windows(), flush=True)
"""


class Proof:
    """The run: what was started, and the lines told so far."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.port = free_port()
        self.broker = Broker(folder)
        self.token = secrets.token_hex(16)
        self.token_file = folder / "token"
        self.token_file.write_text(self.token + "\n")
        for file in (self.token_file, self.broker.password_file):
            file.chmod(0o444)  # for user 1000 inside; outside, nobody else gets into this folder
        self.proved = 0
        self.watcher: subprocess.Popen[str] | None = None

    def say(self, sentence: str) -> None:
        """One promise kept."""
        self.proved += 1
        print(f"  ✓ {sentence}", flush=True)

    def options(self) -> list[str]:
        """The broker and its secret, as a compose file would give them."""
        return [*self.engine.run_options(), "--network", "host",
                "--volume", f"{self.broker.password_file}:/run/secrets/mqtt_password:ro",
                "--env", f"MQTT_BROKER_URL=mqtt://127.0.0.1:{self.broker.port}",
                "--env", f"MQTT_USERNAME={self.broker.username}",
                "--env", "MQTT_PASSWORD_FILE=/run/secrets/mqtt_password"]  # fmt: skip

    def inside(self, *command: str, status: int | None = 0) -> str:
        """What a command in the container of `serve` prints."""
        return self.engine.text("exec", SERVER, *command, status=status)

    def window(self) -> Window:
        """A window beside the hub, as a client on this machine starts it."""
        return Window([*self.engine.command, "exec", "-i", SERVER, "mqtt-mcp"])

    def wait_for_windows(self, count: int) -> float:
        """Wait until exactly `count` windows run inside; returns the seconds that took."""
        watcher = self.watcher
        assert watcher is not None and watcher.stdin is not None and watcher.stdout is not None  # noqa: PT018
        started_s = time.monotonic()
        watcher.stdin.write(f"{count}\n")
        watcher.stdin.flush()
        found = watcher.stdout.readline().strip()
        must(found == str(count), f"{found} windows run inside in place of {count}")
        return time.monotonic() - started_s


def must(kept: object, found: str) -> None:
    """Fail with what was found unless the promise is kept."""
    if not kept:
        raise Failed(found)


def the_image_is_small_and_labelled(proof: Proof) -> None:
    """Built, and what is told of it."""
    started_s = time.monotonic()
    base = proof.engine.build(TAG)
    proof.say(f"built in {time.monotonic() - started_s:.0f} s on {base}")
    image = proof.engine.inspect("image", TAG)
    config, layers = image["Config"], image["RootFS"]["Layers"]
    run = ["run", "--rm", *proof.engine.run_options(), "--network", "none", TAG]
    version = proof.engine.text(*run, "mqtt-mcp", "--version").split()[-1]
    labels = config["Labels"]
    must(labels["org.opencontainers.image.version"] == version, f"the label's version is not {version}")
    must(
        labels["io.modelcontextprotocol.server.name"] == "io.github.bitsperity/mqtt-mcp",
        "the MCP registry's label is wrong",
    )
    must(config["User"] == "1000:1000", f"the user is {config['User']!r}")
    must(not config.get("Entrypoint"), f"there is an entry point: {config.get('Entrypoint')}")
    must(config["Cmd"] == ["mqtt-mcp", "serve"], f"the command is {config['Cmd']}")
    must("mqtt-mcp" in str(config.get("Healthcheck") or image.get("Healthcheck")), "there is no health check")
    must("8090/tcp" in config["ExposedPorts"], "port 8090 is not exposed")
    listing = "import glob; print(*glob.glob('/opt/venv/lib/*/site-packages/*'))"
    names = {Path(word).name for word in proof.engine.text(*run, "python3", "-c", listing).split()}
    must(not names & {"pip", "setuptools", "tests", "hatchling"}, "pip, setuptools or tests are in the environment")
    packages = sum(name.endswith(".dist-info") for name in names)
    size = f"{image['Size'] / 1e6:.0f} MB in {len(layers)} layers"
    proof.say(f"version {version}, {size}, {packages} packages, no pip, no tests; user 1000:1000, labels, health check")


def it_starts(proof: Proof) -> None:
    """From `run` to the first answer."""
    started_s = time.monotonic()
    proof.engine.text("run", "--detach", "--name", SERVER, *proof.options(), *proof.engine.read_only_options(),
                      "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "128",
                      "--volume", f"{proof.token_file}:/run/secrets/monitor_token:ro",
                      "--env", f"MQTT_MCP_MONITOR_PORT={proof.port}",
                      "--env", "MQTT_MCP_MONITOR_TOKEN_FILE=/run/secrets/monitor_token", TAG)  # fmt: skip
    ran_s = time.monotonic()
    while (found := answer(proof, "/healthz"))[0] != 200:
        must(time.monotonic() - started_s < START_BOUND_S, f"not healthy: {found}; {proof.engine.text('logs', SERVER)}")
        time.sleep(0.02)
    now_s = time.monotonic()
    proof.say(f"healthy {now_s - started_s:.1f} s after `run` began, {now_s - ran_s:.1f} s after it had started")
    proof.say(f"its own health check: {proof.inside('mqtt-mcp', 'health').strip()}")
    asked, given = answer(proof, "/api/v1/status"), answer(proof, "/api/v1/status", f"Bearer {proof.token}")
    must((asked[0], given[0]) == (401, 200), f"without the token {asked[0]}, with it {given[0]}")
    proof.say("the page's data wants the token from its file (401 without, 200 with it)")


def answer(proof: Proof, path: str, authorization: str = "") -> tuple[int, str]:
    """Status and body of the monitor; status 0 when it does not answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{proof.port}{path}")
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=3) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        return 0, str(error)


def it_is_locked_down(proof: Proof) -> None:
    """What the process may do, as the kernel tells it."""
    status = dict(line.split(":\t", 1) for line in proof.inside("cat", "/proc/1/status").splitlines() if ":\t" in line)
    must(set(status["Uid"].split()) == {"1000"}, f"uid {status['Uid']}")
    must(
        int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0,
        f"capabilities {status['CapEff']}, bounded by {status['CapBnd']}",
    )
    must(status["NoNewPrivs"] == "1", "it may gain privileges")
    root = next(line.split() for line in proof.inside("cat", "/proc/mounts").splitlines() if line.split()[1] == "/")
    must("ro" in root[3].split(","), f"the root is mounted {root[3]}")
    for path in ("/proof", "/opt/venv/proof", "/data/proof"):
        said = proof.inside("touch", path, status=None)
        must("Read-only" in said, f"{path} can be written: {said}")
    proof.say("uid 1000, no capabilities, no new privileges, root read-only (mounted ro; three writes refused)")


def windows_share_the_hub(proof: Proof) -> None:
    """A whole conversation, and a second window beside it."""
    started_s = time.monotonic()
    one, two = proof.window(), proof.window()
    opened = one.initialize()
    who = f"{opened['serverInfo']['version']}, protocol {opened['protocolVersion']}"
    took_s = time.monotonic() - started_s
    proof.say(f"`exec -i … mqtt-mcp` answered initialize ({who}) {took_s:.1f} s after two windows were started")
    tools = one.request("tools/list")["tools"]
    session = one.call("establish_connection")["session_id"]
    collected = one.request_call(
        "subscribe_and_collect", session_id=session, topic_pattern="proof/#", duration=10, wait_s=30
    )
    time.sleep(1)
    published = one.call("publish_message", session_id=session, topic="proof/lamp", payload="ON")
    must(published["outcome"] == "acknowledged", f"published: {published['outcome']}")
    seen = one.result(collected)
    must("proof/lamp" in str(seen), f"the message was not collected: {str(seen)[:300]}")
    listed = one.call("list_active_connections")
    must(str(proof.port) in listed["monitor"], f"it is no relay: {listed['monitor']}")
    proof.say(f"{len(tools)} tools; connected with the password from its file, published, collected; shares the hub")
    two.initialize()
    must(
        session in [s["session_id"] for s in two.call("list_active_connections")["sessions"]], "the second sees nothing"
    )
    proof.say("a second window sees the first one's session")
    end_of_windows(proof, one, two)


def end_of_windows(proof: Proof, one: Window, two: Window) -> None:
    """EOF, and a client that is killed: nobody sends a signal into a container."""
    proof.watcher = subprocess.Popen([*proof.engine.command, "exec", "-i", SERVER, "python3", "-c", WATCHER], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    proof.wait_for_windows(2)
    one.close_input()
    gone_s = proof.wait_for_windows(1)
    status = one.process.wait(EOF_BOUND_S)
    must(gone_s < EOF_BOUND_S and status == 0, f"after EOF it ended in {gone_s:.2f} s with status {status}")
    proof.say(f"a window has gone {gone_s:.2f} s after the end of its input, exit status 0")
    two.process.send_signal(signal.SIGKILL)
    gone_s = proof.wait_for_windows(0)
    two.process.wait(EOF_BOUND_S)
    must(gone_s < EOF_BOUND_S, f"after SIGKILL of its client it ended in {gone_s:.2f} s")
    proof.say(f"a window whose `exec` was killed (SIGKILL) has gone inside {gone_s:.2f} s later")


def a_window_runs_by_itself(proof: Proof) -> None:
    """`run -i --rm`: with a broker, and with no configuration at all, as catalogues try an image."""
    for what, options in (
        ("with a broker", proof.options()),
        ("without any configuration", proof.engine.run_options()),
    ):
        window = Window([*proof.engine.command, "run", "-i", "--rm", "--name", ALONE, *options, TAG, "mqtt-mcp"])
        window.initialize()
        tools = window.request("tools/list")["tools"]
        if what == "with a broker":
            window.call("establish_connection")
            must("none" in window.call("list_active_connections")["monitor"], "it shares a hub")
        started_s = time.monotonic()
        window.close_input()
        status = window.process.wait(REMOVED_BOUND_S)
        took_s = time.monotonic() - started_s
        must(status == 0, f"it ended in {took_s:.2f} s with status {status}")
        proof.say(
            f"`run -i --rm IMAGE mqtt-mcp` {what}: {len(tools)} tools, container removed {took_s:.2f} s after EOF"
        )


def it_ends_politely(proof: Proof) -> None:
    """SIGTERM with two sessions and a window open."""
    window = proof.window()
    window.initialize()
    clients = [window.call("establish_connection")["client_id"] for _ in range(2)]
    started_s = time.monotonic()
    proof.engine.text("stop", "-t", str(round(STOP_BOUND_S)), SERVER)
    took_s = time.monotonic() - started_s
    status = proof.engine.inspect("container", SERVER)["State"]["ExitCode"]
    must(status == 0 and took_s < STOP_BOUND_S, f"stopped in {took_s:.1f} s with exit status {status}")
    log = proof.broker.log()
    for client in clients:
        must(f"Client {client} disconnected." in log, f"{client} did not disconnect: {log[-400:]}")
    broken = [
        line for line in log.splitlines() if any(w in line for w in ("closed its connection", "error", "timeout"))
    ]
    must(not broken, f"the broker saw {broken[:3]}")
    proof.say(f"SIGTERM: exit status 0 after {took_s:.1f} s; the broker saw DISCONNECT from every session of this run")
    window.close_input()
    window.process.wait(EOF_BOUND_S)


def no_secret_shows(proof: Proof) -> None:
    """What anybody with access to the engine's metadata could read."""
    told = proof.engine.text("inspect", SERVER) + proof.engine.text("logs", SERVER) + proof.engine.text(
        "image", "inspect", TAG) + proof.engine.text("history", "--no-trunc", TAG)  # fmt: skip
    for secret in (proof.token, proof.broker.password):
        must(secret not in told, "a secret is in inspect, logs or history")
    proof.say(f"neither password nor token in inspect, logs or history ({len(told)} characters read)")


PROOFS: list[Callable[[Proof], None]] = [
    the_image_is_small_and_labelled,
    it_starts,
    it_is_locked_down,
    windows_share_the_hub,
    a_window_runs_by_itself,
    it_ends_politely,
    no_secret_shows,
]
"""In this order: each goes on with what the one before it left."""
