"""The staged connection diagnosis: input, name, TCP, TLS, CONNECT, ping, subscribe, loop-back, rights.

Owns the order of the stages, their time and the verdict. Opens one connection of its own, leaves nothing behind at the
broker, and never raises for what the broker or the network does: that is the result. What happens on the open
connection is ``diagnosis_mqtt.py``'s, the words for addresses and certificates are ``diagnosis_words.py``'s.
"""

import secrets

import msgspec
import trio

from mqtt_mcp.errors import ErrorKind
from mqtt_mcp.hub.diagnosis_mqtt import check_connection
from mqtt_mcp.hub.diagnosis_words import advice, describe_certificate, describe_input, describe_port
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.stages import Stage, Stages
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import Capabilities, ConnectOptions, MqttTransport
from mqtt_mcp.mqtt.errors import MqttError
from mqtt_mcp.mqtt.network import NetworkProbe
from mqtt_mcp.settings import DEFAULTS, Settings

TOTAL_S = 15.0
NAME_S, TCP_S, TLS_S, CONNECT_S, ANSWER_S, SIGNATURE_S = 3.0, 3.0, 5.0, 5.0, 3.0, 5.0
_SPEAKS_ELSE = {
    ErrorKind.TIMEOUT,
    ErrorKind.CONNECTION_LOST,
    ErrorKind.CONNECTION_REFUSED,
    ErrorKind.PROTOCOL_ERROR,
    ErrorKind.TLS_FAILED,
}
_OWN_TOPIC = ("subscribe", "loopback")
"""Stages on a random topic of our own, which an access list may deny to a user who is otherwise served well."""

