"""Undoing: what a change set did is found, compared with what is stored, and put back."""
