"""Words and whole numbers: what the annotations of a public function do not allow is refused, and said."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from enum import Enum, StrEnum
from typing import Any

import andon_quality
import numpy as np
import pytest
from andon_quality import arl, rules
from andon_quality.arguments import check_of, hints_of
from andon_quality.capability import Specification
from andon_quality.control import proportion, rate, xmr
from andon_quality.effect import Direction, before_after
from andon_quality.effect.verdict import Verdict
from andon_quality.errors import OutOfRange, QualityError
from andon_quality.trend import SegmentModel, pelt

INNER = {"arguments", "arrays", "errors"}


def public() -> Iterator[tuple[str, Any]]:
    """Every function and class that a user of the library can name, each with where it is found."""
    for top in pkgutil.iter_modules(andon_quality.__path__):
        if top.name in INNER:
            continue
        module = importlib.import_module(f"andon_quality.{top.name}")
        within = [module]
        # A package of modules, each reached by its name, as the charts are.
        if hasattr(module, "__path__") and all(
            inspect.ismodule(getattr(module, name)) for name in getattr(module, "__all__", ())
        ):
            within = [
                importlib.import_module(f"{module.__name__}.{part.name}")
                for part in pkgutil.iter_modules(module.__path__)
            ]
        for place in within:
            own = [name for name, thing in vars(place).items() if getattr(thing, "__module__", None) == place.__name__]
            for name in getattr(place, "__all__", own):
                if not name.startswith("_"):
                    yield f"{place.__name__}.{name}", getattr(place, name)


def callables() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """With what has the annotations: the class itself for a constructor."""
    for place, thing in public():
        if inspect.isclass(thing):
            if not issubclass(thing, (Enum, Exception)):
                yield place, thing, thing
                yield from (
                    (f"{place}.{name}", method, method)
                    for name, method in vars(thing).items()
                    if inspect.isfunction(method) and not name.startswith("_")
                )
        elif inspect.isfunction(inspect.unwrap(thing)):
            yield place, thing, inspect.unwrap(thing)


def taken() -> Iterator[tuple[str, Callable[..., Any], str, str]]:
    for place, thing, annotated in callables():
        hints = hints_of(annotated)
        for name in inspect.signature(thing).parameters:
            if name in hints and (check := check_of(name, hints[name])) is not None:
                yield place, thing, name, check.__qualname__.split(".")[0]


TAKEN = list(taken())
WORDS = [(place, thing, name) for place, thing, name, kind in TAKEN if kind == "_word"]
# Methods count what the library itself counted, and constructors hold it.
NUMBERS = [
    (place, thing, name)
    for place, thing, name, kind in TAKEN
    if kind == "_whole_number" and inspect.isfunction(thing) and "." not in thing.__qualname__
]


def test_there_are_words_and_whole_numbers_to_look_at() -> None:
    assert len(WORDS) > 60
    assert len(NUMBERS) > 80


@pytest.mark.parametrize(("place", "thing", "name"), WORDS, ids=[f"{place}:{name}" for place, _, name in WORDS])
def test_a_word_that_is_none_of_those_allowed_is_refused_with_their_names(
    place: str, thing: Callable[..., Any], name: str
) -> None:
    arguments = {name: "no such word"} if inspect.isclass(thing) or "." not in thing.__qualname__ else {name: "no"}
    with pytest.raises(OutOfRange, match=rf"{name} must be one of '.+', got 'no"):
        thing(*([None] if inspect.isfunction(thing) and "." in thing.__qualname__ else []), **arguments)


@pytest.mark.parametrize(("place", "thing", "name"), NUMBERS, ids=[f"{place}:{name}" for place, _, name in NUMBERS])
def test_a_fraction_where_a_whole_number_is_meant_is_refused(place: str, thing: Callable[..., Any], name: str) -> None:
    for wrong in (2.5, float("nan"), "many"):
        with pytest.raises(OutOfRange, match=f"{name} must be a whole number"):
            thing(**{name: wrong})


class Side(StrEnum):
    TWO = "two"


class Way(Enum):
    UP = "higher"


def test_a_word_may_come_as_any_enum_that_has_it_and_an_enum_as_its_word() -> None:
    assert arl.cusum(0.5, 4.0, sided=Side.TWO) == arl.cusum(0.5, 4.0)  # type: ignore[arg-type]
    fell = ([10.0, 9.0, 11.0, 10.0] * 6, [8.0, 7.0, 9.0, 8.0] * 6)
    for direction in (Direction.HIGHER, "higher", Way.UP):
        assert before_after(*fell, direction=direction).verdict is Verdict.WORSE  # type: ignore[arg-type]
    series = np.repeat([0.0, 5.0], 20) + np.tile([-1.0, 1.0], 20)
    assert pelt(series, "mean") == pelt(series, SegmentModel.MEAN)  # type: ignore[arg-type]


def test_whole_numbers_may_have_any_type() -> None:
    assert arl.mewma(0.1, 12.0, np.int64(4)) == arl.mewma(0.1, 12.0, 4.0) == arl.mewma(0.1, 12.0, 4)  # type: ignore[arg-type]


def test_rules_may_be_named_wherever_rules_are_taken_and_unknown_ones_are_refused() -> None:
    chart = xmr.chart(xmr.baseline([9.0, 10.0, 11.0, 10.0]), [10.0, 14.0])
    assert rules.judge(["WE1"], chart)["beyond_limits"].tolist() == [False, True]
    for call in (
        lambda: rules.judge(["WE9"], chart),
        lambda: rules.fire(["WE9"], [1.0], 0.0, 1.0),
        lambda: rules.start(["WE9"]),
        lambda: rules.applicable(["WE9"], chart.kind),
        lambda: arl.shewhart(["WE9"]),
    ):
        with pytest.raises(OutOfRange, match=r"unknown rules.*WE1"):
            call()
    with pytest.raises(QualityError):
        arl.shewhart([])


@pytest.mark.parametrize("module", [proportion, rate], ids=["proportion", "rate"])
def test_shares_where_counts_are_meant_are_refused(module: Any) -> None:
    frozen = module.baseline([12, 8], 50)
    with pytest.raises(OutOfRange, match="whole numbers"):
        module.baseline([0.24, 0.16], 50)
    with pytest.raises(OutOfRange, match="whole numbers"):
        module.chart(frozen, [0.2], [50])


@pytest.mark.parametrize("target", [-1.0, 11.0, float("nan")])
def test_a_target_outside_the_specification_is_refused(target: float) -> None:
    with pytest.raises(OutOfRange):
        Specification(0.0, 10.0, target)
    assert Specification(0.0, 10.0, 10.0).aim == 10.0
    for one_sided in ((0.0, None, -1.0), (None, 10.0, 11.0)):
        with pytest.raises(OutOfRange):
            Specification(*one_sided)
