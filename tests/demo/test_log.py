"""`make run LOG=` ends with one line and exit code 2 where the log, its mapping or its system is wrong."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
from andon_client.load_messages import message

from demo import __main__ as run
from demo.__main__ import Interrupted
from demo.jobs import mapping_that_fits

EXAMPLES = Path(__file__).parents[2] / "examples"
HEADER = "CaseID,ActivityID,CompleteTimestamp\n"
ROWS = "2,1,2012-04-03 16:55:38\n" * 300

WRONG = [
    (HEADER + ROWS + '3,"1,2012-04-03 16:55:53\n', 'log.csv, line 302: a quote opens in column "ActivityID"'),
    (gzip.compress((HEADER + ROWS).encode())[:-9], "log.csv: the compressed file is damaged or ends early"),
    (HEADER.replace("CompleteT", "Complete t") + ROWS, 'do you mean "Complete timestamp"?'),
    (b"PK\x03\x04", "log.csv: this is a ZIP archive or an Excel workbook"),
    (HEADER + "1;2\n", "log.csv, row 1: the row has 1 values, the header 3: 1;2"),
    ("", "log.csv: the file is empty"),
    (HEADER, "log.csv: the file has a header and no row"),
    (HEADER + "2,1,3.4.2012 16:55\n" * 6_000, 'write time_formats: ["%d.%m.%Y %H:%M"]'),
]


@pytest.fixture
def make_run(tmp_path, monkeypatch, capsys):
    def ended(*words):
        monkeypatch.setattr(sys, "argv", ["make run", "--home", str(tmp_path / "home"), "--once", *map(str, words)])
        # A log that is wrong must be found so before anything is started.
        monkeypatch.setattr(run, "Machine", None)
        code = run.main()
        return code, capsys.readouterr().err

    return ended


@pytest.fixture
def log(tmp_path):
    def written(content):
        path = tmp_path / "log.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.mark.parametrize(("content", "says"), WRONG)
def test_a_log_that_is_wrong_is_refused_in_one_line_before_the_suite_starts(make_run, log, content, says):
    code, said = make_run("--log", log(content), "--mapping", EXAMPLES / "help-desk-2012.mapping.yaml")
    assert code == 2
    assert says in said
    assert said.count("\n") == 1


def test_a_log_that_no_example_fits_is_refused(make_run, log):
    code, said = make_run("--log", log("a,b\n1,2\n"), "--locale", "zh")
    assert code == 2
    assert said.count("\n") == 1
    assert "没有与" in said
    assert f"andon source propose {log('')}" in said


@pytest.mark.parametrize("missing", ["--log", "--mapping", "--system"])
def test_a_file_that_is_missing_is_named(make_run, log, tmp_path, missing):
    files = {"--log": log(HEADER + ROWS), "--mapping": EXAMPLES / "help-desk-2012.mapping.yaml"}
    files[missing] = tmp_path / "nowhere.yaml"
    code, said = make_run(*(word for pair in files.items() for word in pair))
    assert code == 2
    assert said == f"{files[missing]}: No such file or directory\n"


def test_the_example_whose_columns_a_log_has_is_found(log):
    assert mapping_that_fits(log(HEADER + ROWS)).name == "help-desk-2012.mapping.yaml"


@pytest.mark.parametrize(
    ("loaded", "code", "says"),
    [
        (Interrupted(message("run_interrupted", safe=5_000, rows=6_000)), 130, "at least 5,000 of 6,000 rows are safe"),
        (message("some_refused", refused=2, rows=9, first=message("plain", text="row 4: late")), 2, "2 refused, of 9"),
        (None, 0, ""),
    ],
)
def test_a_run_that_is_not_whole_says_so_in_its_last_line_and_its_code(make_run, log, monkeypatch, loaded, code, says):
    async def work(*_):
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    monkeypatch.setattr(run, "_work", work)
    ended, said = make_run("--log", log(HEADER + ROWS))
    assert ended == code
    assert says in said
    assert said.count("\n") == bool(says)
