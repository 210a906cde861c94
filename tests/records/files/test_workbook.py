"""A workbook's cells become what a person reads in them, and a hostile workbook is refused in one line."""

from __future__ import annotations

import io
import zipfile

import pytest
from andon_records.mapping.document import parse_mapping
from andon_records.messages import LoadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LEAST = {"source": "desk", "id": "{case}/{row}", "case_id": "case", "activity": "step", "time": "at"}
MAPPING = parse_mapping({**LEAST, "attributes": {"cost": "number", "note": "text"}})
STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="[$-407]dd/mm/yyyy hh:mm;@"/><numFmt numFmtId="165"'
    ' formatCode="0.00&quot; days&quot;"/><numFmt numFmtId="166" formatCode="[h]:mm"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/>'
    "</cellXfs>"
)
HEAD = ["case", "step", "at", "cost", "note"]


def at(serial, style=1):
    return (style, "n", f"<v>{serial}</v>")


def number(text):
    return (0, "n", f"<v>{text}</v>")


def table(*rows):
    return {"Tickets": [HEAD, *rows]}


def test_cells_are_read_by_their_type(write, events, workbook):
    rows = table(
        [number("1001"), (0, "s", "<v>0</v>"), at("46083.375"), number("1.1000000000000001"), (0, "e", "<v>#N/A</v>")],
        [
            number("1001"),
            (0, "str", "<f>A1</f><v>Close</v>"),
            at("46083.4166666667", 2),
            number("7"),
            (0, "b", "<v>1</v>"),
        ],
        [
            number("1002"),
            "Open",
            (0, "d", "<v>2026-03-02T11:00:00</v>"),
            (3, "n", "<v>2.5</v>"),
            (4, "n", "<v>1.5</v>"),
        ],
    )
    content = workbook(rows, ["<r><t>Op</t></r><r><t xml:space='preserve'>en</t></r><rPh><t>x</t></rPh>"], STYLES)
    found, said = events(write(content, "log.xlsx"), MAPPING)
    assert [(row["id"], row["activity"], row["time"].isoformat()) for row in found] == [
        ("1001/1", "Open", "2026-03-02T09:00:00+00:00"),
        ("1001/2", "Close", "2026-03-02T10:00:00+00:00"),
        ("1002/3", "Open", "2026-03-02T11:00:00+00:00"),
    ]
    assert [row["attributes.cost"] for row in found] == [1.1, 7.0, 2.5]
    assert [row["attributes.note"] for row in found] == ["#N/A", "true", "1.5"]
    assert said == ["read as Excel (.xlsx)"]


