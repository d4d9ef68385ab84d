"""The owner of what lasts: sessions, collections and their results."""
