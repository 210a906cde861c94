"""Limits that keep their promise: charts whose in-control run length is the requested one on streams as they are."""

from andon_quality.promise.keep import Promise, Watched, keep
from andon_quality.promise.scheme import ChartState, Scheme
from andon_quality.promise.skewness import count_skewness, lognormal_skewness, share_skewness
from andon_quality.promise.standard import Law, memory_of
from andon_quality.promise.windows import FOLLOWED, Evidence, Lattice, Sides, Watch, Width, keep_windows

__all__ = [
    "FOLLOWED",
    "ChartState",
    "Evidence",
    "Lattice",
    "Law",
    "Promise",
    "Scheme",
    "Sides",
    "Watch",
    "Watched",
    "Width",
    "count_skewness",
    "keep",
    "keep_windows",
    "lognormal_skewness",
    "memory_of",
    "share_skewness",
]
