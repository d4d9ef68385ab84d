"""What the payloads on topics look like."""
