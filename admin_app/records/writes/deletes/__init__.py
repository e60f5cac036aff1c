"""Deletes and the trash: effects on other records are planned, then done."""
