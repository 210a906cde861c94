"""Turns signals into problems, causes, actions and proof: nothing closes on a comment."""
