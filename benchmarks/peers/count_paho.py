"""paho-mqtt with its network thread that subscribes and counts, nothing else.

Run as ``python -m benchmarks.peers.count_paho PORT FILTER COUNT``. Prints ``ready`` after SUBACK, ``done`` when it has
counted so many, and the count on SIGTERM.
"""

import importlib
import signal
import sys
import threading
from typing import Any


def main(port: int, topic_filter: str, expected: int) -> None:
    """Count until SIGTERM."""
    paho: Any = importlib.import_module("paho.mqtt.client")
    count = 0
    subscribed = threading.Event()

    def on_message(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == expected:
            sys.stdout.write("done\n")  # in one piece: the other thread writes too
            sys.stdout.flush()

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "count-paho", protocol=paho.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic_filter, qos=0)
    subscribed.wait()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM})
    print(count, flush=True)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
