"""What a problem is found by: words of its texts, and pairs of Chinese characters, which no spaces part."""

from __future__ import annotations

import re

from services.improvement.model import Problem

_HAN = r"\u3400-\u9fff"
_WORD = re.compile(rf"[^\W{_HAN}]+")
_RUN = re.compile(rf"[{_HAN}]+")
TERM_MAX = 64


def terms_of(text: str) -> frozenset[str]:
    """Words without regard to case; of a run of Chinese characters each two that follow, and each one.

    >>> sorted(terms_of("Wait at Desk-7"))
    ['7', 'at', 'desk', 'wait']
    >>> sorted(terms_of("等候时"))
    ['候', '候时', '时', '等', '等候']
    """
    words = {word[:TERM_MAX] for word in _WORD.findall(text.casefold())}
    for run in _RUN.findall(text):
        words |= {*run, *(run[index : index + 2] for index in range(len(run) - 1))}
    return frozenset(words)


def wanted_terms(text: str) -> frozenset[str]:
    """What a text that is searched for must find: of a run of Chinese characters the pairs say it all."""
    found = terms_of(text)
    singles = {character for run in _RUN.findall(text) if len(run) > 1 for character in run}
    lone = {run for run in _RUN.findall(text) if len(run) == 1}
    return found - (singles - lone)


def problem_terms(problem: Problem) -> frozenset[str]:
    texts = [problem.title, problem.description, *(one.title for one in problem.causes)]
    texts += [one.title for one in problem.actions]
    words = [
        *(word for text in texts for word in (text.en, text.zh)),
        problem.family.process,
        problem.family.system,
        problem.family.indicator,
        problem.owner,
        problem.reason,
        *problem.references,
        *(word for pair in problem.slice for word in pair),
        *(action.owner for action in problem.actions),
    ]
    return frozenset().union(*map(terms_of, words))
