"""All that is wrong with a request is said at once, each field once."""

from __future__ import annotations

import pytest

from services.runtime.errors import FieldViolation, InvalidArgument
from services.runtime.field_checks import FieldChecks


def test_what_holds_raises_nothing():
    checks = FieldChecks()
    checks.require(True, "title", "is required")
    checks.done()


def test_of_each_field_the_first_broken_rule_is_reported_and_the_reason_is_that_of_the_first_field():
    checks = FieldChecks()
    checks.require(False, "owner", "is required", "FIELD_REQUIRED")
    checks.require(False, "owner", "must have at most 4 characters")
    checks.require(False, "items[2]", "must be a name")
    with pytest.raises(InvalidArgument) as refused:
        checks.done()
    assert refused.value.reason == "FIELD_REQUIRED"
    assert refused.value.field_violations == (
        FieldViolation("owner", "is required", "FIELD_REQUIRED"),
        FieldViolation("items[2]", "must be a name", "FIELD_INVALID"),
    )
