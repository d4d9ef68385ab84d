"""Frigate: tracked objects from new to end, reviews, statistics, counters and snapshots of five cameras.

After blakeblackshear/frigate: docs/integrations/mqtt.
"""

from typing import Any

from benchmarks.labelled.encoders import jpeg
from benchmarks.labelled.trace import EPOCH_S, Once, Publisher, Trace

_CAMERAS = ("front_door", "driveway", "garden", "garage", "street")


def fill(g: Trace) -> None:
    server = Publisher(g, "frigate", "frigate/", "frigate/")
    server(0.01, "available", "online", "available", kind="availability", retain=True, change="online")
    dead, blocked = g.random.sample(_CAMERAS, 2)
    died = g.at(0.4, 0.7)
    for number, camera in enumerate(_CAMERAS):
        stops = died if camera == dead else g.duration_s
        _camera(g, camera, stops, number)
    _statistics(g, server, dead, died)
    told: dict[str, Any] = {"kind": "availability", "change": "offline", "retained_pub": True}
    place: dict[str, Any] = {"device": dead, "struct": "status"}
    status = "frigate/{camera}/status/"
    label = g.anomaly("camera_dead", "high", "status")
    g.emit(
        died + 5, f"frigate/{dead}/status/detect", "offline", template=status + "detect", anomaly=label, **told, **place
    )
    t, unstable = g.at(0.3, 0.5), g.anomaly("flapping", "high", "offline")
    place["device"] = blocked
    for index in range(6):
        told["change"] = word = ("offline", "online")[index % 2]
        label = unstable.as_part(word)
        g.emit(
            t + 12 * index,
            f"frigate/{blocked}/status/record",
            word,
            template=status + "record",
            anomaly=label,
            **told,
            **place,
        )


def _statistics(g: Trace, server: Publisher, dead: str, died: float) -> None:
    r, up = g.random, g.random.randrange(50_000, 500_000)
    slow = Once(g.at(0.3, 0.8))
    for t in g.every(15, 0.01):
        cameras = {}
        for number, camera in enumerate(_CAMERAS):
            frames = 0.0 if camera == dead and t > died else round(r.gauss(5.05, 0.04), 1)
            cameras[camera] = {"camera_fps": frames, "process_fps": frames, "skipped_fps": 0.0}
            cameras[camera] |= {"detection_fps": round(abs(r.gauss(1.5, 0.5)), 1) if frames else 0.0}
            cameras[camera] |= {"pid": 400 + number, "capture_pid": 500 + number, "ffmpeg_pid": 600 + number}
        speed, anomaly = round(r.gauss(9.2, 0.15), 2), None
        if slow(t):
            speed, anomaly = 1450.0, g.anomaly("value_outlier", "high")
        service = {"uptime": int(up + t), "version": "0.16.1-e664cb2", "latest_version": "0.16.1"}
        storage = {"/media/frigate/recordings": {"total": 954_000.1, "used": 611_200.4, "mount_type": "ext4"}}
        stats: dict[str, Any] = {"cameras": cameras, "detectors": {"coral": {"inference_speed": speed, "pid": 389}}}
        stats |= {"detection_fps": 6.1, "service": {**service, "storage": storage}}
        server(t, "stats", stats, "stats", anomaly=anomaly)


def _camera(g: Trace, camera: str, stops: float, number: int) -> None:
    publish = Publisher(g, camera, f"frigate/{camera}/", "frigate/{camera}/")
    for index, (switch, word) in enumerate((("detect", "ON"), ("recordings", "ON"), ("snapshots", "OFF"))):
        t = 0.02 + number / 50 + index / 500
        place: dict[str, Any] = {"kind": "state", "retain": True}
        publish(t, switch + "/state", word, "feature", change=word, **place)
    told: dict[str, Any] = {"kind": "availability", "retain": True}
    publish(0.15 + number / 100, "status/detect", "online", "status", change="online", **told)
    for t in g.every(45, 0.5, gap=(stops - 20, g.duration_s)):
        _tracked(g, publish, t, g.random.choice(["person", "car", "cat"]))


