"""The monitor: what a person sees of a running hub, in a browser and for programs. Only the daemon loads it."""
