"""Help and usage errors exist in both languages."""

from __future__ import annotations

import re

import pytest
from andon_client.command_line import app
from andon_client.presentation.help import CHINESE, requested_locale, usage_error
from typer.main import get_command
from typer.testing import CliRunner

HAN = re.compile(r"[\u4e00-\u9fff]")


def _tree(command, path=()):
    yield path, command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _tree(child, (*path, name))


COMMANDS = list(_tree(get_command(app)))
IDS = [" ".join(path) or "andon" for path, _ in COMMANDS]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_every_help_text_has_its_chinese(path, command):
    helps = {owner.help for owner in (command, *command.params) if getattr(owner, "help", None)}
    assert helps - CHINESE.keys() == set()


def test_no_translation_is_left_without_its_text():
    used = {owner.help for _, command in COMMANDS for owner in (command, *command.params)}
    used |= {command.epilog for _, command in COMMANDS} | {"Show this message and exit."}
    assert CHINESE.keys() - used == set()
    assert all(HAN.search(text) for text in CHINESE.values())


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=IDS)
def test_help_is_shown_in_chinese_and_in_english_again_afterwards(path):
    runner = CliRunner()
    chinese = runner.invoke(app, ["--locale", "zh", *path, "--help"])
    assert chinese.exit_code == 0
    assert "选项" in chinese.output
    assert "Show this message" not in chinese.output
    english = runner.invoke(app, [*path, "--help"])
    assert not HAN.search(english.output)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["problem", "acknowledge"], "缺少参数"),
        (["scores", "--limitt", "3"], "没有选项"),
        (["nonsense"], "没有命令"),
        (["scores", "--window", "fortnight"], "fortnight 不是"),
        (["status", "--home", "."], "没有选项"),
    ],
)
def test_usage_errors_are_chinese(words, part):
    done = CliRunner().invoke(app, ["--locale=zh", *words])
    assert done.exit_code == 2
    assert part in done.output
    assert "错误" in done.output


def test_an_error_that_is_not_known_stays_as_it_is():
    assert usage_error("something else", "zh") == "something else"
    assert usage_error("No such option: --x", "en") == "No such option: --x"


@pytest.mark.parametrize(
    ("arguments", "environment", "locale"),
    [
        (["--locale", "zh", "status"], {}, "zh"),
        (["--locale=zh", "status"], {"ANDON_LOCALE": "en"}, "zh"),
        (["--home", "x", "--locale", "zh", "--help"], {}, "zh"),
        (["status"], {"ANDON_LOCALE": "zh"}, "zh"),
        (["status", "--locale", "zh"], {}, "en"),
        (["--locale"], {}, "en"),
        ([], {}, "en"),
    ],
)
def test_the_language_is_known_before_the_arguments_are_parsed(arguments, environment, locale):
    assert requested_locale(arguments, environment) == locale
