"""No row of a polled table is missed, whatever the order in which its writers begin, write, end and are looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.bridge.adapters.low_mark import LowMark

# A writer takes numbers of a sequence, and commits later; a poll looks who is under way, reads, and looks again.
STEPS = st.lists(st.sampled_from(["begin", "take", "commit", "look", "read", "settle"]), max_size=60)


class Table:
    """Rows by their number, each visible from its commit on."""

    def __init__(self) -> None:
        self.next = 1
        self.visible: set[int] = set()
        self.writers: dict[str, list[int]] = {}
        self.begun = 0

    def act(self, step: str, place: int) -> None:
        if step == "begin":
            self.begun += 1
            self.writers[f"w{self.begun}"] = []
        elif self.writers:
            name = sorted(self.writers)[place % len(self.writers)]
            if step == "take":
                self.writers[name].append(self.next)
                self.next += 1
            else:
                self.visible |= set(self.writers.pop(name))


@given(STEPS, st.lists(st.integers(0, 5), min_size=60, max_size=60))
def test_every_row_is_read_whenever_it_was_committed(steps: list[str], places: list[int]) -> None:
    table, mark, seen, stage, largest = Table(), LowMark(0), set[int](), "look", None
    for step, place in zip(steps, places, strict=False):
        if step in ("begin", "take", "commit"):
            table.act(step, place)
        elif step == stage == "look":
            mark, stage = mark.before_reading(frozenset(table.writers)), "read"
        elif step == stage == "read":
            found = {number for number in table.visible if number >= mark.low}
            seen, largest, stage = seen | found, max(found, default=None), "settle"
        elif step == stage == "settle":
            mark, stage = mark.after_reading(largest, frozenset(table.writers)), "look"
    for writer in sorted(table.writers):
        table.visible |= set(table.writers.pop(writer))
    for _ in range(3):
        mark = mark.before_reading(frozenset())
        found = {number for number in table.visible if number >= mark.low}
        seen |= found
        mark = mark.after_reading(max(found, default=None), frozenset())
    assert seen == table.visible


def test_a_quiet_table_is_read_from_its_end() -> None:
    mark = LowMark(0)
    for _ in range(3):
        mark = mark.before_reading(frozenset()).after_reading(100, frozenset())
    assert mark.low == 100


def test_a_long_transaction_holds_the_mark_and_then_frees_it() -> None:
    mark = LowMark(0).before_reading(frozenset({"w"})).after_reading(5, frozenset({"w"}))
    for largest in (9, 12):
        mark = mark.before_reading(frozenset({"w", "x"})).after_reading(largest, frozenset({"w", "x"}))
        assert mark.low == 0
    mark = mark.before_reading(frozenset({"x"})).after_reading(15, frozenset({"x"}))
    assert mark.low == 5
