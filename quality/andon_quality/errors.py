"""What can be wrong with the numbers given.

QualityError
├── TooFew        not enough points for the statistic
├── NoSpread      every value is equal, so nothing can be said in units of spread
├── NotFinite     NaN or infinity where a number is needed
├── OutOfRange    a parameter outside its domain
├── Inconsistent  judgements or inputs that contradict each other
└── MissingExtra  an optional package that is not installed
"""

from __future__ import annotations


class QualityError(ValueError):
    """Root of the tree; catch this to catch them all."""


class TooFew(QualityError):
    """Fewer points than the statistic needs."""


class NoSpread(QualityError):
    """Every value is equal."""


class NotFinite(QualityError):
    """NaN or infinity where a number is needed."""


class OutOfRange(QualityError):
    """A parameter outside its domain."""


class Inconsistent(QualityError):
    """Judgements or inputs that contradict each other."""


class MissingExtra(QualityError, ImportError):
    """An optional package that is not installed; the message says which extra installs it."""
