"""`andon export` says in one line what it cannot write, before anyone is called."""

from __future__ import annotations

import pytest
from andon_client.command_line import app
from typer.testing import CliRunner


@pytest.fixture
def andon(tmp_path):
    (tmp_path / "there.xes").touch()

    def run(name, *words, locale="en"):
        start = ["--home", str(tmp_path / "nowhere"), "--locale", locale]
        return CliRunner().invoke(app, [*start, "export", str(tmp_path / name), *words])

    return run


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("log.txt", (), "does not say its format: write --format"),
        ("log.parquet.gz", (), "parquet is not compressed as a whole"),
        ("log.gz", ("--format", "ocel-sqlite"), "ocel-sqlite is not compressed as a whole"),
        ("there.xes", (), "there.xes exists; write --force to replace it"),
        ("log.xes", ("--zone", "Berlin"), "Berlin is no time zone"),
        ("log.xes", (), "make run"),
    ],
)
def test_what_cannot_be_written_is_one_line_in_the_callers_language(andon, tmp_path, name, words, says):
    done = andon(name, *words)
    assert done.exit_code == 1
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.output
    assert andon(name, *words, locale="zh").exit_code == 1
    assert [one.name for one in tmp_path.iterdir()] == ["there.xes"]
