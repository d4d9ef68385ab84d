"""Which few of many messages are worth showing: counting, keeping, choosing."""
