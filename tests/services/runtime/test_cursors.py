"""A cursor comes back as the position it was, or not at all."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.cursors import CursorCodec
from services.runtime.errors import InvalidArgument, OutOfRange

ORIGIN = uuid.UUID("0b7f0a52-6c4e-4c0f-9f43-1d2a3b4c5d6e")
CODEC = CursorCodec(ORIGIN)
positions = st.integers(min_value=0, max_value=2**63 - 1)
quick = settings(deadline=None, max_examples=200)


@quick
@given(positions)
def test_a_cursor_comes_back_as_the_position_it_was(position: int) -> None:
    assert CODEC.decode(CODEC.encode(position)) == position


@quick
@given(st.lists(positions, max_size=64))
def test_a_cursor_over_partitions_comes_back_whole(many: list[int]) -> None:
    assert CODEC.decode_many(CODEC.encode_many(many)) == many


@quick
@given(positions, positions)
def test_different_positions_have_different_cursors(one: int, other: int) -> None:
    assert (CODEC.encode(one) == CODEC.encode(other)) == (one == other)


@quick
@given(st.text(max_size=80))
def test_garbage_is_invalid_and_says_which_field(garbage: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        CODEC.decode(garbage, field="after")
    assert caught.value.reason == "CURSOR_INVALID"
    assert caught.value.field_violations[0].field == "after"


@quick
@given(positions, st.data())
def test_one_changed_character_is_noticed(position: int, data: st.DataObject) -> None:
    cursor = CODEC.encode(position)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("ABCDEFabcdef0123456789-_").filter(lambda one: one != cursor[at]))
    with pytest.raises(InvalidArgument):
        CODEC.decode(cursor[:at] + other + cursor[at + 1 :])


@quick
@given(positions, st.integers(1, 20))
def test_a_cut_cursor_is_noticed(position: int, cut: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        CODEC.decode(CODEC.encode(position)[:-cut])
    assert caught.value.reason == "CURSOR_INVALID"


@quick
@given(positions, st.uuids().filter(lambda origin: origin != ORIGIN))
def test_a_cursor_of_another_deployment_is_foreign(position: int, origin: uuid.UUID) -> None:
    with pytest.raises(InvalidArgument) as caught:
        CODEC.decode(CursorCodec(origin).encode(position))
    assert caught.value.reason == "CURSOR_FOREIGN"


def test_an_expired_cursor_is_answered_with_the_oldest_one() -> None:
    with pytest.raises(OutOfRange) as caught:
        CODEC.check_not_expired(4, oldest=9)
    assert caught.value.reason == "CURSOR_EXPIRED"
    assert CODEC.decode(caught.value.metadata["oldest"]) == 9
    assert CODEC.check_not_expired(9, oldest=9) == 9


def test_a_cursor_over_partitions_is_not_taken_for_one_position() -> None:
    with pytest.raises(InvalidArgument):
        CODEC.decode(CODEC.encode_many([1, 2]))
