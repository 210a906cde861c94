"""Entities: what several sources call by keys of their own, what a key meant when, and what that makes of events."""