@pytest.mark.parametrize(
    ("serial", "from_1904", "time"),
    [
        ("1", False, "1900-01-01"),
        ("59", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        ("25569.5", False, "1970-01-01T12:00"),
        ("24107.5", True, "1970-01-01T12:00"),
        ("46083.999994213", False, "2026-03-02T23:59:59.500"),
    ],
)
def test_a_date_is_a_serial_of_one_of_two_systems(write, events, workbook, serial, from_1904, time):
    content = workbook(table(["A", "Open", at(serial)]), styles=STYLES, from_1904=from_1904)
    ((row,), _) = events(write(content, "log.xlsx"), parse_mapping(LEAST))
    assert row["time"].isoformat().startswith(time)


def test_the_29_february_1900_that_never_was_is_refused(write, events, workbook):
    content = workbook(table(["A", "Open", at("60")]), styles=STYLES)
    with pytest.raises(LoadError, match=r"row 1|has a time"):
        events(
            write(workbook(table(["A", "Open", at("60")], ["A", "x", at("60")]), styles=STYLES), "l.xlsx"),
            MAPPING,
            batch_rows=1,
        )
    ((row,), _) = events(write(content, "log.xlsx"), parse_mapping(LEAST))
    assert "time" not in row


def test_a_merged_header_and_merged_cells_have_their_value_where_they_reach(write, events, workbook):
    rows = {
        "Tickets": [
            ["List of March"],
            ["case", "What happened", None, "Money"],
            [None, "step", "at", "cost", "note"],
            ["A", "Open", at("46083")],
            [None, "Close", at("46084"), number("3")],
            ["B", "Open", at("46085")],
        ]
    }
    merges = '<mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="B2:C2"/><mergeCell ref="A4:A5"/></mergeCells>'
    found, said = events(write(workbook(rows, styles=STYLES, after=merges), "log.xlsx"), MAPPING)
    assert [(row["id"], row["activity"]) for row in found] == [("A/1", "Open"), ("A/2", "Close"), ("B/3", "Open")]
    assert "the header is line 3; 2 before it were skipped" in said
    assert "1 merged cells span rows; each row has their value" in said


def test_the_first_visible_sheet_with_the_columns_is_read_and_the_others_are_named(write, events, workbook):
    sheets = {
        "Hidden": [HEAD, ["H", "Open", at("46083")]],
        "About": [["made in March"]],
        "March": [HEAD, ["M", "Open", at("46083")]],
        "April": [HEAD, ["A", "Open", at("46083")]],
    }
    path = write(workbook(sheets, styles=STYLES, states=[("Hidden", "hidden")]), "log.xlsx")
    found, said = events(path, MAPPING)
    assert [row["case_id"] for row in found] == ["M"]
    assert any('not read: "Hidden", "About", "April"' in one for one in said)
    found, _ = events(path, parse_mapping({**LEAST, "sheet": "April"}))
    assert [row["case_id"] for row in found] == ["A"]
    with pytest.raises(LoadError, match='no sheet "May"; the sheets are "Hidden", "About", "March", "April"'):
        events(path, parse_mapping({**LEAST, "sheet": "May"}))


def test_a_formula_without_a_value_is_shown_and_said(write, events, workbook):
    content = workbook(table(["A", "Open", at("46083"), (0, "n", "<f>SUM(A1:A3)</f>")]), styles=STYLES)
    ((row,), said) = events(write(content, "log.xlsx"), MAPPING)
    assert row["attributes.unparsed.cost"] == "=SUM(A1:A3)"
    assert any("1 formulas have no stored value" in one for one in said)


def test_empty_rows_are_no_records_and_cells_need_no_reference(write, events, workbook):
    body = "<row>" + "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in HEAD[:3]) + "</row><row/>"
    body += '<row><c t="inlineStr"><is><t>A_x000D_b</t></is></c><c t="inlineStr"><is><t>Open</t></is></c>'
    body += '<c s="1"><v>46083</v></c></row>'
    ((row,), _) = events(write(workbook({"S": body}, styles=STYLES), "log.xlsx"), parse_mapping(LEAST))
    assert row["case_id"] == "A\rb"


def packed(parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda made: made[:-40], "the workbook is damaged"),
        (lambda made: packed({"ü": ""}).replace("ü".encode(), b"\xca\x20"), "the workbook is damaged"),
        (lambda made: made[:60] + b"\x00" * 40 + made[100:], "log.xlsx"),
        (lambda made: packed({"xl/other.xml": "<x/>"}), "the archive holds no workbook"),
        (lambda made: packed({"xl/workbook.xml": "<workbook/>"}), "the workbook has no sheet with cells"),
        (
            lambda made: packed({"xl/workbook.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><workbook/>"}),
            "declares a document type",
        ),
    ],
)
def test_a_damaged_workbook_is_one_line(write, events, workbook, change, says):
    content = change(workbook(table(["A", "Open", at("46083")]), styles=STYLES))
    with pytest.raises(LoadError) as refused:
        events(write(content, "log.xlsx"), MAPPING)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_part_that_unpacks_without_end_is_refused(write, events, workbook, monkeypatch):
    monkeypatch.setattr("andon_records.files.workbook._PART_BYTES_MIN", 1 << 20)
    body = "<row/>" * (1 << 20)
    with pytest.raises(LoadError, match=r"xl/worksheets/sheet1.xml unpacks to more than"):
        events(write(workbook({"S": body}), "log.xlsx"), MAPPING)


def test_a_sheet_without_the_columns_says_which_it_has(write, events, workbook):
    content = workbook({"S": [["case", "when"], ["A", "x"]]})
    with pytest.raises(
        LoadError, match='sheet "S" has no column "step", which activity needs; the columns are "case", "when"'
    ):
        events(write(content, "log.xlsx"), MAPPING)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_workbook_that_is_damaged_is_read_or_refused(write, events, workbook, data):
    content = bytearray(
        workbook(table(["A", "Open", at("46083"), number("3")], ["B", "x", at("1")]), ["<t>x</t>"], STYLES)
    )
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(min_size=1, max_size=8))
    try:
        events(write(bytes(content), "log.xlsx"), MAPPING)
    except LoadError as refused:
        said = str(refused)
    else:
        said = ""
    assert "\n" not in said


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_sheet_whose_xml_is_damaged_is_read_or_refused(write, events, workbook, data):
    with zipfile.ZipFile(
        io.BytesIO(workbook(table(["A", "Open", at("46083"), number("3")]), ["<t>x</t>"], STYLES))
    ) as archive:
        parts = {name: bytearray(archive.read(name)) for name in archive.namelist()}
    part = parts[data.draw(st.sampled_from(sorted(parts)))]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(part)))
        part[place : place + data.draw(st.integers(0, 8))] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"-1", b"999999999", b"XFE", b't="s"', b"1e400", b"nan"])
        )
    try:
        events(write(packed({name: bytes(content) for name, content in parts.items()}), "log.xlsx"), MAPPING)
    except LoadError as refused:
        said = str(refused)
    else:
        said = ""
    assert "\n" not in said
