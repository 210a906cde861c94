"""What is wrong with the fields of a request, collected so that its caller hears all of it at once."""

from __future__ import annotations

from services.runtime.errors import FieldViolation, InvalidArgument


class FieldChecks:
    """Of each field the first broken rule counts. What every field of a type must hold, `request_rules` checks."""

    def __init__(self) -> None:
        self._violations: dict[str, FieldViolation] = {}

    def require(self, holds: bool, field: str, description: str, reason: str = "FIELD_INVALID") -> None:
        """`field` as in the contract, `description` what it must be: for developers, with nothing of the value."""
        if not holds:
            self._violations.setdefault(field, FieldViolation(field, description, reason))

    def done(self) -> None:
        """Raises InvalidArgument where any rule was broken, with the reason of the first."""
        if not self._violations:
            return
        violations = list(self._violations.values())
        raise InvalidArgument(violations[0].reason, "the request is not valid", field_violations=violations)
