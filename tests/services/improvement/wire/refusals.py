"""What a refused request says of its fields."""

from __future__ import annotations

import pytest

from services.runtime.errors import InvalidArgument


def fields_at_fault(call, *arguments) -> list[str]:
    with pytest.raises(InvalidArgument) as refused:
        call(*arguments)
    return [violation.field for violation in refused.value.field_violations]
