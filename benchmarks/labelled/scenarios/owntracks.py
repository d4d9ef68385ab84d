"""Four OwnTracks phones: locations, transitions, waypoints, a last will, one encrypted payload.

After owntracks.org/booklet/tech/json.
"""

import base64
from typing import Any

from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace

_USERS = (("ann", "phone"), ("bob", "pixel8"), ("carl", "iphone"), ("dora", "tablet"))


def fill(g: Trace) -> None:
    r = g.random
    jump = Once(g.at())
    publish = {}
    for number, (user, phone) in enumerate(_USERS):
        topic = f"owntracks/{user}/{phone}"
        latitude, longitude, battery = 48.85 + r.random() / 50, 2.35 + r.random() / 50, r.randrange(40, 95)
        publish[user] = Publisher(g, user, topic, "owntracks/{user}/{device}")
        stored: dict[str, Any] = {"_type": "location", "acc": 12, "batt": battery, "conn": "w"}
        stored |= {"lat": round(latitude, 6), "lon": round(longitude, 6), "tid": user[:2], "tst": EPOCH_S - 40}
        publish[user](0.01 + number * 0.001, "", stored, "location.min", kind="location", qos=1, retain=True)
        _live(g, publish[user], battery, (latitude, longitude), jump)
    _injected(g, publish)


def _live(g: Trace, publish: Publisher, battery: int, start: tuple[float, float], jump: Once) -> None:
    r, user = g.random, publish.device
    north, east = (g.walk(degrees, 0.0002, 6) for degrees in start)
    for t in g.every(12, 0.3):
        place: dict[str, Any] = {"_type": "location", "BSSID": "c0:ff:ee:00:11:22", "SSID": "home"}
        place |= {"acc": r.randrange(5, 30), "alt": 37, "batt": battery, "bs": 1, "conn": "m", "cog": r.randrange(360)}
        place |= {"created_at": int(EPOCH_S + t), "lat": next(north), "lon": next(east), "m": 1}
        place |= {"t": r.choice(["u", "p", "t"]), "tid": user[:2], "topic": publish.prefix, "tst": int(EPOCH_S + t - 1)}
        place |= {"vac": 3, "vel": r.randrange(0, 60)}
        anomaly = None
        if user == "bob" and jump(t):
            place |= {"lat": -33.8688, "lon": 151.2093, "acc": 4200}
            anomaly = g.anomaly("value_outlier", "high")
        publish(t, "", place, "location", kind="location", qos=1, retained_pub=True, anomaly=anomaly)
    for t in g.every(100, 0.4):
        event = r.choice(["enter", "leave"])
        transition = {"_type": "transition", "wtst": 1700000000, "lat": 48.85, "lon": 2.35, "tst": int(EPOCH_S + t)}
        transition |= {"acc": 10, "tid": user[:2], "event": event, "desc": r.choice(["Home", "Work"]), "t": "c"}
        publish(t, "/event", transition, "transition", kind="event", qos=1, change=event)


def _injected(g: Trace, publish: dict[str, Publisher]) -> None:
    waypoint = {"_type": "waypoint", "desc": "Home", "lat": 48.85, "lon": 2.35, "rad": 50, "tst": 1700000000}
    waypoints = {"_type": "waypoints", "waypoints": [waypoint]}
    publish["ann"](g.at(), "/waypoints", waypoints, "waypoints", kind="info")
    publish["bob"](g.at(), "/cmd", {"_type": "cmd", "action": "reportLocation"}, "cmd", kind="command")
    t = g.at()
    will, offline = {"_type": "lwt", "tst": int(EPOCH_S + t - 3600)}, g.anomaly("device_offline", "high")
    publish["carl"](t, "", will, "lwt", kind="availability", change="lwt", anomaly=offline)
    t = g.at()
    place = {"_type": "location", "acc": 12, "batt": 2, "bs": 1, "conn": "m", "lat": 48.85, "lon": 2.35}
    place |= {"t": "u", "tid": "do", "tst": int(EPOCH_S + t)}
    publish["dora"](t, "", place, "location.min", kind="location", anomaly=g.anomaly("battery_low", "medium"))
    t = g.at()
    secret = {"_type": "encrypted", "data": base64.b64encode(g.random.randbytes(240)).decode()}
    publish["ann"](t, "", secret, "encrypted", kind="location", anomaly=g.anomaly("schema_change", "low"))
