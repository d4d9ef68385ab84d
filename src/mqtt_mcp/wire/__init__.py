"""JSON-RPC 2.0 and MCP over any byte stream; knows nothing of MQTT or of our tools."""
