"""The arguments that name a broker and log in to it, as every tool that connects has them.

Owns their words. Does not choose a broker (``hub.brokers``).
"""

from typing import Annotated

import msgspec

Profile = Annotated[
    str,
    msgspec.Meta(
        description="Name of a configured broker, which brings its own login; list_active_connections shows them."
    ),
]
Url = Annotated[
    str,
    msgspec.Meta(description="Address in place of a profile: mqtt://host[:1883], or mqtts://host[:8883] for TLS."),
]
Username = Annotated[str, msgspec.Meta(description="User name, only together with url.")]
Password = Annotated[
    str,
    msgspec.Meta(
        description="Password, only together with url. A configured profile keeps it out of the conversation."
    ),
]
CaFile = Annotated[
    str,
    msgspec.Meta(
        description="PEM file, on the machine this server runs on, of the authority that signed the broker's "
        "certificate; only together with url."
    ),
]
Insecure = Annotated[
    bool,
    msgspec.Meta(description="Do not check the broker's certificate and host name. Only when the user asked for this."),
]
