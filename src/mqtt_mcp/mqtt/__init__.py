"""The MQTT port (pure) and its one adapter, gmqtt behind an anyio bridge."""
