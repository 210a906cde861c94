"""The numbers of a document as the fractions that their author meant."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

DIGITS_WRITTEN = 12
"""A number with more digits is taken for a quotient, if there is one with a small denominator."""
DENOMINATORS = [10**power for power in range(2, 8)]


@lru_cache(maxsize=4096)
def exact(number: float) -> Fraction:
    """0.01 is 1/100, and 1.0 / 3600 is 1/3600: not the binary fractions that floats make of them.

    Of a quotient, the simplest fraction whose nearest float it is.
    """
    written = Fraction(repr(number))
    digits = repr(number).split("e")[0].replace(".", "").replace("-", "").strip("0")
    if len(digits) <= DIGITS_WRITTEN:
        return written
    simplest = (written.limit_denominator(most) for most in DENOMINATORS)
    return next((one for one in simplest if float(one) == number), written)
