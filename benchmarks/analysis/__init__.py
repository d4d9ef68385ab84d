"""The analysis examined with labelled traffic and timed alone: ``python -m benchmarks.analysis`` prints every bar."""
