"""The two points of an operating characteristic that a sampling plan has to pass."""

from __future__ import annotations

from andon_quality.errors import Inconsistent, OutOfRange


def check_risks(aql: float, ltpd: float, producer_risk: float, consumer_risk: float) -> None:
    """Raises OutOfRange and Inconsistent unless good and bad lots, and the risks, differ.

    >>> check_risks(0.01, 0.06, 0.05, 0.1)
    """
    if not all(0.0 < each < 1.0 for each in (aql, ltpd, producer_risk, consumer_risk)):
        raise OutOfRange("aql, ltpd and both risks must lie between 0 and 1")
    if not aql < ltpd:
        raise Inconsistent(f"aql must be below ltpd, got {aql} and {ltpd}")
    if not producer_risk + consumer_risk < 1.0:
        raise Inconsistent("the risks must sum to less than 1, else no inspection meets them")
