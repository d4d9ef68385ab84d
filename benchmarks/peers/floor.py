"""The least an MCP server in Python can cost: a loop over lines with the standard library's json, and no tools.

Run as ``python -m benchmarks.peers.floor``. It tells how fast the machine is at the moment of a measurement.
"""

import json
import sys

RESULTS = {
    "initialize": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "serverInfo": {"name": "floor", "version": "1"},
    },
    "tools/list": {"tools": []},
    "ping": {},
}

if __name__ == "__main__":
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "id" in request:
            reply = {"jsonrpc": "2.0", "id": request["id"], "result": RESULTS[request["method"]]}
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()
