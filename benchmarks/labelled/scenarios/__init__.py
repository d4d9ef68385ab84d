"""One file, or a few, for each ecosystem: what its devices publish and what goes wrong with them."""
