"""Every command explains itself, speaks JSON, and fails in one clear line."""

from __future__ import annotations

import asyncio
import importlib
import shlex
from pathlib import Path

import pytest
import typer
from andon.scoring.v1.scoring_pb2 import GetScoringStatusRequest, GetScoringStatusResponse
from andon_client.command_line import app
from typer.main import get_command
from typer.testing import CliRunner


def _commands(command, path=()):
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(path, command)]
    return [leaf for name, child in sorted(inner.items()) for leaf in _commands(child, (*path, name))]


COMMANDS = _commands(get_command(app))
IDS = [" ".join(path) for path, _ in COMMANDS]


ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner():
    return CliRunner()


def test_the_commands_are_those_that_were_promised():
    promised = {"load", "events", "scores", "signals", "problems", "chart", "watch", "explain", "status"}
    assert promised <= set(IDS)
    assert {"system lint", "system apply", "system list"} <= set(IDS)
    assert {f"problem {verb}" for verb in ("show", "acknowledge", "cause", "dismiss", "close")} <= set(IDS)
    assert {f"action {verb}" for verb in ("plan", "start", "complete", "cancel", "verify")} <= set(IDS)


@pytest.mark.parametrize(
    "path", [path for path, _ in COMMANDS if path[0] in ("problem", "action") and path[1] != "show"]
)
def test_every_move_can_be_tried_insisted_on_and_given_again(path):
    command = dict(COMMANDS)[path]
    options = {word for option in command.params for word in option.opts}
    assert {"--validate-only", "--request-id", "--json"} <= options
    # What is opened has no etag yet.
    assert "--etag" in options or path[1] == "open"


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_every_command_has_help_that_says_what_it_does(path, command, runner):
    shown = runner.invoke(app, [*path, "--help"])
    assert shown.exit_code == 0
    assert command.help
    assert "Usage" in shown.output


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_every_command_shows_an_example_that_it_understands(path, command, runner, monkeypatch, tmp_path):
    assert command.epilog in " ".join(runner.invoke(app, [*path, "--help"]).output.split())
    words = shlex.split(command.epilog.removeprefix("Example: andon "))
    assert tuple(words[: len(path)]) == path
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for name in ("incidents.csv.gz", "audits.jsonl", "zendesk.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert command.make_context(path[-1], words[len(path) :]).params


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_every_command_speaks_json(path, command):
    assert any("--json" in option.opts for option in command.params)


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_every_option_and_argument_is_explained(path, command):
    assert [option.name for option in command.params if not getattr(option, "help", None)] == []


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "scores",
        "signals",
        "problems",
        "watch",
        "events",
        "problem close problems/7",
        "action verify problems/7",
    ],
)
def test_without_a_suite_a_command_fails_in_one_line_that_says_what_to_do(command, runner, tmp_path):
    done = runner.invoke(app, ["--home", str(tmp_path), *command.split()])
    assert done.exit_code == 1
    assert "make run" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.output


def test_a_window_that_does_not_exist_is_refused_with_those_that_do(runner, tmp_path):
    done = runner.invoke(app, ["--home", str(tmp_path), "scores", "--window", "fortnight"])
    assert done.exit_code == 2
    assert "fortnight is not one of hour, day, week, month, all" in " ".join(done.stderr.replace("│", " ").split())


def test_a_malformed_document_is_refused_before_anything_is_sent(runner, tmp_path):
    document = tmp_path / "desk.yaml"
    document.write_text("colour: red\n", encoding="utf-8")
    done = runner.invoke(app, ["--home", str(tmp_path), "system", "lint", str(document)])
    assert done.exit_code == 1
    assert "colour" in done.stderr
    assert "Traceback" not in done.output + done.stderr


def test_a_malformed_mapping_is_refused_before_anything_is_sent(runner, tmp_path):
    mapping, log = tmp_path / "m.yaml", tmp_path / "log.csv"
    mapping.write_text("colour: red\n", encoding="utf-8")
    log.write_text("a,b\n1,2\n", encoding="utf-8")
    done = runner.invoke(app, ["--home", str(tmp_path), "load", str(log), "--mapping", str(mapping)])
    assert done.exit_code == 2
    assert "unknown keys colour" in " ".join(done.stderr.split())


@pytest.mark.parametrize("name", ["scores", "signals", "problems", "watch"])
def test_a_list_can_be_of_one_process_and_system(name, runner, monkeypatch):
    asked = []

    class Recorder:
        def __getattr__(self, method):
            def call(request):
                if isinstance(request, GetScoringStatusRequest):
                    return asyncio.sleep(0, GetScoringStatusResponse())
                asked.append(request)
                raise typer.Exit(0)

            return call

    class Opened:
        scoring = improvement = Recorder()

    async def work_on(work):
        await work(Opened())

    module = importlib.import_module(f"andon_client.commands.{name}")
    monkeypatch.setattr(module, "run", lambda context, work: asyncio.run(work_on(work)))
    runner.invoke(app, [name, "--process", "desk", "--system", "main"])
    assert [(request.filter.process, request.filter.system) for request in asked[:1]] == [("desk", "main")]
