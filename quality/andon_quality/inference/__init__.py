"""Inference: every comparison returns an effect, its interval, a p value and the checks of what it assumes."""
