"""Limits that keep their promise: charts whose in-control run length is the requested one on streams as they are."""

from andon_quality.promise.keep import Promise, Watched, keep
from andon_quality.promise.scheme import ChartState, Scheme

__all__ = ["ChartState", "Promise", "Scheme", "Watched", "keep"]
