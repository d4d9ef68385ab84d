"""The tool ``establish_connection``: connect to a broker and hand out the session id every other tool asks for.

Owns the words and the result. Does not choose (``hub.brokers``) or keep (``hub.session``) the connection.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.analysis.text import clean
from mqtt_mcp.hub.session import Session
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._broker_arguments import CaFile, Insecure, Password, Profile, Url, Username
from mqtt_mcp.tools._capabilities import ShownCapabilities, shown_capabilities

_TEXT_CHARS = 200


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing at all connects to the default broker."""

    profile: Profile = ""
    url: Url = ""
    username: Username = ""
    password: Password = ""
    ca_file: CaFile = ""
    insecure: Insecure = False


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The session and what the broker said about itself."""

    session_id: Annotated[str, msgspec.Meta(description="Pass this to the other tools exactly as it is.")]
    broker: Annotated[str, msgspec.Meta(description="Address in use, without credentials.")]
    profile: Annotated[str, msgspec.Meta(description="Configured broker it came from; absent for a url.")] = ""
    protocol: Annotated[str, msgspec.Meta(description="MQTT version in use: 5.0 or 3.1.1.")]
    client_id: Annotated[str, msgspec.Meta(description="Our client id at the broker.")]
    capabilities: Annotated[ShownCapabilities, msgspec.Meta(description="What the broker said in CONNACK.")]
    expires_in_s: Annotated[
        float,
        msgspec.Meta(description="Seconds until the session ends if nothing uses it; every use starts them anew."),
    ]
    notes: Annotated[
        list[str], msgspec.Meta(description="What to know about this connection; absent when there is nothing.")
    ] = msgspec.field(default_factory=list)


async def run(context: Context, args: Args) -> Result:
    """Connect and keep the session.

    Raises:
        ToolError: No such profile, a malformed URL, or five sessions are open.
        MqttError: The connection could not be made; nothing is left behind.
    """
    hub = context.hub
    broker = hub.resolve_broker(
        profile=args.profile,
        url=args.url,
        username=args.username,
        password=args.password,
        ca_file=args.ca_file,
        insecure=args.insecure,
    )
    session = await hub.open_session(broker, context.client)
    return Result(
        session_id=session.id,
        broker=broker.url,
        profile=broker.profile,
        protocol=session.capabilities.protocol,
        client_id=clean(session.client_id, _TEXT_CHARS),
        capabilities=shown_capabilities(session.capabilities, defaulted=False),
        expires_in_s=round(session.expires_in_s),
        notes=_notes(session, read_only=hub.policy.read_only),
    )


def _notes(session: Session, *, read_only: bool) -> list[str]:
    broker, capabilities = session.broker, session.capabilities
    notes = []
    if broker.tls is None and broker.password is not None:
        notes.append("The password travelled without encryption; use mqtts:// where the broker offers it.")
    if broker.tls is not None and broker.tls.insecure:
        notes.append(
            "The broker's certificate was not checked, as asked: anybody in between could read and change all."
        )
    if capabilities.protocol == "3.1.1":
        notes.append("The broker speaks MQTT 3.1.1 only: no reason codes for publishes, no properties.")
    if not capabilities.wildcard_subscriptions:
        notes.append("The broker allows no wildcards: only exact topics can be watched.")
    if read_only:
        notes.append("This server is read-only: publish_message is not offered.")
    return notes


TOOL = Tool(
    name="establish_connection",
    title="Connect to a broker",
    description=(
        "Connect to an MQTT broker; call this first. Returns the session_id that every other tool needs. "
        "Without arguments it uses the default broker; profile names another configured one; url (with username and "
        "password if needed) reaches any other. Prefer profiles: their passwords never enter the conversation. "
        "One session serves all calls to the same broker, so connect once and reuse it: at most 5 sessions are "
        "open at a "
        "time and each ends after 1 hour without use. If connecting fails, test_connection finds out where and why. "
        "It changes nothing at the broker."
    ),
    args=Args,
    result=Result,
    run=run,
    read_only=True,
    foreign_data=False,
)
