"""Which topics there are, and which of them are alike."""
