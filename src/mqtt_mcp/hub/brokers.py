"""Which broker is meant: a named profile, a URL, or the default.

Owns the choice and its error texts. Does not parse URLs (``mqtt/broker_url.py``) or read configuration (``config.py``).
"""

from collections.abc import Mapping

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker, parse_broker_url


def resolve_broker(
    profiles: Mapping[str, Broker],
    default_profile: str,
    *,
    profile: str = "",
    url: str = "",
    username: str = "",
    password: str = "",
    ca_file: str = "",
    insecure: bool = False,
) -> Broker:
    """Choose a broker.

    Args:
        profiles: Configured brokers by name.
        default_profile: The one meant when nothing is named; empty when there is none.
        profile: Name of a configured broker; excludes the other arguments.
        url: Address; user name and password may be inside and are moved out.
        username, password, ca_file, insecure: Additions to ``url``.

    Raises:
        ToolError: ``bad_argument`` or ``config``, with the profiles there are. Never echoes user name or password.
    """
    names = ", ".join(sorted(profiles)) or "none is configured"
    extras = [
        name
        for name, given in (
            ("username", username),
            ("password", password),
            ("ca_file", ca_file),
            ("insecure", insecure),
        )
        if given
    ]
    if profile and (url or extras):
        others = ", ".join(["url"] * bool(url) + extras)
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            f"A profile holds address and credentials already, so {others} cannot be given beside it.",
            "Give either profile, or url with what belongs to it.",
        )
    if url:
        return parse_broker_url(url, username=username, password=password, ca_file=ca_file, insecure=insecure)
    if extras:
        raise ToolError(ErrorKind.BAD_ARGUMENT, f"{', '.join(extras)} needs a url to go with.", "Give url as well.")
    chosen = profile or default_profile
    if not chosen:
        raise ToolError(
            ErrorKind.CONFIG,
            "No broker was named and none is configured as the default.",
            f'Give url="mqtt://host:1883", or one of the profiles ({names}), or set MQTT_BROKER_URL for mqtt-mcp.',
        )
    broker = profiles.get(chosen)
    if broker is None:
        raise ToolError(
            ErrorKind.CONFIG,
            f"There is no broker profile of this name; profiles: {names}.",
            "Use one of these, or a url.",
        )
    return broker
