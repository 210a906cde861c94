"""The errors of the core, mapped to errors that a caller can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.improvement.history import NotEnoughWindows
from services.improvement.lifecycle import InvalidTransition
from services.improvement.scoring_client import UnknownSeries
from services.improvement.transitions import DatesOutOfOrder, ProofMissing, TooManyWatchers, UnknownAction, UnknownCause
from services.runtime.errors import FailedPrecondition, NotFound, PreconditionViolation, invalid


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
        raise invalid("action.goal.series", "is no series that scoring has") from error
    except TooManyWatchers as error:
        raise invalid("added_watchers", f"would make more than {error} watchers") from error
    except DatesOutOfOrder as error:
        raise invalid("done_time", "lies before the action's start") from error
