"""The one table of everything that can be configured.

Owns each option's name, type, bounds, default and its spelling in the TOML file, the environment and the command line;
``config.py`` reads values by it, ``config_flags.py`` makes flags of it and the README's table is generated from it.
Does not read anything itself.
"""

from mqtt_mcp.option import Option, Section
from mqtt_mcp.options_monitor import MONITOR_OPTIONS
from mqtt_mcp.settings import DEFAULTS

LOG_LEVELS = ("debug", "info", "warning", "error")


def _limit(name: str, minimum: float, maximum: float, help_text: str) -> Option:
    """An option over the field of ``Settings`` with the same name."""
    default = getattr(DEFAULTS, name)
    return Option(
        name=name,
        section="limits",
        kind="seconds" if isinstance(default, float) else "integer",
        help=help_text,
        env=f"MQTT_MCP_{name.upper()}",
        flag="--" + name.replace("_", "-"),
        default=default,
        minimum=minimum,
        maximum=maximum,
    )


OPTIONS: tuple[Option, ...] = (
    Option(
        name="profile",
        section="general",
        kind="text",
        env="MQTT_MCP_PROFILE",
        flag="--profile",
        help="The broker profile that is used when the assistant names none.",
    ),
    Option(
        name="read_only",
        section="general",
        kind="switch",
        env="MQTT_MCP_READ_ONLY",
        flag="--read-only",
        default=False,
        help="Take `publish_message` away: nothing can be published, not even a probe.",
    ),
    Option(
        name="profiles_only",
        section="general",
        kind="switch",
        env="MQTT_MCP_PROFILES_ONLY",
        flag="--profiles-only",
        default=False,
        help="Refuse the argument `url`: the assistant connects to configured brokers and to no other address.",
    ),
    Option(
        name="publish_allow",
        section="general",
        kind="filters",
        env="MQTT_MCP_PUBLISH_ALLOW",
        flag="--publish-allow",
        default=(),
        help="Publish only to topics that match one of these filters; empty allows all.",
    ),
    Option(
        name="publish_deny",
        section="general",
        kind="filters",
        env="MQTT_MCP_PUBLISH_DENY",
        flag="--publish-deny",
        default=(),
        help="Never publish to topics that match one of these filters; wins over `publish_allow`.",
    ),
    Option(
        name="read_allow",
        section="general",
        kind="filters",
        env="MQTT_MCP_READ_ALLOW",
        flag="--read-allow",
        default=(),
        help="Show only messages on topics that match one of these filters; empty allows all.",
    ),
    Option(
        name="read_deny",
        section="general",
        kind="filters",
        env="MQTT_MCP_READ_DENY",
        flag="--read-deny",
        default=(),
        help="Never show messages on topics that match one of these filters; wins over `read_allow`.",
    ),
    Option(
        name="log_level",
        section="general",
        kind="choice",
        env="MQTT_MCP_LOG_LEVEL",
        flag="--log-level",
        default="warning",
        choices=LOG_LEVELS,
        help="How much is written to stderr.",
    ),
    Option(
        name="log_json",
        section="general",
        kind="switch",
        env="MQTT_MCP_LOG_JSON",
        flag="--log-json",
        default=False,
        help="Write log lines as JSON objects.",
    ),
    Option(
        name="audit",
        section="general",
        kind="path",
        env="MQTT_MCP_AUDIT",
        flag="--audit",
        help="File to which every tool call, every publish of a client and every session is appended, one JSON object "
        "per line.",
    ),
    Option(
        name="url",
        section="broker",
        kind="text",
        env="MQTT_BROKER_URL",
        flag="--broker",
        help="`mqtt://host[:1883]` or `mqtts://host[:8883]`; the flag also takes the name of a profile.",
    ),
    Option(
        name="username",
        section="broker",
        kind="text",
        env="MQTT_USERNAME",
        flag="--username",
        secret=True,
        help="User name for the broker.",
    ),
    Option(
        name="password_file",
        section="broker",
        kind="path",
        env="MQTT_PASSWORD_FILE",
        flag="--password-file",
        help="File whose first line is the password.",
    ),
    Option(
        name="password_env",
        section="broker",
        kind="text",
        help="Name of the environment variable that holds the password.",
    ),
    Option(
        name="password",
        section="broker",
        kind="text",
        env="MQTT_PASSWORD",
        secret=True,
        help="The password itself; prefer a file. There is no flag: other users can see a command line.",
    ),
    Option(
        name="ca_file",
        section="broker",
        kind="path",
        env="MQTT_CA_FILE",
        flag="--ca-file",
        help="PEM file with the authority that signed the broker's certificate; empty: the system's store.",
    ),
    Option(
        name="cert_file",
        section="broker",
        kind="path",
        env="MQTT_CERT_FILE",
        flag="--cert-file",
        help="PEM file with our client certificate.",
    ),
    Option(
        name="key_file",
        section="broker",
        kind="path",
        env="MQTT_KEY_FILE",
        flag="--key-file",
        help="PEM file with the key of our client certificate.",
    ),
    Option(
        name="key_password_file",
        section="broker",
        kind="path",
        env="MQTT_KEY_PASSWORD_FILE",
        flag="--key-password-file",
        help="File whose first line is the password of that key.",
    ),
    Option(
        name="insecure",
        section="broker",
        kind="switch",
        env="MQTT_INSECURE",
        flag="--insecure",
        default=False,
        help="Do not check the broker's certificate or host name. Anybody in between can then read and change all.",
    ),
    *MONITOR_OPTIONS,
    _limit("max_sessions", 1, 20, "MQTT sessions open at the same time."),
    _limit("session_ttl_s", 10, 86_400, "Seconds a session lives after its last use."),
    _limit("orphan_grace_s", 0, 86_400, "Seconds a session lives after the last client that used it has gone."),
    _limit("connect_timeout_s", 1, 120, "Seconds to wait for a connection."),
    _limit("subscribe_timeout_s", 1, 120, "Seconds to wait for SUBACK."),
    _limit("publish_ack_timeout_s", 1, 120, "Seconds to wait for PUBACK or PUBCOMP."),
    _limit("keepalive_s", 5, 65_535, "Seconds between signs of life to the broker."),
    _limit("session_memory_bytes", 1_048_576, 268_435_456, "Bytes of messages one session may keep."),
    _limit("max_publish_bytes", 1, 16_777_216, "Largest payload that may be published."),
    _limit("default_wait_s", 1, 300, "Seconds a listening call blocks before it hands back a collection id."),
    _limit("max_running_collections", 1, 200, "Collections running at the same time."),
    _limit("result_chars", 4_000, 45_000, "Characters one tool result aims at."),
    _limit("idle_timeout_s", 0, 604_800, "Seconds without a request after which a stdio window ends itself; 0: never."),
)

