"""The options of the monitor: where its web page is, and who may see it.

Part of the one table (``options.py``); apart because they are about one idea. Reads nothing.
"""

from mqtt_mcp.option import Option

PAYLOADS = ("head", "hash", "none")

MONITOR_OPTIONS: tuple[Option, ...] = (
    Option(
        name="port",
        section="monitor",
        kind="integer",
        env="MQTT_MCP_MONITOR_PORT",
        flag="--port",
        default=8090,
        minimum=0,
        maximum=65_535,
        help="Port of the web page that `serve` shows; 0: any free one.",
    ),
    Option(
        name="host",
        section="monitor",
        kind="text",
        env="MQTT_MCP_MONITOR_HOST",
        flag="--host",
        default="127.0.0.1",
        help="Address it listens on. Anything but loopback needs a token, or a proxy that checks who comes.",
    ),
    Option(
        name="token_file",
        section="monitor",
        kind="path",
        env="MQTT_MCP_MONITOR_TOKEN_FILE",
        flag="--token-file",
        help="File whose first line is the token that opens the page (`/#token=…`) and the REST interface.",
    ),
    Option(
        name="token",
        section="monitor",
        kind="text",
        env="MQTT_MCP_MONITOR_TOKEN",
        secret=True,
        help="The token itself; prefer a file. There is no flag: other users can see a command line.",
    ),
    Option(
        name="allowed_hosts",
        section="monitor",
        kind="names",
        env="MQTT_MCP_MONITOR_ALLOWED_HOSTS",
        flag="--allowed-hosts",
        default=(),
        help="Host names under which the page may be opened, besides `localhost` and addresses; `*.example.org` allows "
        "all below it.",
    ),
    Option(
        name="behind_proxy",
        section="monitor",
        kind="switch",
        env="MQTT_MCP_BEHIND_PROXY",
        flag="--behind-proxy",
        default=False,
        help="A proxy in front checks who comes: no token is needed off loopback. Without `trusted_proxy` the page "
        "only shows, it cannot act.",
    ),
    Option(
        name="trusted_proxy",
        section="monitor",
        kind="text",
        env="MQTT_MCP_TRUSTED_PROXY",
        flag="--trusted-proxy",
        help="Name or address of that proxy: what comes from it may see and act, everybody else gets health and bare "
        "counts. A proxy on this machine also needs its public name in `allowed_hosts`.",
    ),
    Option(
        name="payloads",
        section="monitor",
        kind="choice",
        env="MQTT_MCP_MONITOR_PAYLOADS",
        flag="--monitor-payloads",
        default="head",
        choices=PAYLOADS,
        help="What the page, the REST interface and the audit show of payloads: the first 512 bytes, a SHA-256, or "
        "nothing.",
    ),
)
