"""Benchmarks: reference values that others reach, and for how long they hold."""
