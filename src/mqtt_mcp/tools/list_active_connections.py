"""The tool ``list_active_connections``: sessions, collections and configured brokers as they are now.

Owns the account. Does not touch a session: looking at the list keeps none alive.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.session import Session
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._listening import iso_time, window_status

_TEXT_CHARS = 200
MAX_PROFILES_SHOWN = 50
MAX_COLLECTIONS_SHOWN = 25


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No arguments."""


class ShownSession(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One session."""

    session_id: Annotated[str, msgspec.Meta(description="Its id.")]
    broker: Annotated[str, msgspec.Meta(description="Address, without credentials.")]
    profile: Annotated[str, msgspec.Meta(description="Configured broker it came from; absent for a url.")] = ""
    state: Annotated[str, msgspec.Meta(description="connected or reconnecting.")]
    link_error: Annotated[str, msgspec.Meta(description="Why it is reconnecting; absent when connected.")] = ""
    protocol: Annotated[str, msgspec.Meta(description="MQTT version: 5.0 or 3.1.1.")]
    max_qos: Annotated[int, msgspec.Meta(description="Highest QoS the broker accepts.")]
    retain_available: Annotated[bool, msgspec.Meta(description="Whether it stores retained messages.")]
    opened_at: Annotated[str, msgspec.Meta(description="When it was opened, in UTC.")]
    idle_s: Annotated[float, msgspec.Meta(description="Seconds since its last use.")]
    expires_in_s: Annotated[float, msgspec.Meta(description="Seconds until it ends if nothing uses it.")]
    clients: Annotated[int, msgspec.Meta(description="Connected MCP clients that have used it.")]
    reconnects: Annotated[int, msgspec.Meta(description="How often its connection was restored.")] = 0
    messages_received: Annotated[int, msgspec.Meta(description="Messages since it was opened.")] = 0
    messages_dropped: Annotated[int, msgspec.Meta(description="Messages lost here because we were too slow.")] = 0


class ShownCollection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One running or finished watch."""

    collection_id: Annotated[str, msgspec.Meta(description="Pass it to collection_result.")]
    session_id: Annotated[str, msgspec.Meta(description="The session it runs or ran on.")]
    tool: Annotated[str, msgspec.Meta(description="The tool that started it.")]
    watching: Annotated[str, msgspec.Meta(description="What it watches: a topic filter or a device.")]
    status: Annotated[str, msgspec.Meta(description="running, complete or partial.")]
    messages: Annotated[int, msgspec.Meta(description="Messages seen.")]
    elapsed_s: Annotated[float, msgspec.Meta(description="Seconds watched.")]
    duration_s: Annotated[float, msgspec.Meta(description="Seconds asked for.")]


class ShownProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One configured broker."""

    profile: Annotated[str, msgspec.Meta(description="Name for establish_connection.")]
    broker: Annotated[str, msgspec.Meta(description="Address, without credentials.")]
    default: Annotated[bool, msgspec.Meta(description="True for the one used when none is named.")] = False


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Everything this server holds."""

    sessions: Annotated[list[ShownSession], msgspec.Meta(description="Open sessions, oldest first.")]
    max_sessions: Annotated[int, msgspec.Meta(description="Most sessions that can be open at a time.")]
    collections: Annotated[
        list[ShownCollection],
        msgspec.Meta(description="Running watches, and finished ones whose result can still be fetched."),
    ]
    more_collections: Annotated[int, msgspec.Meta(description="Collections beyond those listed, oldest.")] = 0
    profiles: Annotated[list[ShownProfile], msgspec.Meta(description="Configured brokers.")]
    more_profiles: Annotated[int, msgspec.Meta(description="Configured brokers beyond those listed.")] = 0
    publishing: Annotated[str, msgspec.Meta(description="on, limited (by allow or deny lists) or off (read-only).")]
    monitor: Annotated[str, msgspec.Meta(description="Where a person can watch this in a browser, if anywhere.")]


async def run(context: Context, args: Args) -> Result:  # noqa: ARG001 - every tool is called alike
    """Give the account; nothing is asked of a broker."""
    hub = context.hub
    policy = hub.policy
    limited = bool(policy.publish_allow or policy.publish_deny)
    profiles = list(hub.profiles.items())
    collections = hub.collections()
    # The running ones are what somebody waits for; then the youngest.
    chosen = sorted(collections, key=lambda one: one.running)[-MAX_COLLECTIONS_SHOWN:]
    shown = [collection for collection in collections if collection in chosen]
    return Result(
        sessions=[_session(session) for session in hub.sessions()],
        max_sessions=hub.settings.max_sessions,
        collections=[_collection(collection) for collection in shown],
        more_collections=len(collections) - len(shown),
        profiles=[
            ShownProfile(profile=name, broker=broker.url, default=name == hub.default_profile)
            for name, broker in profiles[:MAX_PROFILES_SHOWN]
        ],
        more_profiles=max(0, len(profiles) - MAX_PROFILES_SHOWN),
        publishing="off" if policy.read_only else "limited" if limited else "on",
        monitor=hub.monitor_url or "none: this server has no web page; mqtt-mcp serve has one",
    )


def _session(session: Session) -> ShownSession:
    return ShownSession(
        session_id=session.id,
        broker=session.broker.url,
        profile=session.broker.profile,
        state=session.state,
        link_error=clean(session.link_error, _TEXT_CHARS),
        protocol=session.capabilities.protocol,
        max_qos=session.capabilities.max_qos,
        retain_available=session.capabilities.retain_available,
        opened_at=iso_time(session.opened_at_epoch_s),
        idle_s=round(session.idle_s, 1),
        expires_in_s=round(session.expires_in_s, 1),
        clients=session.clients,
        reconnects=session.reconnects,
        messages_received=session.traffic.messages_in,
        messages_dropped=session.messages_dropped,
    )


def _collection(collection: Collection) -> ShownCollection:
    window = collection.window()
    return ShownCollection(
        collection_id=collection.id,
        session_id=collection.session_id,
        tool=collection.tool,
        watching=clean(collection.label, _TEXT_CHARS),
        status=window_status(window),
        messages=collection.request.accumulator.messages,
        elapsed_s=round(window.elapsed_s, 1),
        duration_s=window.duration_s,
    )


TOOL = Tool(
    name="list_active_connections",
    title="List connections",
    description=(
        "Show open sessions (state, broker, idle time, expiry), running and recently finished collections with "
        "their ids, "
        "and the configured broker profiles. Instant, asks nothing of a broker and takes no arguments. Use it "
        "to find a "
        "session_id or collection_id again, or to see which profiles establish_connection can use. For the health of a "
        "connection use test_connection."
    ),
    args=Args,
    result=Result,
    run=run,
    idempotent=True,
    open_world=False,
    foreign_data=False,
)
