"""Everything that loading says exists in both languages, with the same places to fill."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from andon_client.load_messages import PHRASES
from andon_records.messages import PHRASES as RECORD_PHRASES

CLIENT = Path(__file__).parents[2] / "client" / "andon_client"


def _places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", [key for key in PHRASES if key not in RECORD_PHRASES])
def test_both_languages_have_the_same_places(key):
    english, chinese = PHRASES[key]
    assert _places(english) == _places(chinese)
    assert (english == "") == (chinese == "")


def test_every_phrase_is_said_somewhere_and_every_key_has_a_phrase():
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in (CLIENT, Path(__file__).parents[2] / "demo")
        for path in folder.rglob("*.py")
        if path.name != "load_messages.py"
    )
    said = {key for key in PHRASES if re.search(rf'"{key}"', code)}
    assert set(PHRASES) - set(RECORD_PHRASES) - said == set()
    assert set(re.findall(r'\bmessage\("(\w+)"', code)) <= set(PHRASES)