CONFIG_FILE_ENV = "MQTT_MCP_CONFIG"
CONFIG_FILE_FLAG = "--config"
SOCKET_ENV = "MQTT_MCP_SOCKET"
SOCKET_FLAG = "--socket"


def section(name: Section) -> tuple[Option, ...]:
    """The options of one section, in the order of the table."""
    return tuple(option for option in OPTIONS if option.section == name)


def markdown_table() -> str:
    """The README's table of all options, newest truth by construction."""
    lines = ["| in the TOML file | environment | flag | default | what it does |", "| --- | --- | --- | --- | --- |"]
    lines.append(
        f"| – | `{CONFIG_FILE_ENV}` | `{CONFIG_FILE_FLAG} FILE` | `~/.config/mqtt-mcp/mqtt-mcp.toml` if it exists | "
        "The TOML file. |"
    )
    lines.append(
        f"| – | `{SOCKET_ENV}` | `{SOCKET_FLAG} FILE` | `hub.sock` in `$XDG_RUNTIME_DIR/mqtt-mcp` | The Unix socket on "
        "which `serve` listens and on which a window looks for it; `off`: neither. |"
    )
    for option in OPTIONS:
        env = f"`{option.env}`" if option.env else "–"
        flag = f"`{option.flag}`" if option.flag else "–"
        lines.append(f"| `{option.toml_key}` | {env} | {flag} | {_shown_default(option)} | {option.help} |")
    return "\n".join(lines) + "\n"


def _shown_default(option: Option) -> str:
    if option.default in ("", ()):
        return "–"
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
