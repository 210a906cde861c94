"""Sensors: what a source measures, and over which periods it is summed up."""
