"""`andon load` says in one line what is wrong, shows what rows become without sending them, and ends as it should."""

from __future__ import annotations

import json
import os
import threading

import pytest
import typer
from andon_client.bookmark import Bookmark
from andon_client.command_line import app
from andon_client.commands import load
from typer.testing import CliRunner

MAPPING = 'source: desk\nid: "{case}/{row}"\ncase_id: case\nactivity: step\ntime: at\n'
LOG = "case,step,at\nA,Open,2026-03-02 09:00\nA,Close,2026-03-02 10:00\n"


@pytest.fixture
def andon(tmp_path):
    def run(*words, log=LOG, mapping=MAPPING):
        (tmp_path / "log.csv").write_text(log, encoding="utf-8")
        (tmp_path / "m.yaml").write_text(mapping, encoding="utf-8")
        start = ["--home", str(tmp_path / "nowhere")]
        files = [str(tmp_path / "log.csv"), "--mapping", str(tmp_path / "m.yaml")]
        before = [word for word in words if word in ("--locale", "zh")]
        after = [word for word in words if word not in before]
        return CliRunner().invoke(app, [*start, *before, "load", *files, *after])

    return run


def test_validate_only_shows_what_the_first_rows_become_and_needs_no_suite(andon):
    done = andon("--validate-only")
    assert done.exit_code == 0, done.output
    assert "2026-03-02T09:00:00+00:00" in done.stdout
    assert "A/2" in done.stdout
    assert "2 rows can become 2 events; nothing was sent" in done.stdout


def test_validate_only_reads_every_row_and_names_those_that_would_be_refused(andon):
    log = LOG + "B,Open,2026-02-30\nB,Close\n,Open,2026-03-02\n"
    done = andon("--validate-only", log=log)
    assert done.exit_code == 2
    assert "5 rows can become 2 events" in done.stdout
    assert 'row 3, column "at": time: "2026-02-30" does not exist' in done.stdout
    assert "row 4: the row has 2 values, the header 3: B,Close" in done.stdout
    assert 'row 5: id: an event needs it, and column "case" is empty here' in done.stdout
    document = json.loads(andon("--validate-only", "--json", log=log).stdout)
    assert (document["rows"], document["events"], document["refused"]) == (5, 2, 3)
    assert [row["row"] for row in document["rejected"]] == [3, 4, 5]
    assert document["first"][0]["time"] == "2026-03-02T09:00:00+00:00"


def test_what_is_wrong_with_a_value_comes_with_what_to_write_instead(andon):
    attributes = "attributes: {cost: number, due: time, seen: integer}\n"
    # One value of each kind that is read: a column without any is refused as a whole.
    lines = 'A,Open,2026-10-25 02:30,"4,5",3/4/2026,n/a\nA,Work,2026-10-26,4.5,2026-04-03,\n'
    log = f"case,step,at,cost,due,seen\n{lines}"
    shown = andon("--validate-only", log=log, mapping=MAPPING + "time_zone: Europe/Berlin\n" + attributes).stdout
    assert 'write decimal: ","' in shown
    assert 'write unknown: ["n/a"]' in shown
    assert "the day comes first" in shown
    assert "1 times lie in an hour that comes twice in Europe/Berlin" in shown


@pytest.mark.parametrize(
    ("log", "mapping", "code", "says"),
    [
        ("", MAPPING, 2, "log.csv: the file is empty"),
        ("case;step;when\n", MAPPING, 2, 'no column "at", which time needs'),
        ('case,step,at\nA,"Open,2026-03-02\n', MAPPING, 2, "log.csv, line 2: a quote opens"),
        (LOG, MAPPING + "time_zone: Berlin\n", 2, "do you mean Europe/Berlin?"),
        (LOG, MAPPING + "source: twice\n", 2, '"source" is written twice'),
        (LOG, MAPPING, 1, "make run"),
    ],
)
def test_an_error_is_one_line_in_the_callers_language_and_never_a_traceback(andon, log, mapping, code, says):
    done = andon(log=log, mapping=mapping)
    assert done.exit_code == code
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.output
    lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(lines) == 1
    chinese = andon("--locale", "zh", log=log, mapping=mapping)
    assert chinese.exit_code == code


def test_an_error_is_said_in_chinese(andon):
    assert "文件为空" in andon("--locale", "zh", log="").stderr
    assert "时区" in andon("--locale", "zh", mapping=MAPPING + "time_zone: Berlin\n").stderr


def test_a_program_gets_the_error_as_a_document(andon):
    assert json.loads(andon("--json", log="").stdout)["error"] == "log.csv: the file is empty"


def test_a_guess_is_said_where_notes_go(andon):
    done = andon("--validate-only", log=LOG.replace(",", ";"))
    assert 'log.csv: delimiter ";", guessed' in done.stderr
    assert "guessed" not in done.stdout


