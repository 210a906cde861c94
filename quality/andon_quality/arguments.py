"""Words and whole numbers among the arguments, checked against the signature that names them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from enum import Enum
from functools import cache, update_wrapper
from inspect import get_annotations, signature, unwrap
from typing import Any, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from andon_quality.errors import OutOfRange

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function with its words and whole numbers looked at before it runs, by its own annotations.

    A parameter annotated with a `Literal` takes one of its words, or a member of any enum whose value is one; one
    annotated with an enum takes a member, or its value as a word; one annotated `int` takes a whole number of any type
    (a float with a fraction is refused). Each may be optional. Raises OutOfRange that names the parameter and what it
    may be. A microsecond a call; annotations are read at the first one.

    >>> Side = Literal["upper", "lower"]
    >>> @checked
    ... def opposite(side: Side) -> str:
    ...     return "lower" if side == "upper" else "upper"
    >>> opposite("uper")
    Traceback (most recent call last):
    andon_quality.errors.OutOfRange: side must be one of 'upper', 'lower', got 'uper'
    """
    return _checking(function, unwrap(function))


def checked_fields(made: type[C]) -> type[C]:
    """The class with the words and whole numbers that its constructor takes looked at, as `checked` does.

    >>> from dataclasses import dataclass
    >>> @checked_fields
    ... @dataclass(frozen=True)
    ... class Window:
    ...     points: int
    >>> Window(2.5)
    Traceback (most recent call last):
    andon_quality.errors.OutOfRange: points must be a whole number, got 2.5
    """
    # Fields that a class inherits are annotated in their own module, which the constructor does not know.
    made.__init__ = _checking(made.__init__, made)  # type: ignore[method-assign]
    return made


def _checking(function: Callable[P, R], annotated: Any) -> Callable[P, R]:
    read = cache(lambda: expected(function, annotated))

    def wrapper(*args: Any, **named: Any) -> Any:
        given = None
        for at, name, check in read():
            if name in named:
                named[name] = check(named[name])
            elif at < len(args):
                given = given if given is not None else [*args]
                given[at] = check(args[at])
        return function(*(args if given is None else given), **named)

    # With the globals of what it wraps, so that doctest finds it where it is defined.
    found = types.FunctionType(wrapper.__code__, unwrap(function).__globals__, None, None, wrapper.__closure__)
    return cast(Callable[P, R], update_wrapper(found, function))


Check = Callable[[Any], Any]


def expected(function: Callable[..., Any], annotated: Any = None) -> tuple[tuple[int, str, Check], ...]:
    """Of each parameter that takes a word or a whole number: its place, its name, and what checks it.

    annotated: what has the annotations, where it is not the function itself.

    >>> def sided(limit: float, points: int) -> None: ...
    >>> [(at, name) for at, name, _ in expected(sided)]
    [(1, 'points')]
    """
    inner = unwrap(function)
    hints = hints_of(inner if annotated is None else annotated)
    found = ((at, name, check_of(name, hints.get(name))) for at, name in enumerate(signature(inner).parameters))
    return tuple((at, name, check) for at, name, check in found if check is not None)


def hints_of(annotated: Any) -> dict[str, Any]:
    """The annotations of a function or, with those that it inherits, a class, without what type checkers alone import.

    >>> sorted(hints_of(expected))
    ['annotated', 'function', 'return']
    """
    parts = reversed(annotated.__mro__) if isinstance(annotated, type) else (annotated,)
    hints: dict[str, Any] = {}
    for part in parts:
        scope = vars(sys.modules[part.__module__]) if isinstance(part, type) else part.__globals__
        for name, hint in get_annotations(part).items():
            alone = type(part.__name__, (), {"__annotations__": {name: hint}})
            try:
                hints |= get_type_hints(alone, scope)
            except NameError:
                hints.pop(name, None)
    return hints


def check_of(name: str, hint: Any) -> Check | None:
    """What checks a parameter of this annotation; None where it takes neither a word nor a whole number.

    >>> check_of("side", Literal["upper", "lower"])("lower"), check_of("x", float)
    ('lower', None)
    """
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        optional = len(parts) < len(get_args(hint))
        hint = parts[0] if len(parts) == 1 else None
    if get_origin(hint) is Literal and all(isinstance(word, str) for word in get_args(hint)):
        return _word(name, {word: word for word in get_args(hint)}, optional)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(name, {member.value: member for member in hint}, optional)
    return _whole_number(name, optional) if hint is int else None


def _word(name: str, words: dict[Any, Any], optional: bool) -> Check:
    def check(given: Any) -> Any:
        if given is None and optional:
            return None
        word = given.value if isinstance(given, Enum) else given
        if isinstance(word, str) and word in words:
            return words[word]
        allowed = ", ".join(repr(word) for word in words)
        raise OutOfRange(f"{name} must be one of {allowed}, got {given!r}")

    return check


def _whole_number(name: str, optional: bool) -> Check:
    def check(given: Any) -> Any:
        if type(given) is int or (given is None and optional):
            return given
        try:
            whole = int(given)
            if whole == given:
                return whole
        except (TypeError, ValueError, OverflowError):
            pass
        raise OutOfRange(f"{name} must be a whole number, got {given!r}")

    return check
