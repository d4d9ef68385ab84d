"""Bare gmqtt that publishes QoS 1 messages one after the other, each awaited until its PUBACK came.

Run as ``python -m benchmarks.peers.publish_gmqtt PORT COUNT``; prints the seconds it took.
"""

import asyncio
import sys
import time

import gmqtt
from gmqtt.storage import PersistentStorage


async def main(port: int, count: int) -> None:
    """Publish and print."""
    storage = PersistentStorage()
    client = gmqtt.Client("publish-gmqtt", persistent_storage=storage)
    await client.connect("127.0.0.1", port)
    began_s = time.perf_counter()
    for number in range(count):
        client.publish("bench/publish", f'{{"n":{number}}}', qos=1)
        await storage.wait_empty()
    print(time.perf_counter() - began_s, flush=True)
    await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
