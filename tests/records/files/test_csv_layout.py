"""A file is laid out as its mapping says or as can be guessed and is said; else one line says what to write instead."""

from __future__ import annotations

import gzip
import random

import pyarrow as pa
import pytest
from andon_records.batches import batches_of, read_batches
from andon_records.files.csv_layout import inspect
from andon_records.mapping.document import parse_mapping
from andon_records.messages import NothingReadable, UnreadableFile
from hypothesis import given, settings
from hypothesis import strategies as st

MAPPING = {"source": "desk", "id": "{case}-{n}", "case_id": "case", "activity": "step", "time": "at"}
HEADER = "case,n,step,at\n"
ROW = "A,1,Open,2026-03-02 09:00:00\n"


@pytest.fixture
def file(tmp_path):
    def written(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def mapping(**more):
    return parse_mapping({**MAPPING, **more})


def guesses(layout):
    return " | ".join(guess.text() for guess in layout.guesses)


def column(path, rules, name):
    tables = [pa.ipc.open_stream(batch.arrow_ipc).read_all() for batch in read_batches(path, rules) if batch.events]
    return [value for table in tables for value in table[name].to_pylist()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + ROW, ""),
        ("case , n, step, at\n" + ROW, ""),
        (HEADER.replace(",", ";") + ROW.replace(",", ";"), 'delimiter ";", guessed'),
        (HEADER.replace(",", "\t") + ROW.replace(",", "\t"), "delimiter tab, guessed"),
        (HEADER.replace(",", "|") + ROW.replace(",", "|"), 'delimiter "|", guessed'),
        ("sep=;\n" + HEADER.replace(",", ";") + ROW.replace(",", ";"), "from the line sep="),
        ("Ticket report March\n\n" + HEADER + ROW, "the header is line 3; 2 before it were skipped"),
        ("Report; a, b\n" + HEADER + ROW, "the header is line 2"),
        (HEADER + ROW.replace("\n", ",\n"), "every row ends with a delimiter"),
        ("\ufeff" + HEADER + ROW, ""),
        ((HEADER + ROW).encode("utf-16"), "encoding utf-16, guessed"),
        ((HEADER + ROW).encode("utf-16-be"), "encoding utf-16-be, guessed"),
        (HEADER.replace("\n", "\r\n") + ROW.replace("\n", "\r\n"), ""),
        (HEADER.replace("\n", "\r") + ROW, ""),
        ('"case","n","step","at"\n' + ROW, ""),
    ],
)
def test_a_layout_that_nobody_wrote_down_is_guessed_and_the_guess_is_said(file, content, said):
    path = file(content)
    layout = inspect(path, mapping())
    assert layout.records == 1
    assert (said in guesses(layout)) if said else (guesses(layout) == "")
    assert column(path, mapping(), "id") == ["A-1"]


def test_compression_is_told_from_the_content_whatever_the_name(file):
    assert "whatever its name" in guesses(inspect(file(gzip.compress((HEADER + ROW).encode())), mapping()))
    assert "not compressed" in guesses(inspect(file(HEADER + ROW, "log.csv.gz"), mapping()))
    assert guesses(inspect(file(gzip.compress((HEADER + ROW).encode()), "a.csv.gz"), mapping())) == ""


@pytest.mark.parametrize(
    ("encoding", "step"), [("windows-1252", "Geprüft"), ("gb18030", "受理完成工单"), ("utf-16", "受理"), ("utf-8", "é")]
)
def test_an_encoding_is_guessed_wherever_in_the_file_it_shows(file, encoding, step):
    text = HEADER + ROW * 50_000 + f"B,2,{step},2026-03-02 09:10:00\n"
    assert column(file(text.encode(encoding)), mapping(), "activity")[-1] == step
    assert column(file(text.encode(encoding)), mapping(encoding=encoding), "activity")[-1] == step


REFUSALS = [
    pytest.param(b"", "the file is empty", id="empty"),
    pytest.param(b"\n  \n", "the file is empty", id="blank"),
    pytest.param(b"\n" * 90 + b"case;step;at\n", "lines are empty, so there is no header", id="blank beginning"),
    pytest.param(b"\xef\xbb\xbf", "the file is empty", id="mark alone"),
    pytest.param(b"\xff\xfe\n\x00", "the file is empty", id="wide mark and blank"),
    pytest.param(gzip.compress((HEADER + ROW * 2000).encode())[:-20], "damaged or ends early", id="truncated"),
    pytest.param(gzip.compress((HEADER + ROW).encode()) + b"junk", "damaged", id="junk after"),
    pytest.param(
        random.Random(1).randbytes(20_000), "this is binary data, not CSV; save it as CSV (UTF-8)", id="binary"
    ),
    pytest.param(b"PK\x03\x04....", "Excel workbook (.xlsx), not CSV; save it as CSV (UTF-8)", id="xlsx"),
    pytest.param(b'<?xml version="1.0"?><log/>', "XML", id="xes"),
    pytest.param(HEADER.replace("at", "at,at").encode() + ROW.encode(), '"at" (columns 4 and 5)', id="twice"),
    pytest.param(
        b"case,n,step,At\n", 'no column "at", which time needs (do you mean "At"?); the columns are "case"', id="case"
    ),
    pytest.param(ROW.encode(), "write column_names: [...] if the file has no header", id="no header"),
    pytest.param("привет мир,привет\n".encode("windows-1251"), "cannot be guessed", id="windows-1251"),
    pytest.param((HEADER + ROW + 'A,2,"Close,2026-03-02 09:10:00\n').encode(), "line 3: a quote opens", id="open"),
    pytest.param((HEADER + 'A,2,"a "b" c",2026-03-02\n').encode(), "line 2: a quote opens in column", id="broken"),
    pytest.param(
        (HEADER + ROW + 'A,2,"Close,2026-03-02 09:10:00\nA,3,"x",2026-03-02 09:11:00\n').encode(),
        "line 3: a quote opens",
        id="stray",
    ),
]


