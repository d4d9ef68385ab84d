"""The tools. Adding one is adding a file here; discovery is sorted by name."""