@pytest.mark.parametrize(("end", "code"), [(KeyboardInterrupt(), 130), (typer.Exit(1), 1)])
def test_a_load_that_is_broken_off_says_how_many_rows_are_safe_and_goes_on_there(
    andon, tmp_path, monkeypatch, end, code
):
    skipped = []

    def broken(options, work):
        bookmark = Bookmark(tmp_path / "nowhere" / "loads", tmp_path / "log.csv", (tmp_path / "m.yaml").read_bytes())
        skipped.append(bookmark.rows())
        bookmark.store(1)
        raise end

    monkeypatch.setattr(load, "run", broken)
    done = andon()
    assert done.exit_code == code
    assert "at least 1 of 2 rows are safe. Run the same command again to go on after row 1" in done.stderr
    assert (
        "2 条记录中至少 1 条已保存"
        in CliRunner()
        .invoke(app, ["--home", str(tmp_path / "nowhere"), "--locale", "zh", *done_words(tmp_path)])
        .stderr
    )
    assert skipped == [0, 1]


def done_words(folder):
    return ["load", str(folder / "log.csv"), "--mapping", str(folder / "m.yaml")]


def test_a_pipe_is_loaded_as_a_file_is(tmp_path):
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(LOG, encoding="utf-8"))
    writer.start()
    words = ["load", str(pipe), "--mapping", str(tmp_path / "m.yaml"), "--validate-only", "--json"]
    done = CliRunner().invoke(app, words)
    writer.join()
    assert json.loads(done.stdout)["events"] == 2


def test_a_beginning_that_does_not_fit_is_refused_before_anyone_is_called(andon):
    done = andon(log="case,step,at\n" + "A,Open,2.3.2026 9:00\n" * 6_000)
    assert done.exit_code == 2
    assert 'write time_formats: ["%d.%m.%Y %H:%M"]' in done.stderr


def test_a_total_is_refused_with_what_to_write_and_then_omitted_and_counted(andon):
    log = LOG + "Summe,,\nTotal: 2\n"
    refused = andon("--validate-only", log=log)
    assert refused.exit_code == 2
    hint = "omit_rows: {case: ["
    assert (
        f'row 3: activity: an event needs it, and column "step" is empty here; write {hint}"Summe"]}}' in refused.stdout
    )
    assert f'row 4: the row has 1 values, the header 3: Total: 2; write {hint}"Total: 2"]}}' in refused.stdout
    done = andon("--validate-only", log=log, mapping=MAPPING + 'omit_rows: {case: [Summe, "Total: 2"]}\n')
    assert done.exit_code == 0
    assert "4 rows can become 2 events, and 2 are omitted" in done.stdout


def test_a_row_can_be_omitted_by_its_number_and_an_empty_one_by_what_it_lacks(andon):
    log = "case,step,at\n,,\n" + LOG.split("\n", 1)[1]
    assert 'omit_rows: {case: [""]}' in andon("--validate-only", log=log).stdout
    for rule in ('{case: [""]}', "{row: [1]}"):
        done = andon("--validate-only", "--json", log=log, mapping=MAPPING + f"omit_rows: {rule}\n")
        document = json.loads(done.stdout)
        assert (done.exit_code, document["rows"], document["events"], document["omitted"]) == (0, 3, 2, 1)
        assert [one["row"] for one in document["first"]] == [2, 3]


def test_a_cell_that_the_mapping_calls_unknown_is_named_as_such(andon):
    done = andon("--validate-only", log=LOG + "?,Open,2026-03-02\n", mapping=MAPPING + 'unknown: ["?"]\n')
    assert 'row 3: id: an event needs it, and "?" in column "case" means absent' in done.stdout


DATES = "case,step,at\nA,Open,03/02/2026 09:00\nA,Close,{last}\n"


def test_dates_that_are_dates_only_the_other_way_round_are_not_sent(andon):
    mapping = MAPPING + 'time_formats: ["%m/%d/%Y %H:%M"]\n'
    done = andon(log=DATES.format(last="13/02/2026 09:45"), mapping=mapping)
    assert done.exit_code == 2
    assert 'row 2, column "at": "13/02/2026 09:45" does not exist' in done.stderr
    assert 'write time_formats: ["%d/%m/%Y %H:%M"]; nothing was sent' in done.stderr


@pytest.mark.parametrize(("last", "said"), [("04/02/2026 09:00", True), ("13/02/2026 09:00", False)])
def test_a_column_that_does_not_tell_the_day_from_the_month_is_said_aloud(andon, last, said):
    mapping = MAPPING + 'time_formats: ["%d/%m/%Y %H:%M"]\n'
    done = andon("--validate-only", log=DATES.format(last=last), mapping=mapping)
    assert ("no date of the file says which is meant" in done.stdout) is said


def test_a_load_that_is_interrupted_while_the_file_is_checked_says_so(andon, monkeypatch):
    def interrupted(path, mapping):
        raise KeyboardInterrupt

    monkeypatch.setattr("andon_records.files.csv_layout.inspect", interrupted)
    done = andon()
    assert done.exit_code == 130
    assert "nothing was sent, and 0 rows are safe from before. Run the same command again" in done.stderr


def test_validate_only_says_that_an_id_comes_again_and_what_tells_such_rows_apart(andon):
    mapping = MAPPING.replace("{case}/{row}", "{case}/{step}")
    log = LOG + "A,Open,2026-03-05\nA,Open,2026-03-06\n"
    done = andon("--validate-only", log=log, mapping=mapping)
    assert '2 events have an id that came before (row 3: "A/Open")' in done.stdout
    assert "add {row} or {ordinal} to id" in done.stdout
    told_apart = andon("--validate-only", "--json", log=log, mapping=MAPPING.replace("{row}", "{step}/{ordinal}"))
    assert json.loads(told_apart.stdout)["repeated_ids"] == 0
