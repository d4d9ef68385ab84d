"""The stages of the diagnosis that need an open MQTT connection: ping, subscribe, loop-back, rights.

Owns what is sent and how long is waited. Publishes only to a private random topic, never retained, and shows no
observed topic: of what else arrives only the broker's own name is read. A fault is a stage that failed; what an access
list denies to our own random topic is a warning, because the topics that matter to this user may well be allowed.
"""

import statistics
from collections.abc import Callable

import msgspec
import trio

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.errors import ToolError
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.stages import Stages, Status
from mqtt_mcp.mqtt.client import Message, MqttClient, Publication, Subscription
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError, NotAuthorized
from mqtt_mcp.mqtt.reason_codes import FAILURE, NO_MATCHING_SUBSCRIBERS, suback_meaning

PINGS = 3
ECHO_S = 2.0
PRODUCT_S = 0.5
_VERSION = "$SYS/broker/version"
_NODES = "$SYS/brokers"
_OTHER_TOPICS = "Topics that this user is allowed are not affected."
_PAYLOAD = b"mcp-probe \x00\xff payload must come back as it is"


class Found(msgspec.Struct, frozen=True):
    """What the rights stage found: the broker's name for itself, and whether ``#`` was granted."""

    product: str = ""
    everything_granted: bool = False


async def check_connection(client: MqttClient, stages: Stages, policy: AccessPolicy, *, topic: str) -> Found:
    """Run the four stages on an open connection.

    Args:
        client: The connection; nobody else reads from it.
        stages: Where to record.
        policy: Checks that it forbids are skipped.
        topic: A private topic that nobody can guess.
    """
    checks = _Checks(client, stages, policy, topic)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(checks.read)
        found = await checks.run()
        nursery.cancel_scope.cancel()
    return found


