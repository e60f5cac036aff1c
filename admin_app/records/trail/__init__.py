"""The audit trail: changes are written with each write, and read as far as an actor may see."""
