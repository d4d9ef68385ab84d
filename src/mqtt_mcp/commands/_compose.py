"""Putting the rooms together: configuration → journal, bridge → transport → hub.

Owns which implementation stands behind which port; commands share it. Does not know the wire.
"""

import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import trio

from mqtt_mcp.config import Config
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.opening import open_hub
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.network_probe import TrioNetworkProbe
from mqtt_mcp.option import ConfigError

QUICK_CLOSE_S = 1.0
"""On the way out a peer that does not read gets less time than in the middle of the work."""


@asynccontextmanager
async def running_hub(config: Config, *, watched: bool = False) -> AsyncIterator[Hub]:
    """A hub on real brokers while the block runs; costs nothing until the first connection.

    Args:
        config: What to run with.
        watched: Whether a person may look at what its sessions receive: a monitor.

    Raises:
        ConfigError: The audit file cannot be used; nothing was started.
    """
    settings = config.settings
    settings = msgspec.structs.replace(settings, close_timeout_s=min(settings.close_timeout_s, QUICK_CLOSE_S))
    with journal_of(config, watched=watched) as journal:
        async with (
            # Modules stay for good. Frozen, they are nothing that a full collection has to walk, which would hold
            # everybody up for 15 to 40 ms in the middle of a flood.
            open_bridge(close_timeout_s=QUICK_CLOSE_S, loaded=gc.freeze) as bridge,
            open_hub(
                GmqttTransport(bridge),
                TrioNetworkProbe(),
                settings=settings,
                policy=config.policy,
                profiles=config.profiles,
                default_profile=config.default_profile,
                offload=trio.to_thread.run_sync,
                journal=journal,
            ) as hub,
        ):
            yield hub


@contextmanager
def journal_of(config: Config, *, watched: bool) -> Iterator[Journal]:
    """A journal that knows what never to show, with the audit file open while the block runs.

    Args:
        config: Its secrets, what it says of payloads, and the audit file.
        watched: Whether to note the topics that sessions receive.

    Raises:
        ConfigError: The audit file cannot be opened.
    """
    redactor = Redactor(config.passwords(), payloads=config.monitor.payloads)
    topics = None
    if watched:
        from mqtt_mcp.hub.topic_table import TopicTable  # noqa: PLC0415 - a window shows no topics

        topics = TopicTable(redactor, epoch_offset_s=time.time() - trio.current_time())
    if not config.audit:
        yield Journal(redactor, topics=topics, kept=watched)
        return
    from mqtt_mcp.hub.audit import Audit  # noqa: PLC0415 - most run without

    try:
        audit = Audit(Path(config.audit))
    except OSError as error:
        problem = f"audit: cannot append to {ascii(config.audit)[:300]}: {error.strerror}."
        raise ConfigError(config.audit_where, problem) from None
    try:
        yield Journal(redactor, topics=topics, audit=audit)
    finally:
        audit.close()
