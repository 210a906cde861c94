"""Every text of the report is there in both languages, with the same places to fill."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from demo import report_texts as module
from demo.report_texts import texts

DEMO = Path(module.__file__).parent
TEXTS = module._TEXTS


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_both_languages_say_it_with_the_same_places(key):
    english, chinese = TEXTS[key]
    assert english
    assert re.search("[\u4e00-\u9fff]", chinese), f"{key} has no Chinese text"
    assert not re.search("[\u4e00-\u9fff]", english), f"{key} has no English text"
    assert places(english) == places(chinese)


def _said():
    """The keys that the report, its page and its terminal ask for by name."""
    for path in DEMO.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "say"
            if called and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
    yield from re.findall(r'say\("(\w+)"', (DEMO / "report.html.j2").read_text(encoding="utf-8"))


def test_every_text_that_is_asked_for_exists():
    asked = set(_said())
    assert asked
    assert asked <= set(TEXTS)


def test_places_are_filled_and_languages_chosen():
    assert texts("en")("days", days=2.0) == "2.0 days"
    assert texts("zh-Hant")("days", days=2.0) == "2.0 天"
    assert texts("fr")("found") == "Detected by"


def test_an_unknown_text_is_a_mistake_and_not_a_blank():
    with pytest.raises(KeyError):
        texts("en")("no such text")
