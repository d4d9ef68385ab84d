"""Bare gmqtt that subscribes and counts, nothing else: the floor below a bridge, routing and analysis.

Run as ``python -m benchmarks.peers.count_gmqtt PORT FILTER COUNT``. Prints ``ready`` after SUBACK, ``done`` when it
has counted so many, and the count on SIGTERM.
"""

import asyncio
import signal
import sys
from typing import Any

import gmqtt


async def main(port: int, topic_filter: str, expected: int) -> None:
    """Count until SIGTERM."""
    count = 0
    subscribed, over = asyncio.Event(), asyncio.Event()

    def on_message(*_: Any) -> int:
        nonlocal count
        count += 1
        if count == expected:
            print("done", flush=True)
        return 0

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    client = gmqtt.Client("count-gmqtt")
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect("127.0.0.1", port)
    client.subscribe(topic_filter, qos=0)
    await subscribed.wait()
    print("ready", flush=True)
    await over.wait()
    print(count, flush=True)
    await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
