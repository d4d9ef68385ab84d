"""The commands: the only places that put rooms together."""
