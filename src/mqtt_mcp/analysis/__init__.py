"""Pure accumulators and functions over messages: no trio, no I/O, no clock of their own."""