class _Checks:
    def __init__(self, client: MqttClient, stages: Stages, policy: AccessPolicy, topic: str) -> None:
        self._client = client
        self._stages = stages
        self._policy = policy
        self._topic = topic
        self._echo: Message | None = None
        self._system: dict[str, bytes] = {}
        self._arrived = trio.Event()

    async def read(self) -> None:
        """Take everything that arrives and keep only what was waited for."""
        try:
            while True:
                for message in await self._client.receive_batch():
                    if message.topic == self._topic:
                        self._echo = message
                    elif message.topic in (_VERSION, _NODES) and len(self._system) < 2:
                        self._system[message.topic] = message.payload[:300]
                    else:
                        continue
                    self._arrived.set()
        except MqttError:
            return  # the stage that is running meets the loss itself

    async def run(self) -> Found:
        try:
            await self._ping()
            if await self._subscribe():
                await self._loop_back()
            return await self._rights()
        except MqttError as error:
            self._stages.end("fail", error.message, error.hint)
            return Found()

    async def _ping(self) -> None:
        self._stages.begin("ping")
        try:
            times_s = [await self._client.ping() for _ in range(PINGS)]
        except ConnectionLost:
            raise
        except MqttError as error:
            self._stages.end("fail", error.message, "A proxy or a half-open connection may be in between.")
            return
        least, median = min(times_s) * 1e3, statistics.median(times_s) * 1e3
        self._stages.end("ok", f"{PINGS} answers, fastest {least:.2f} ms, median {median:.2f} ms.")

    async def _subscribe(self) -> bool:
        self._stages.begin("subscribe")
        (code,) = await self._client.subscribe([Subscription(self._topic, 2)])
        if code >= FAILURE:
            self._stages.end(
                "warn",
                f"A topic of our own below mcp-probe/ was refused: {suback_meaning(code)} (0x{code:02X}).",
                "The broker's access list may allow other topics to this user: try a filter you expect to be allowed.",
            )
            return False
        self._stages.end("ok", f"Granted QoS {code} for a topic of our own below mcp-probe/.")
        return True

    async def _loop_back(self) -> None:
        self._stages.begin("loopback")
        try:
            self._policy.check_publish(self._topic)
        except ToolError as error:
            self._stages.end("skipped", error.message)
            return
        came: list[str] = []
        for qos in range(self._client.capabilities.max_qos + 1):
            fault = await self._one_loop(qos, came)
            if fault is not None:
                status, detail, hint = fault
                self._stages.end(status, " ".join([*came, detail]), hint)
                return
        self._stages.end("ok", " ".join(came))

    async def _one_loop(self, qos: int, came: list[str]) -> tuple[Status, str, str] | None:
        """Publish once and wait for it.

        Returns:
            How bad it is, what is wrong and a hint; or None, and a sentence in ``came``.
        """
        self._echo = None
        started_s = trio.current_time()
        try:
            receipt = await self._client.publish(Publication(self._topic, _PAYLOAD, qos))
        except MqttError as error:
            return _publish_fault(qos, error)
        if receipt.reason_code == NO_MATCHING_SUBSCRIBERS:
            return (
                "warn",
                f"QoS {qos}: the broker says that nobody subscribes, although we do.",
                "Its access list hides the subscription silently, or another node took the publish.",
            )
        echo = await self._echo_within(ECHO_S)
        if echo is None:
            return (
                "warn",
                f"QoS {qos}: the message did not come back within {ECHO_S:g} s.",
                f"The access list may forbid writing or reading below mcp-probe/ and say nothing. {_OTHER_TOPICS}",
            )
        if echo.payload != _PAYLOAD:
            return "fail", f"QoS {qos}: the payload came back changed.", "Something in between rewrites payloads."
        trip_ms = (echo.received_s - started_s) * 1e3
        ack = f", acknowledged after {receipt.ack_s * 1e3:.2f} ms" if receipt.acknowledged else ""
        came.append(f"QoS {qos}: back after {trip_ms:.2f} ms{ack}.")
        return None

    async def _rights(self) -> Found:
        self._stages.begin("rights")
        told: list[str] = []
        product = await self._product() if self._policy.may_read(_VERSION) else ""
        told.append("The broker names itself." if product else "The broker does not name itself under $SYS.")
        granted = False
        try:
            self._policy.check_filter("#")
        except ToolError:
            told.append("# was not tried: the configuration forbids it.")
        else:
            (code,) = await self._client.subscribe([Subscription("#", 0)])
            granted = code < FAILURE
            if granted:
                await self._client.unsubscribe(["#"])
                told.append("# is granted (an access list may still hide topics silently).")
            else:
                told.append(f"# is refused: {suback_meaning(code)} (0x{code:02X}); name narrower filters.")
        self._stages.end("ok", " ".join(told))
        return Found(product, granted)

    async def _product(self) -> str:
        await self._client.subscribe([Subscription(_VERSION, 0), Subscription(_NODES, 0)])
        if not await self._until(lambda: bool(self._system), PRODUCT_S):
            return ""
        if _VERSION in self._system:
            return clean(self._system[_VERSION].decode("utf-8", "replace"), 80)
        return "EMQX"

    async def _echo_within(self, timeout_s: float) -> Message | None:
        await self._until(lambda: self._echo is not None, timeout_s)
        return self._echo

    async def _until(self, true: Callable[[], bool], timeout_s: float) -> bool:
        with trio.move_on_after(timeout_s):
            while not true():
                self._arrived = trio.Event()
                await self._arrived.wait()
        return true()


def _publish_fault(qos: int, error: MqttError) -> tuple[Status, str, str]:
    if isinstance(error, ConnectionLost):
        detail = f"After a publish at QoS {qos} the broker closed the connection."
        return "fail", detail, "Some brokers (AWS IoT) do so when a policy forbids the topic."
    if isinstance(error, NotAuthorized):
        detail = f"QoS {qos}: the access list does not let this user publish below mcp-probe/."
        return "warn", detail, _OTHER_TOPICS
    return "fail", f"QoS {qos}: {error.message}", error.hint
