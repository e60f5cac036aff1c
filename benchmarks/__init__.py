"""Ours beside what people would write by hand. Run with ``make bench``."""
