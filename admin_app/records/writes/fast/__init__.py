"""Fast paths: rows and their changes written by one statement, or by a few."""