_BEFORE_TALKING = ("dns", "tcp")
_STAGES = ("input", "dns", "tcp", "tls", "connect", "ping", "subscribe", "loopback", "rights")


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What a diagnosis found.

    Attributes:
        ok: No stage failed.
        verdict: One sentence: it works, or where it broke and what to do.
        broker_url: Without credentials.
        stages: In order; those after a failure are ``skipped``.
        capabilities: What CONNACK said; None when there was none.
        product: Broker product and version as it names itself: foreign text, cleaned; "" when it does not say.
        advice: What could be better although it works.
        total_ms: How long it all took.
    """

    ok: bool
    verdict: str
    broker_url: str
    stages: list[Stage]
    capabilities: Capabilities | None
    product: str
    advice: list[str]
    total_ms: float


async def diagnose(
    broker: Broker,
    *,
    transport: MqttTransport,
    network: NetworkProbe,
    policy: AccessPolicy,
    settings: Settings = DEFAULTS,
) -> Diagnosis:
    """Examine the way to ``broker`` stage by stage, in at most 15 s.

    Args:
        broker: Where; its credentials are used for CONNECT only and shown nowhere.
        transport: How MQTT connections are made.
        network: How names, ports and certificates are looked at.
        policy: What may be published and read: checks that it forbids are skipped and say so.
        settings: For keep alive and inbox bounds.

    Raises:
        Nothing for a fault of broker or network.

    Cancellation: the connection is closed at once.
    """
    examination = _Examination(broker, transport, network, policy, settings)
    with trio.move_on_after(TOTAL_S) as scope:
        await examination.run()
    if scope.cancelled_caught:
        examination.stages.out_of_time(TOTAL_S)
    return examination.diagnosis()


class _Examination:
    def __init__(
        self,
        broker: Broker,
        transport: MqttTransport,
        network: NetworkProbe,
        policy: AccessPolicy,
        settings: Settings,
    ) -> None:
        self.stages = Stages(_STAGES)
        self._broker = broker
        self._transport = transport
        self._network = network
        self._policy = policy
        self._settings = settings
        self._capabilities: Capabilities | None = None
        self._product = ""
        self._open_to_all = False
        self._speaks_else = False
        self._certificate_days: float | None = None

    async def run(self) -> None:
        """All stages, until one fails that the next ones stand on."""
        self._input()
        if await self._name() and await self._tcp() and await self._tls():
            await self._mqtt()

    def _input(self) -> None:
        self.stages.begin("input")
        status, detail, hint = describe_input(self._broker, in_container=self._network.in_container)
        self.stages.end(status, detail, hint)

    async def _name(self) -> bool:
        self.stages.begin("dns")
        facts = await self._network.resolve(self._broker.host, self._broker.port, timeout_s=NAME_S)
        if facts.fault is not None:
            self.stages.end("fail", facts.fault.detail, facts.fault.hint)
            return False
        self.stages.end("ok", "Addresses: " + ", ".join(facts.addresses) + ".")
        return True

    async def _tcp(self) -> bool:
        self.stages.begin("tcp")
        facts = await self._network.connect(self._broker.host, self._broker.port, timeout_s=TCP_S)
        if facts.fault is not None:
            self.stages.end("fail", facts.fault.detail, facts.fault.hint)
            return False
        self.stages.end("ok", f"Connected to {facts.address} port {self._broker.port}.")
        return True

    async def _tls(self) -> bool:
        tls = self._broker.tls
        self.stages.begin("tls")
        if tls is None:
            self.stages.end("skipped", "mqtt:// has no TLS.")
            return True
        facts = await self._network.handshake(self._broker.host, self._broker.port, tls, timeout_s=TLS_S)
        now_epoch_s = self._network.now_epoch_s()
        if facts.certificate is not None:
            self._certificate_days = facts.certificate.days_left(now_epoch_s)
        shown = describe_certificate(facts.certificate, now_epoch_s)
        if facts.fault is not None:
            self.stages.end("fail", f"{facts.fault.detail} {shown}".strip(), facts.fault.hint)
            if facts.fault.code in {"not_tls", "timeout"}:
                await self._signature()
            return False
        checked = "certificate and host name are right" if facts.verified else "nothing was checked, as asked"
        days = self._certificate_days
        soon = days is not None and days < 30
        self.stages.end(
            "warn" if soon or not facts.verified else "ok",
            f"{facts.version}, {facts.cipher}; {checked}. {shown}".strip(),
            "Have the certificate renewed." if soon else "",
        )
        return True

    async def _mqtt(self) -> None:
        self.stages.begin("connect")
        options = ConnectOptions(
            connect_timeout_s=CONNECT_S,
            request_timeout_s=ANSWER_S,
            close_timeout_s=1.0,
            keepalive_s=self._settings.keepalive_s,
            inbox_messages=self._settings.inbox_messages,
            inbox_pause_messages=self._settings.inbox_pause_messages,
            inbound_packet_bytes=self._settings.inbound_packet_bytes,
        )
        try:
            async with self._transport.connect(self._broker, options) as client:
                self._capabilities = client.capabilities
                self.stages.end("ok", f"CONNACK: accepted, MQTT {client.capabilities.protocol}.")
                found = await check_connection(
                    client, self.stages, self._policy, topic=f"mcp-probe/{secrets.token_hex(16)}"
                )
                self._product, self._open_to_all = found.product, found.everything_granted
        except MqttError as error:
            self.stages.end("fail", error.message, error.hint)
            if self._capabilities is None and error.kind in _SPEAKS_ELSE:
                await self._signature()

    async def _signature(self) -> None:
        """No MQTT came: ask the port, without credentials, what it speaks."""
        self.stages.begin("signature")
        facts = await self._network.identify(self._broker.host, self._broker.port, timeout_s=SIGNATURE_S)
        detail, hint = describe_port(facts, self._broker)
        self.stages.end("warn", detail, hint)
        self._speaks_else = facts.speaks not in {"mqtt", "tls"}

    def diagnosis(self) -> Diagnosis:
        """The account of what was found."""
        stages = self.stages.all()
        if self._capabilities is not None:  # an unlikely address that leads to a broker is a right one
            stages = [_likely(stage) if stage.stage == "input" else stage for stage in stages]
        failed = next((stage for stage in stages if stage.status == "fail"), None)
        signature = next((stage for stage in stages if stage.stage == "signature"), None)
        warnings = [stage.stage for stage in stages if stage.status == "warn"]
        if failed is not None:
            hint = signature.hint if signature is not None and signature.hint else failed.hint
            verdict = f"It fails at the stage {failed.stage}: {failed.detail} {hint}".strip()
            nobody = failed.stage in _BEFORE_TALKING or self._speaks_else
            if stages[0].status == "warn" and nobody:  # an unlikely address is the likely cause
                verdict += f" {stages[0].hint}"
        else:
            protocol = self._capabilities.protocol if self._capabilities else "?"
            limited = next((stage for stage in stages if stage.status == "warn" and stage.stage in _OWN_TOPIC), None)
            verb = "works" if limited is None else "accepts the connection"
            verdict = f"{self._broker.url} {verb}, with MQTT {protocol}"
            verdict += f"; with a warning: {', '.join(warnings)}." if warnings else "."
            if limited is not None:
                verdict += f" {limited.detail} {limited.hint}"
        return Diagnosis(
            ok=failed is None,
            verdict=verdict,
            broker_url=self._broker.url,
            stages=stages,
            capabilities=self._capabilities,
            product=self._product,
            advice=advice(
                self._broker,
                self._capabilities,
                keepalive_s=self._settings.keepalive_s,
                everything_granted=self._open_to_all,
                certificate_days=self._certificate_days,
            ),
            total_ms=round(sum(stage.ms for stage in stages), 1),
        )


def _likely(stage: Stage) -> Stage:
    return msgspec.structs.replace(stage, status="ok", hint="") if stage.status == "warn" else stage
