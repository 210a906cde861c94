"""Numbers are read by the decimal mark of the mapping, and what could mean two is none."""

from __future__ import annotations

import pyarrow as pa
import pytest
from andon_records.mapping.numbers import integers, numbers
from hypothesis import given, settings
from hypothesis import strategies as st


def read(texts, decimal=None):
    return numbers(pa.array(texts, pa.utf8()), decimal).to_pylist()


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("4,5", ",", 4.5),
        ("3,25", ",", 3.25),
        ("1.234", ",", 1234.0),
        ("1.234.567,8", ",", 1234567.8),
        ("1 234,5", ",", 1234.5),
        ("1\u00a0234,5", ",", 1234.5),
        ("1’234,5", ",", 1234.5),
        ("1.23", ",", None),
        ("12.34.56", ",", None),
        ("1,2,3", ",", None),
        ("1,234.5", ".", 1234.5),
        ("1,234", ".", 1234.0),
        ("12,34", ".", None),
        ("1,234", None, None),
        ("1234.5", None, 1234.5),
        ("-.5", None, -0.5),
        ("+7.", None, 7.0),
        ("1e5", None, 1e5),
        ("1,5e3", ",", 1500.0),
        ("nan", None, None),
        ("inf", None, None),
        ("1e999", None, None),
        ("1_000", None, None),
        ("١", None, None),
        ("", None, None),
        ("-", ",", None),
    ],
)
def test_a_number_is_what_its_mark_says(text, decimal, number):
    assert read([text], decimal) == [number]


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("3", None, 3),
        ("-3", None, -3),
        ("+3", None, 3),
        ("3.0", None, 3),
        ("3.5", None, None),
        ("007", None, 7),
        ("1.234", ",", 1234),
        ("9223372036854775807", None, 2**63 - 1),
        ("9223372036854775808", None, None),
        ("99999999999999999999", None, None),
        ("x", None, None),
    ],
)
def test_an_integer_is_whole_and_fits_64_bits(text, decimal, number):
    assert integers(pa.array([text]), decimal).to_pylist() == [number]


@settings(deadline=None, max_examples=50)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read_back(number):
    assert read([repr(number)]) == [number]


@settings(deadline=None, max_examples=50)
@given(st.integers(-(10**15), 10**15))
def test_thousands_marks_change_nothing(number):
    written = f"{number:,}"
    assert read([written], ".") == read([written.replace(",", ".")], ",") == [float(number)]
    assert integers(pa.array([written.replace(",", " ")]), ",").to_pylist() == [number]


def test_a_column_of_nothing_is_a_column_of_nothing():
    assert read([None, None]) == [None, None]
    assert read([]) == []
