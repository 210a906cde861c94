"""What a log's events are called is recorded once, up to limits, whatever the order in which they come."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.registry.vocabulary import (
    ACTIVITIES_MAX,
    BEGUN,
    VALUE_CHARS_MAX,
    VALUES_MAX,
    Vocabulary,
    Word,
)


def begun():
    return Vocabulary([Word(BEGUN)])


def page(activities, **attributes):
    columns = {f"attributes.{name}": pa.array(values) for name, values in attributes.items()}
    return pa.RecordBatch.from_pydict({"activity": pa.array(activities).dictionary_encode(), **columns})


def taken(vocabulary, *pages):
    for one in pages:
        vocabulary.learn(vocabulary.unknown(one))
    return vocabulary


def state(vocabulary):
    values = {name: vocabulary.values(name) for name in vocabulary.types}
    return vocabulary.activities, vocabulary.types, values, vocabulary.is_full


def test_activities_types_and_few_values_are_met_once():
    one = page(["New", "Closed", "New"], team=["A", None, "B"], cost=[1.5, None, 2.0], n=[1, 2, 3], paid=[True] * 3)
    vocabulary = taken(begun(), one)
    assert vocabulary.activities == ["Closed", "New"]
    assert vocabulary.types == {"cost": ["number"], "n": ["integer"], "paid": ["flag"], "team": ["text"]}
    assert vocabulary.values("team") == ["A", "B"]
    assert vocabulary.unknown(one) == []


def test_an_attribute_may_have_several_types_in_one_page():
    twice = pa.RecordBatch.from_arrays(
        [pa.array(["New"]), pa.array(["low"]), pa.array([1])], names=["activity", "attributes.cost", "attributes.cost"]
    )
    assert taken(begun(), twice).types == {"cost": ["integer", "text"]}


@pytest.mark.parametrize(
    "texts", [[str(n) for n in range(VALUES_MAX + 1)], ["x" * (VALUE_CHARS_MAX + 1)]], ids=["many", "long"]
)
def test_of_texts_that_are_many_or_long_no_value_is_recorded(texts):
    vocabulary = taken(begun(), page(["New"], note=["short"]), page(["New"] * len(texts), note=texts))
    assert vocabulary.values("note") is None
    assert vocabulary.unknown(page(["New"], note=["yet another"])) == []


def test_a_log_that_is_older_than_its_vocabulary_records_nothing():
    assert Vocabulary().unknown(page(["New"])) == []


def test_more_activities_than_are_recorded_are_said_so():
    vocabulary = taken(begun(), page([f"A{n}" for n in range(ACTIVITIES_MAX + 1)]))
    assert vocabulary.is_full
    assert vocabulary.unknown(page(["one more"])) == []


@given(
    st.lists(st.lists(st.sampled_from([f"v{n}" for n in range(60)]), min_size=1, max_size=40), max_size=6), st.data()
)
def test_the_order_in_which_events_come_changes_nothing(groups, data):
    pages = [page(group, team=group) for group in groups]
    shuffled = data.draw(st.permutations(pages))
    assert state(taken(begun(), *pages)) == state(taken(begun(), *shuffled))


def test_two_processes_that_write_one_log_record_together_what_one_would():
    first, second = begun(), begun()
    words = [
        *first.unknown(page(["A"], team=[f"a{n}" for n in range(1)])),
        *second.unknown(page(["B"] * VALUES_MAX, team=[f"b{n}" for n in range(VALUES_MAX)])),
    ]
    assert Vocabulary([Word(BEGUN), *words]).values("team") is None


def test_of_a_field_that_names_persons_the_type_is_recorded_and_no_value_whatever_came_before():
    vocabulary = taken(begun(), page(["New"], team=["A"], who=["Ada"]))
    vocabulary.learn(vocabulary.unknown(page(["New"], team=["B"], who=["p_1"]), {"who"}))
    assert vocabulary.values("team") == ["A", "B"]
    assert vocabulary.values("who") is None
    assert vocabulary.types["who"] == ["text"]
