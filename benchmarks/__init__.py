"""Measurements of mqtt-mcp side by side with what it is compared to; ``python -m benchmarks`` runs them.

Imports nothing: the peers run by interpreters that do not have our dependencies.
"""
