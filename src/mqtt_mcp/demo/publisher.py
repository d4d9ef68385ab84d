"""Brings the simulated home to a broker: publishes what is due and answers commands.

Owns the home's one MQTT connection and its clock. Does not know what the devices say (``home.py``) nor which broker
it is.
"""

import time

import trio

from mqtt_mcp.demo.home import COMMAND_FILTERS, Home
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, MqttClient, MqttTransport, Subscription

_STEP_S = 0.1


async def publish_home(
    transport: MqttTransport, broker: Broker, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Publish the home until cancelled.

    Reports itself started when every retained message is with the broker and commands are listened to.

    Args:
        transport: How to connect.
        broker: Where to.
        task_status: For ``nursery.start``.

    Raises:
        MqttError: The connection could not be made or was lost.
    """
    home = Home(time.time())
    async with transport.connect(broker, ConnectOptions(client_id="simulated-home")) as client:
        for publication in home.stored():
            await client.publish(publication)
        await client.subscribe([Subscription(topic_filter) for topic_filter in COMMAND_FILTERS])
        # The broker answers in order: what was sent before the answer has arrived.
        await client.ping()
        async with trio.open_nursery() as nursery:
            started_s = trio.current_time()
            nursery.start_soon(_answer_commands, client, home, started_s)
            task_status.started()
            await _publish_schedule(client, home, started_s)


async def _publish_schedule(client: MqttClient, home: Home, started_s: float) -> None:
    done_s = 0.0
    while True:
        await trio.sleep(_STEP_S)
        now_s = trio.current_time() - started_s
        for timed in home.between(done_s, now_s):
            await client.publish(timed.publication)
        done_s = now_s


async def _answer_commands(client: MqttClient, home: Home, started_s: float) -> None:
    while True:
        for message in await client.receive_batch():
            # A stored command would be executed again after every start.
            if message.retain:
                continue
            for publication in home.answer(message.topic, message.payload, message.received_s - started_s):
                await client.publish(publication)