@pytest.mark.parametrize(("content", "says"), REFUSALS)
def test_what_cannot_be_read_is_refused_in_one_line_with_the_file_and_the_remedy(file, content, says):
    with pytest.raises(UnreadableFile) as refused:
        inspect(file(content), mapping())
    assert str(refused.value).startswith("log.csv")
    assert says in str(refused.value)
    for locale in ("en", "zh"):
        assert "\n" not in refused.value.what.text(locale)


@pytest.mark.parametrize(
    ("rules", "content", "says"),
    [
        ({"encoding": "utf-16"}, HEADER + ROW, "the mapping says encoding: utf-16, and the file is utf-8"),
        ({"encoding": "utf-8"}, (HEADER + ROW).encode("utf-16"), "and the file is utf-16"),
        ({"encoding": "utf-8"}, (HEADER + ROW + "é").encode("latin-1"), "line 3: byte 0xE9 is not utf-8"),
        ({"delimiter": ","}, HEADER.replace(",", ";"), '"case;n;step;at" (line 1, delimiter ",")'),
        ({"header_row": 2}, HEADER + ROW, 'no column "case"'),
        ({"header_row": 9}, HEADER + ROW, "ends before line 9"),
        ({"column_names": ["case", "n", "step"]}, ROW, 'no column "at"'),
        ({"resource": "agent"}, HEADER + ROW, 'no column "agent", which resource needs'),
        ({"attributes": {"team": {"column": "tem"}}}, HEADER + ROW, "which attributes.team needs"),
    ],
)
def test_a_mapping_that_contradicts_the_file_is_refused_with_what_the_file_is(file, rules, content, says):
    with pytest.raises(UnreadableFile) as refused:
        inspect(file(content), mapping(**rules))
    assert says in str(refused.value)


def test_a_file_without_a_header_is_read_by_the_names_of_the_mapping(file):
    path, rules = file(ROW + ROW), mapping(column_names=["case", "n", "step", "at"])
    assert inspect(path, rules).records == 2
    assert column(path, rules, "activity") == ["Open", "Open"]


def test_a_column_that_is_twice_and_not_read_does_no_harm(file):
    assert inspect(file("case,n,step,at,x,x\n" + "A,1,Open,2026-03-02,1,2\n"), mapping()).records == 1


def test_quotes_are_text_where_the_mapping_says_so(file):
    path = file(HEADER + 'A,1,"Open,2026-03-02 09:00:00\n')
    assert column(path, mapping(quote="none"), "activity") == ['"Open']


def test_a_quoted_value_may_hold_rows_where_the_mapping_says_so(file):
    path = file(HEADER + f'A,1,"note\n{ROW}end",2026-03-02 09:00:00\n')
    with pytest.raises(UnreadableFile, match="takes in line 3, which looks like a row"):
        inspect(path, mapping())
    assert inspect(path, mapping(multiline_values=True)).records == 1


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.one_of(
            st.just("A,1,Open,2026-03-02 09:00:00"),
            st.just('A,1,"O,pen",2026-03-02 09:00:00'),
            st.just('A,1,"O""p\nen",2026-03-02'),
            st.sampled_from(["A,2,Close", "", "Total: 2", "a,b,c,d,e", ",,,", '5" pipe,2,x,2026-03-02', "   "]),
        ),
        max_size=30,
    ),
    skip=st.integers(0, 30),
    size=st.integers(1, 7),
)
def test_every_record_of_the_file_is_answered_for(tmp_path_factory, rows, skip, size):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    layout = inspect(path, mapping())
    assert layout.records == sum(row != "" for row in rows)
    try:
        batches = list(batches_of(layout, mapping(), batch_rows=size))
    except NothingReadable:
        # Not one row, or not one time of the first batch.
        return
    assert sum(batch.rows for batch in batches) == layout.records
    answered = [row for batch in batches for row in batch.row_numbers]
    unreadable = [row for batch in batches for row, _ in batch.set_aside.examples]
    if len(unreadable) < 20:
        assert sorted(answered + unreadable) == list(range(1, layout.records + 1))
    later = list(batches_of(layout, mapping(), skip, size))
    assert [row for batch in later for row in batch.row_numbers] == [row for row in answered if row > skip]


def test_a_file_that_grows_while_it_is_loaded_is_not_half_answered(file):
    path = file(HEADER + ROW)
    layout = inspect(path, mapping())
    path.write_text(HEADER + ROW + ROW, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="the file changed while it was loaded"):
        list(batches_of(layout, mapping()))
