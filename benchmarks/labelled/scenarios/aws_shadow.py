"""A fleet in the style of AWS IoT: $aws shadow topics, presence events, telemetry under dt/.

After docs.aws.amazon.com: device-shadow-mqtt, life-cycle-events.
"""

from typing import Any

from benchmarks.labelled.trace import EPOCH_S, Once, Trace

_SHADOW = "$aws/things/{thing}/shadow/update"
_PRESENCE = "$aws/events/presence/"


def _shadow(g: Trace, t: float, thing: str, rest: str, payload: dict[str, Any], *, kind: str, **more: Any) -> None:
    struct = ("update" + rest).replace("/", ".")
    template, topic = _SHADOW + rest, _SHADOW.replace("{thing}", thing) + rest
    g.emit(t, topic, payload, kind=kind, struct=struct, template=template, device=thing, **more)


def fill(g: Trace) -> None:
    r = g.random
    things = [f"pump-{i:03d}" for i in range(12)]
    versions = {thing: r.randrange(100, 900) for thing in things}
    stopped, stop = r.choice(things), Once(g.at())
    for thing in things:
        flow = g.walk(r.uniform(10, 30), 0.2, 2)
        for t in g.every(6, 0.1):
            value, anomaly = next(flow), None
            if thing == stopped and stop(t):
                value, anomaly = 0.0, g.anomaly("value_outlier", "high")
            reading: dict[str, Any] = {"ts": int((EPOCH_S + t) * 1000), "flow_lpm": value}
            reading |= {"pressure_kpa": round(r.uniform(390, 410), 1), "rpm": r.randrange(1440, 1460)}
            g.emit(
                t,
                f"dt/water/{thing}/telemetry",
                reading,
                kind="telemetry",
                struct="telemetry",
                template="dt/{site}/{thing}/telemetry",
                device=thing,
                qos=1,
                anomaly=anomaly,
            )
        for t in g.every(60, 0.3):
            versions[thing] += 1
            _update(g, t, thing, versions[thing])
    _injected(g, things)


def _update(g: Trace, t: float, thing: str, version: int) -> None:
    r, stamp = g.random, int(EPOCH_S + t)
    reported = {"mode": r.choice(["auto", "manual"]), "speed": r.randrange(20, 100)}
    state: dict[str, Any] = {"state": {"reported": reported}, "clientToken": f"tok-{r.getrandbits(24):x}"}
    metadata = {"reported": {key: {"timestamp": stamp} for key in reported}}
    accepted = {**state, "metadata": metadata, "version": version, "timestamp": stamp}
    before = {"state": {"reported": {"mode": "auto", "speed": 10}}, "metadata": metadata, "version": version - 1}
    now = {"state": {"reported": reported}, "metadata": metadata, "version": version}
    _shadow(g, t, thing, "", state, kind="command", qos=1)
    _shadow(g, t + 0.05, thing, "/accepted", accepted, kind="response", qos=1)
    documents = {"previous": before, "current": now, "timestamp": stamp}
    _shadow(g, t + 0.06, thing, "/documents", documents, kind="state", qos=1)


def _injected(g: Trace, things: list[str]) -> None:
    t = g.at()
    rejected = {"code": 409, "message": "Version conflict", "timestamp": int(EPOCH_S + t), "clientToken": "tok-1"}
    anomaly = g.anomaly("command_error", "high")
    _shadow(g, t, things[1], "/rejected", rejected, kind="response", anomaly=anomaly)
    t = g.at()
    stamp = int(EPOCH_S + t)
    delta = {"version": 801, "timestamp": stamp, "state": {"speed": 80}, "metadata": {"speed": {"timestamp": stamp}}}
    _shadow(g, t, things[2], "/delta", delta, kind="state")
    twice = g.anomaly("duplicate_client_id", "critical", "disconnected")
    t = g.at(0.2, 0.8)
    for i in range(3):
        for event, delay, more in (
            ("disconnected", 0, {"clientInitiatedDisconnect": False}),
            ("connected", 1, {}),
        ):
            told: dict[str, Any] = {"clientId": things[4], "timestamp": int((EPOCH_S + t) * 1000), "eventType": event}
            told |= {**more, "sessionIdentifier": f"{g.random.getrandbits(64):x}", "principalIdentifier": "aa11"}
            told |= {"ipAddress": "192.0.2.7"} if delay else {"disconnectReason": "DUPLICATE_CLIENTID"}
            g.emit(
                t + i * 3 + delay,
                f"{_PRESENCE}{event}/{things[4]}",
                {**told, "versionNumber": 3 + delay + i},
                kind="availability",
                struct="presence." + event,
                template=_PRESENCE + event + "/{client}",
                device=things[4],
                change=event,
                anomaly=twice.as_part(event),
            )
