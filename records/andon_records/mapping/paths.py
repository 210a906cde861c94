"""Paths into nested records: JMESPath expressions, compiled once and bounded in what they may cost.

An expression is written by an operator and applied to records of outsiders. Its own length bounds nothing: a few
hundred characters can double a list dozens of times. So each step of the interpreter is counted, with what it returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.visitor import TreeInterpreter

from andon_records.messages import Message, message

PATH_CHARS_MAX = 1_000
# Steps of the interpreter, and values that they return, for all paths of one record.
COST_MAX = 200_000
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


class MalformedPath(ValueError):
    """Not a JMESPath expression; `problem` says why in the words of the library."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class PathFailed(Exception):
    """An expression cannot be applied to this record; `what` says why, without a value of it."""

    def __init__(self, what: Message) -> None:
        super().__init__(str(what))
        self.what = what


class Budget:
    """What the paths of one record may still cost."""

    def __init__(self) -> None:
        self.left = COST_MAX

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise PathFailed(message("path_cost", most=COST_MAX))


class _Bounded(TreeInterpreter):
    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        value = super().visit(node, *args, **kwargs)
        self._budget.spend(1 + (len(value) if isinstance(value, (list, str, dict)) else 0))
        return value


Path = Callable[[Any, Budget], Any]
"""What a record (or what is known of it) has at this place; None where it has nothing. Raises PathFailed."""


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Path:
    """Raises MalformedPath. Names with dots, as nearly all paths are, cost no interpreter."""
    if len(expression) > PATH_CHARS_MAX:
        raise MalformedPath(f"has more than {PATH_CHARS_MAX} characters")
    try:
        parsed = jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError, ValueError) as error:
        raise MalformedPath(" ".join(str(error).split())[:200]) from error
    if _DOTTED.fullmatch(expression):
        return _walk(expression.split("."))

    def search(value: Any, budget: Budget) -> Any:
        try:
            return _Bounded(budget).visit(parsed, value)
        except JMESPathTypeError as error:
            raise PathFailed(message("path_type", function=error.function_name)) from error
        except (JMESPathError, RecursionError, TypeError, ValueError, AttributeError, OverflowError) as error:
            # The library's functions let some errors of Python through.
            raise PathFailed(message("path_fails", expression=expression[:60])) from error

    return search


def _walk(names: list[str]) -> Path:
    def walk(value: Any, budget: Budget) -> Any:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return walk
