"""Measurements of one thing each, beside the table of contestants."""
