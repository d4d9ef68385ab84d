"""mqtt-mcp: lets an AI assistant look into an MQTT broker, understand its devices and act on it safely.

This package file owns the version and nothing else, so that importing it costs nothing.
Rooms and rules: ARCHITECTURE.md.
"""

__version__ = "0.1.0"
