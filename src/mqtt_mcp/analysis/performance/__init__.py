"""How much traffic there is, how fast it is, and what the broker says about itself."""