def _tracked(g: Trace, publish: Publisher, t: float, label: str) -> None:
    """One object that comes, moves and goes, with everything that is published beside it."""
    r, camera = g.random, publish.device
    began, identity = EPOCH_S + t, f"{EPOCH_S + t:.6f}-{r.getrandbits(24):06x}"
    severity = "alert" if label == "person" and r.random() < 0.15 else "detection"
    before = None
    for step in range(r.randint(2, 5)):
        now = t + 3 * step
        if step == 0:
            motion: dict[str, Any] = {"kind": "state", "change": "ON"}
            publish(now - 0.1, "motion", "ON", "motion", **motion)
        after = _object(g, camera, identity, label, began)
        kind = "new" if step == 0 else "update"
        _event(g, camera, now, kind, before=before or after, after=after)
        counts: dict[str, Any] = {"template": "{label}", "kind": "state"}
        for key in ("all", label):
            publish(now + 0.02, key, "1" if step == 0 else str(r.choice([1, 1, 2])), "count", **counts)
        before = after
    ended = t + 18
    gone = {**(before or {}), "end_time": EPOCH_S + ended}
    _event(g, camera, ended, "end", before=before or gone, after=gone)
    for key in ("all", label):
        publish(ended + 0.02, key, "0", "count", template="{label}", kind="state")
    publish(ended + 0.1, "motion", "OFF", "motion", kind="state", change="OFF")
    snapshot: dict[str, Any] = {"template": "{label}/snapshot", "fmt": "jpeg", "retained_pub": True}
    publish(ended + 0.2, f"{label}/snapshot", jpeg(r, r.randrange(1500, 4000)), "snapshot", kind="image", **snapshot)
    _review(g, camera, ended, identity, severity)


def _object(g: Trace, camera: str, identity: str, label: str, began: float) -> dict[str, Any]:
    r = g.random
    box = [r.randrange(100, 600), r.randrange(100, 500), r.randrange(600, 900), r.randrange(500, 700)]
    return {
        "id": identity,
        "camera": camera,
        "frame_time": round(began + r.random(), 5),
        "label": label,
        "sub_label": None,
        "top_score": round(r.uniform(0.75, 0.97), 4),
        "false_positive": False,
        "start_time": began,
        "end_time": None,
        "score": round(r.uniform(0.7, 0.96), 4),
        "box": box,
        "area": (box[2] - box[0]) * 200,
        "ratio": 0.71,
        "region": [0, 0, 960, 720],
        "stationary": False,
        "motionless_count": 0,
        "current_zones": ["yard"],
        "entered_zones": ["yard"],
        "has_clip": True,
        "has_snapshot": True,
        "attributes": {},
        "current_attributes": [],
    }


def _event(g: Trace, camera: str, t: float, kind: str, *, before: Any, after: Any) -> None:
    event: dict[str, Any] = {"type": kind, "before": before, "after": after}
    told: dict[str, Any] = {"kind": "event", "device": camera, "change": "type:" + kind}
    g.emit(t, "frigate/events", event, struct="events." + kind, template="frigate/events", **told)


def _review(g: Trace, camera: str, t: float, identity: str, severity: str) -> None:
    review = {"id": identity[::-1], "camera": camera, "start_time": EPOCH_S + t - 18, "end_time": EPOCH_S + t}
    review |= {"severity": severity, "thumb_path": f"/media/frigate/clips/review/thumb-{camera}.webp"}
    review |= {"data": {"detections": [identity], "objects": ["person"], "zones": ["yard"], "audio": []}}
    body = {"type": "end", "before": review, "after": review}
    alarm = g.anomaly("alarm", "critical") if severity == "alert" else None
    told: dict[str, Any] = {"kind": "event", "device": camera, "change": "severity:" + severity, "anomaly": alarm}
    g.emit(t + 0.3, "frigate/reviews", body, struct="reviews", template="frigate/reviews", **told)
