"""Speak MCP on stdin and stdout: what a host starts, with the values of its form in the environment."""

import os
import sys

from mqtt_mcp.__main__ import main

if __name__ == "__main__":
    # Some hosts put the bare placeholder here for a field that was left empty.
    for name in [name for name, value in os.environ.items() if value.startswith("${user_config.")]:
        del os.environ[name]
    sys.exit(main([]))
