"""Numbers of a document mean what their author wrote."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.system.decimals import exact


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-99999", max_value="99999", places=6))
def test_a_decimal_is_what_was_written(written: Decimal) -> None:
    assert exact(float(written)) == Fraction(written)


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_a_quotient_is_the_fraction_and_not_its_float(above: int, below: int) -> None:
    assert exact(above / below) == Fraction(above, below)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_the_float_nearest_to_its_fraction(number: float) -> None:
    assert float(exact(number)) == number


def test_nine_tenths_of_a_range_end_where_they_should() -> None:
    assert exact(0.9) * 10 == 9
    assert exact(1.0 / 60) * 2166 * 60 == 2166
