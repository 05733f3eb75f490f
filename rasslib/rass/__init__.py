"""Generating candidates for overrefusal, selecting among them, and what the selection yields."""
