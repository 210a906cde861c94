"""What a report says of values that are none of their type: what to write, and never what would change a number."""

from __future__ import annotations

import pytest
from andon_records.mapping.conversion import Unparsed
from andon_records.mapping.document import parse_mapping
from andon_records.mapping.doubts import unparsed_message

LEAST = {"source": "desk", "id": "number", "case_id": "number", "activity": "state", "time": "at"}


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("number", "1.234,50", 'write decimal: "," where that is the decimal mark'),
        ("number", "1,234.50", 'write decimal: "." where that is the decimal mark'),
        ("number", "12,5", 'write decimal: "," where that is the decimal mark'),
        ("number", "1,234", 'decimal: "," where that is the decimal mark, decimal: "." where it sets thousands apart'),
        ("integer", "1,234", 'write decimal: "." where "," sets thousands apart'),
        ("integer", "1.234", 'write decimal: "," where "." sets thousands apart'),
        ("number", "1,234,567", 'write decimal: "." where "," sets thousands apart'),
        ("number", "1.234.567", 'write decimal: "," where "." sets thousands apart'),
        ("number", "$1,234.00", "take units and currencies out of the column"),
        ("number", "12 min", "take units and currencies out of the column"),
        ("number", "n/a", 'write unknown: ["n/a"]'),
        ("flag", "WAHR", "write replace: {WAHR: true}"),
    ],
)
def test_a_value_that_is_none_of_its_type_says_what_to_write(kind, text, says):
    lost = Unparsed(3, 1, text, kind)
    assert says in str(unparsed_message("cost", lost, parse_mapping(LEAST)))
