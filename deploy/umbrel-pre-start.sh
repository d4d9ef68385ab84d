#!/usr/bin/env bash
# Hook of umbrelOS (1.7.2 or newer): /home/umbrel/umbrel/custom-hooks/pre-start, executable, run as root at each boot.
# Everything outside /home is reset at a reboot, so the rule is written anew. It lets the user umbrel run one literal
# command without a password: the window of mqtt-mcp in its container. Membership in the group docker would be root.
# In brackets, so that it can stand in a hook with other lines: what it sets ends with it.
(
set -euo pipefail

rule='umbrel ALL=(root) NOPASSWD: /usr/bin/docker exec -i bitsperity-mqtt-mcp_mcp-server_1 mqtt-mcp'
file=/etc/sudoers.d/mqtt-mcp

# A dot in its name: sudo passes such files by until the finished one takes its place.
fresh=$(mktemp "$file.XXXXXX")
trap 'rm -f "$fresh"' EXIT
printf '%s\n' "$rule" >"$fresh"
chmod 0440 "$fresh"
visudo -cqf "$fresh"
mv "$fresh" "$file"
)
