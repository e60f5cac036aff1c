"""Ours beside what people would pick instead or write by hand. Run with ``make bench``."""
