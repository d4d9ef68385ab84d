"""The tool ``test_connection``: where exactly the way to a broker is broken, or that it is not.

Owns its words, arguments and result; the stages are ``hub/diagnosis.py``'s.
"""

from typing import Annotated

import msgspec

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.diagnosis import diagnose
from mqtt_mcp.hub.stages import Stage
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._broker_arguments import CaFile, Insecure, Password, Profile, Url, Username
from mqtt_mcp.tools._capabilities import ShownCapabilities, shown_capabilities


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing at all tests the default broker."""

    session_id: Annotated[
        str,
        msgspec.Meta(
            description="Test the broker of this session, by a connection of its own; goes without the others."
        ),
    ] = ""
    profile: Profile = ""
    url: Url = ""
    username: Username = ""
    password: Password = ""
    ca_file: CaFile = ""
    insecure: Insecure = False


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The account of a diagnosis."""

    ok: Annotated[bool, msgspec.Meta(description="Whether no stage failed.")]
    verdict: Annotated[str, msgspec.Meta(description="It works, or where it broke and what to do.")]
    broker: Annotated[str, msgspec.Meta(description="Address tested, without credentials.")]
    product: Annotated[str, msgspec.Meta(description="Broker as it names itself; absent when it does not.")] = ""
    stages: Annotated[
        list[Stage],
        msgspec.Meta(
            description="In order: status ok, warn, fail or skipped; milliseconds; what was found; what to do."
        ),
    ]
    capabilities: Annotated[
        ShownCapabilities | msgspec.UnsetType,
        msgspec.Meta(description="What the broker said in CONNACK; absent when it did not get so far."),
    ] = msgspec.UNSET
    advice: Annotated[list[str], msgspec.Meta(description="What could be better although it works.")]
    total_ms: Annotated[float, msgspec.Meta(description="How long it took, in milliseconds.")]


async def run(context: Context, args: Args) -> Result:
    """Diagnose; a fault of the broker or the network is a result.

    Raises:
        ToolError: The arguments contradict each other, or name no session, profile or broker.
    """
    hub = context.hub
    found = await diagnose(
        _broker(context, args),
        transport=hub.transport,
        network=hub.network,
        policy=hub.policy,
        settings=hub.settings,
    )
    return Result(
        ok=found.ok,
        verdict=found.verdict,
        broker=found.broker_url,
        product=found.product,
        stages=found.stages,
        capabilities=shown_capabilities(found.capabilities) if found.capabilities else msgspec.UNSET,
        advice=found.advice,
        total_ms=found.total_ms,
    )


def _broker(context: Context, args: Args) -> Broker:
    if args.session_id:
        if args.profile or args.url or args.username or args.password or args.ca_file or args.insecure:
            raise ToolError(
                ErrorKind.BAD_ARGUMENT,
                "session_id was given together with the address of a broker.",
                "Pass session_id alone, or profile, or url with its login.",
            )
        return context.hub.session(args.session_id, context.client).broker
    return context.hub.resolve_broker(
        profile=args.profile,
        url=args.url,
        username=args.username,
        password=args.password,
        ca_file=args.ca_file,
        insecure=args.insecure,
    )


TOOL = Tool(
    name="test_connection",
    title="Diagnose a connection",
    description=(
        "Find out where and why a connection to an MQTT broker fails, or that it works: name resolution, TCP, TLS with "
        "the certificate's names and days left, MQTT login, ping, subscribing, a message to itself at QoS 0, 1 and 2, "
        "and the rights to # and $SYS. Use it when establish_connection fails or a session misbehaves; it needs no "
        "session and opens a connection of its own. When a port does not answer MQTT it says what it speaks instead. "
        "A fault of the broker is a result, not an error. Takes at most 15 seconds. It publishes three messages to a "
        "random topic below mcp-probe/, nothing is retained; a read-only configuration leaves that out."
    ),
    args=Args,
    result=Result,
    run=run,
    read_only=False,
    destructive=False,
    idempotent=True,
)
