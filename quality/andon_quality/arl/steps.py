"""The steps that rules about the order of values remember, as a small automaton."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from andon_quality.rules import Pattern, Rule

State = tuple[int, int, int]


@dataclass(frozen=True)
class OrderSteps:
    """Step states, 0 being none taken; up and down: where a step leads, `count` for the alarm.

    direction: of the last step. mirror: the state with up and down exchanged. loop: two states, mirror images, without
    which no state would come back to itself, or none. order: every state after those it leads to, the loop aside.
    """

    up: tuple[int, ...]
    down: tuple[int, ...]
    direction: tuple[int, ...]
    mirror: tuple[int, ...]
    loop: tuple[int, ...]
    order: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.up)


@lru_cache(maxsize=64)
def steps_of(rules: tuple[Rule, ...]) -> OrderSteps:
    """The automaton of the rules about trends and alternation; of several of a kind the shortest is what counts.

    >>> from andon_quality.rules import NELSON
    >>> steps = steps_of((NELSON[2],))
    >>> steps.count, steps.up[0], steps.loop
    (9, 1, (1, 2))
    """
    alike = min((rule.n - 1 for rule in rules if rule.pattern is Pattern.TREND), default=0)
    turns = min((rule.n - 2 for rule in rules if rule.pattern is Pattern.ALTERNATING), default=0)
    found: list[State] = [(0, 0, 0)]
    leads: list[list[int]] = []
    for state in found:
        later = [_after(state, direction, alike, turns) for direction in (1, -1)]
        found += [one for one in later if one is not None and one not in found]
        leads.append([-1 if one is None else found.index(one) for one in later])
    up, down = (tuple(len(found) if lead[way] < 0 else lead[way] for lead in leads) for way in (0, 1))
    mirror = tuple(found.index((-direction, same, turned)) for direction, same, turned in found)
    loops: list[tuple[int, ...]] = [(), *((at, mirror[at]) for at in range(1, len(found)))]
    orders = ((loop, _ordered(up, down, loop)) for loop in loops)
    loop, order = next((loop, order) for loop, order in orders if order is not None)
    return OrderSteps(up, down, tuple(direction for direction, _, _ in found), mirror, loop, order)


def _after(state: State, direction: int, alike: int, turns: int) -> State | None:
    """The steps after one more; None when a rule fires."""
    before, same, turned = state
    same, turned = (same + 1, 0) if direction == before else (1, turned + (before != 0))
    if (alike and same >= alike) or (turns and turned >= turns):
        return None
    return direction, same if alike else 1, turned if turns else 0


def _ordered(up: tuple[int, ...], down: tuple[int, ...], loop: tuple[int, ...]) -> tuple[int, ...] | None:
    """The states, each after those it leads to; None when some come back to themselves without the loop."""
    settled: list[int] = []
    known = {len(up), *loop}
    while len(settled) < len(up):
        ready = [at for at in range(len(up)) if at not in settled and up[at] in known and down[at] in known]
        if not ready:
            return None
        settled += ready
        known.update(ready)
    return tuple(settled)
