"""What surveys are made of: items, invitations, responses and their counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from services.ingest.model import ATTRIBUTE_PREFIX, AnswerRule, SourceId

# Keys of a response that are no answers.
RESERVED_NAMES = ("id", "case_id", "time", "supersedes", "retracts")


class AnswerIndex(IntEnum):
    """How the answers to an item are summed up."""

    MEAN = 1
    CSAT = 2
    NPS = 3
    CES = 4


class InvitationState(IntEnum):
    """What became of an invitation. Answered is what the log says; the others are what is said of it."""

    OPEN = 1
    ANSWERED = 2
    UNDELIVERABLE = 3
    REFUSED = 4


class ResponseState(IntEnum):
    """A later one is never followed by an earlier one, so events may come in any order."""

    CURRENT = 1
    REPLACED = 2
    RETRACTED = 3


@dataclass(frozen=True)
class AnswerScale:
    """Whole numbers in [low, high]."""

    low: int
    high: int
    index: AnswerIndex = AnswerIndex.MEAN
    # Of CSAT.
    satisfied_from: int = 0
    low_label_en: str = ""
    low_label_zh: str = ""
    high_label_en: str = ""
    high_label_zh: str = ""


@dataclass(frozen=True)
class Item:
    """One thing that is asked: on a scale, as one of `choices`, or, with neither, in the respondent's words."""

    name: str
    text_en: str = ""
    text_zh: str = ""
    scale: AnswerScale | None = None
    choices: tuple[str, ...] = ()
    dimension: str = ""
    expectation_of: str = ""

    @property
    def field(self) -> str:
        return ATTRIBUTE_PREFIX + self.name

    @property
    def rule(self) -> AnswerRule:
        """What an answer to it may be."""
        if self.scale is not None:
            return AnswerRule(self.field, self.scale.low, self.scale.high)
        return AnswerRule(self.field, choices=self.choices)


@dataclass(frozen=True)
class Survey:
    """`id` is that of its source, too. frame_size 0: unknown."""

    id: SourceId
    items: tuple[Item, ...]
    title_en: str = ""
    title_zh: str = ""
    frame_en: str = ""
    frame_zh: str = ""
    frame_size: int = 0
    created_at_us: int = 0

    @cached_property
    def pairs(self) -> Mapping[str, str]:
        """Expectations by the perceptions that they are of."""
        return {one.expectation_of: one.name for one in self.items if one.expectation_of}


@dataclass(frozen=True)
class Response:
    """Of events. `answers`: float64 for each item, NaN where there is none; absent with `time_us`
    where only the state is known. An answer is a number of the scale, the place of a choice, or 1 for a comment."""

    response_id: str
    state: ResponseState
    time_us: int | None = None
    answers: bytes | None = None
    replaces: str = ""


@dataclass(frozen=True)
class Invitation:
    invitation_id: str
    segment: str
    state: InvitationState
    invited_at_us: int


@dataclass(frozen=True)
class InvitationTally:
    """Of one segment."""

    segment: str
    answered: int = 0
    open: int = 0
    refused: int = 0
    undeliverable: int = 0

    @property
    def invited(self) -> int:
        return self.answered + self.open + self.refused + self.undeliverable


def all_of(tallies: list[InvitationTally]) -> InvitationTally:
    """
    >>> all_of([InvitationTally("a", 1, 2), InvitationTally("b", 3, 0, 1)])
    InvitationTally(segment='', answered=4, open=2, refused=1, undeliverable=0)
    """
    answered, open_, refused, undeliverable = (
        sum(getattr(one, name) for one in tallies) for name in ("answered", "open", "refused", "undeliverable")
    )
    return InvitationTally("", answered, open_, refused, undeliverable)
