"""The guides and the front page show commands that the command understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from andon_client.command_line import app
from typer.main import get_command

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?:sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"[\w.-]+\.(?:csv|yaml|xes|jsonl|jsonocel|parquet|xlsx)(?:\.gz)?")


def shown(page):
    """Each command of a page's blocks, a broken line mended, without what follows it in a pipe, a file or a comment."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) if "andon " in line[:8] else []
            if words[:1] == ["andon"]:
                yield words[1 : words.index(">") if ">" in words else None]


COMMANDS = [
    pytest.param(words, id=" ".join(words))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md")))
    for words in shown(page)
]


def test_the_guides_show_commands():
    assert len(COMMANDS) > 30


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_is_shown_is_understood(words, tmp_path, monkeypatch):
    for name in filter(FILE.fullmatch, words):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    command, rest = get_command(app), words
    while hasattr(command, "commands"):
        name, *rest = rest[2:] if rest[0] == "--locale" else rest
        command = command.commands[name]
    assert command.make_context(name, rest).params
