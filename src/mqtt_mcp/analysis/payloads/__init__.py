"""What a payload is, what it says, and how it is shown."""
