"""Everything that is said of records exists in both languages, with the same places to fill."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from andon_records.messages import PHRASES, message

RECORDS = Path(__file__).parents[2] / "records" / "andon_records"


def _places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", PHRASES)
def test_both_languages_have_the_same_places(key):
    english, chinese = PHRASES[key]
    assert _places(english) == _places(chinese)
    assert (english == "") == (chinese == "")


def test_every_phrase_is_said_somewhere_and_every_key_has_a_phrase():
    code = "".join(path.read_text(encoding="utf-8") for path in RECORDS.rglob("*.py") if path.name != "messages.py")
    said = {key for key in PHRASES if re.search(rf'"{key}"', code)}
    assert set(PHRASES) - said == set()
    assert set(re.findall(r'\bmessage\("(\w+)"', code)) <= set(PHRASES)


def test_a_message_within_a_message_is_said_in_the_same_language():
    inner = message("file_empty")
    assert message("in_file", file="a.csv", what=inner).text("en") == "a.csv: the file is empty"
    assert message("in_file", file="a.csv", what=inner).text("zh-CN") == "a.csv：文件为空"
