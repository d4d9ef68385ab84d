"""Which broker a caller means: a configured profile, an address of its own, or the default.

Owns that choice and its wording. Does not connect and does not read the configuration: it is handed the profiles.
"""

from collections.abc import Mapping

from mqtt_mcp.analysis.text import quote
from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker, Tls, parse_broker_url, without_user_info


def resolve_broker(
    profiles: Mapping[str, Broker],
    default_profile: str,
    *,
    profiles_only: bool = False,
    profile: str = "",
    url: str = "",
    username: str = "",
    password: str = "",
    ca_file: str = "",
    insecure: bool = False,
) -> Broker:
    """The broker that the arguments of a tool mean.

    Args:
        profiles: Configured brokers by name.
        default_profile: The one that is meant when nothing is named; may be empty.
        profiles_only: No address but those of the profiles may be used.
        profile: Name of a configured broker; goes without any other argument.
        url: ``mqtt://host[:port]`` or ``mqtts://host[:port]``.
        username: For ``url`` only.
        password: For ``url`` only.
        ca_file: PEM file on the machine mqtt-mcp runs on, for ``url`` only.
        insecure: No certificate checks, for ``url`` only.

    Raises:
        ToolError: ``bad_argument`` for an impossible combination, an unknown profile or a malformed URL;
            ``not_allowed_here`` for a URL where only profiles may be used; ``config`` when nothing was named and there
            is no default.
    """
    names = ", ".join(profiles) or "none"
    if profile and url:
        raise ToolError(ErrorKind.BAD_ARGUMENT, "Both profile and url were given.", "Give one of them.")
    if not url and (username or password or ca_file or insecure):
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            "username, password, ca_file and insecure belong to a url; none was given.",
            "A configured profile brings its own credentials: pass profile alone, or url with the others.",
        )
    if url and profiles_only:
        raise ToolError(
            ErrorKind.NOT_ALLOWED_HERE,
            f"The configuration allows only the brokers it names (profiles_only): {names}.",
            "Pass profile with one of these names; only the person who runs mqtt-mcp can change profiles_only.",
        )
    if url:
        tls = Tls(ca_file=ca_file, insecure=insecure) if ca_file or insecure else None
        return parse_broker_url(url, username=username, password=password, tls=tls)
    chosen = profile or default_profile
    if not chosen:
        if profiles:
            raise ToolError(
                ErrorKind.BAD_ARGUMENT,
                f"Several brokers are configured and none is the default: {names}.",
                "Pass profile with one of these names.",
            )
        raise ToolError(
            ErrorKind.CONFIG,
            "No broker is configured.",
            "Pass url (mqtt://host:1883), or have MQTT_BROKER_URL or [brokers.NAME] in mqtt-mcp.toml set.",
        )
    if chosen not in profiles:
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            f"There is no broker profile {quote(without_user_info(chosen))}. Configured profiles: {names}.",
            "Use one of these names, or pass url.",
        )
    return profiles[chosen]
