"""Records are counted from bytes as a CSV reader counts them, and a quote that takes in rows never passes."""

from __future__ import annotations

import csv
import io

import pytest
from andon_records.files.record_scan import BrokenQuote, RecordScan, shape
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.text(st.sampled_from('ab,"\n\r;é 1'), max_size=6)


def scanned(text, blocks=None, columns=3, telling=None, quote='"'):
    scan = RecordScan(",", quote, columns, telling)
    given = text.encode()
    size = blocks or len(given) or 1
    for start in range(0, len(given), size):
        scan.feed(given[start : start + size])
    return scan.finish()


@settings(deadline=None, max_examples=200)
@given(rows=st.lists(st.lists(VALUES, min_size=2, max_size=4), max_size=12), size=st.integers(1, 40))
def test_records_are_counted_as_the_csv_module_counts_them_wherever_blocks_are_cut(rows, size):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    text = file.getvalue()
    read = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert scanned(text, size) == len(read)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_once_and_empty_lines_are_no_records(end):
    text = end.join(["a,b,c", "", "d,e,f", "", "", "g,h,i"])
    for size in (1, 2, 3, 100):
        assert scanned(text, size) == scanned(text + end, size) == scanned(text + end * 3, size) == 3


@pytest.mark.parametrize("row", ['1,5" pipe,x', '1,the "big" one,x', "1,',x", '1,a"b"c",x'])
def test_quotes_amid_an_unquoted_value_are_ordinary_text(row):
    assert scanned(f'{row}\n2,"a,b",y\n{row}\n') == 3


def test_a_quote_that_never_closes_is_refused_with_its_line_and_value():
    for size in (1, 7, 1000):
        with pytest.raises(BrokenQuote) as broken:
            scanned('1,a,b\n2,"c\nd",e\n3,x,"open\n4,y,z\n', size)
        assert (broken.value.line, broken.value.place, broken.value.close) == (4, 2, None)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_text_after_a_closing_quote_is_refused_with_the_line_of_the_opening_one(size):
    with pytest.raises(BrokenQuote) as broken:
        scanned('1,a,b\n2,"Cisco "Catalyst" switch",c\n3,d,e\n', size)
    assert (broken.value.line, broken.value.place, broken.value.close) == (2, 1, 2)


def test_a_stray_quote_that_the_next_quoted_value_would_close_is_refused():
    with pytest.raises(BrokenQuote) as broken:
        scanned('1,a,"stray\n2,b,c\n3,"d",e\n')
    assert (broken.value.line, broken.value.close) == (1, 3)


TIMES = frozenset([shape(b"2026-03-02 09:00:00")])


@pytest.mark.parametrize("between", [0, 1, 3, 200])
def test_a_quote_that_closes_by_chance_is_refused_when_it_takes_in_rows(between):
    inner = "".join(f"{row},2026-03-02 09:{row % 60:02}:00,x\n" for row in range(between))
    text = f'1,2026-03-02 09:00:00,"open\n{inner}9,2026-03-02 10:00:00,closed"\n8,2026-03-02 11:00:00,x\n'
    with pytest.raises(BrokenQuote) as broken:
        scanned(text, telling=(1, TIMES))
    assert (broken.value.line, broken.value.place, broken.value.inner) == (1, 2, 2)


def test_lines_of_prose_within_quotes_are_no_rows():
    text = '1,2026-03-02 09:00:00,"it rained, and\nthen, at last, we left,\nall of us"\n'
    assert scanned(text, telling=(1, TIMES)) == 1


def test_where_quotes_are_ordinary_text_none_of_them_is_broken():
    assert scanned('1,"a,b\n2,"c",d"\n', quote=None) == 2
