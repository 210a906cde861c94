"""Scoring: every number is a pure function of an indicator system and the set of events, and shows its working."""
