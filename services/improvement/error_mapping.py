"""The errors of the core, mapped to errors that a caller can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.improvement.history import NotEnoughWindows
from services.improvement.lifecycle import InvalidTransition
from services.improvement.scoring_client import UnknownSeries
from services.improvement.transitions import DatesOutOfOrder, ProofMissing, UnknownAction, UnknownCause
from services.runtime.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    PreconditionViolation,
)


@contextmanager
def mapped_errors() -> Iterator[None]:
    try:
        yield
    except InvalidTransition as error:
        legal = [PreconditionViolation("TRANSITION", error.subject, f"possible: {event}") for event in error.legal]
        raise FailedPrecondition("INVALID_TRANSITION", str(error), precondition_violations=legal) from error
    except ProofMissing as error:
        raise FailedPrecondition("PROOF_MISSING", "no action of this problem was verified as improved") from error
    except NotEnoughWindows as error:
        raise FailedPrecondition("NOT_ENOUGH_DATA", str(error)) from error
    except (UnknownAction, UnknownCause) as error:
        named = {"name": str(error)}
        raise NotFound("NOT_FOUND", "the problem has no such action or cause", metadata=named) from error
    except UnknownSeries as error:
        violation = FieldViolation("action.goal.series", "scoring has no such series", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "unknown series", field_violations=[violation]) from error
    except DatesOutOfOrder as error:
        violation = FieldViolation("done_time", "lies before the action's start", "FIELD_INVALID")
        raise InvalidArgument("FIELD_INVALID", "done before it was started", field_violations=[violation]) from error
