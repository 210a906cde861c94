"""A mapping that is not the file's is refused by the first rows, at the cell where it goes wrong."""

from __future__ import annotations

import pytest
from andon_records.batches import read_batches
from andon_records.mapping.document import parse_mapping
from andon_records.messages import NothingReadable

LEAST = {"source": "desk", "id": "{case}/{row}", "case_id": "case", "activity": "step", "time": "at"}


def _load(tmp_path, rows, header="case;step;at;cost", **keys):
    path = tmp_path / "log.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return list(read_batches(path, parse_mapping({**LEAST, **keys})))


def _with(values):
    return [f"{place};Open;2026-03-02 09:00;{value}" for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        (["1,5", "2,25"], "number", 'row 1, column "cost": "1,5" is no number; write decimal: ","'),
        (["2", "", "n/a", "1,5"], "number", 'row 4, column "cost": "1,5" is no number; write decimal: ","'),
        (["1,500", "2,000"], "integer", '"1,500" is no integer; write decimal: "."'),
        (["1:30", "0:45"], "number", "take units and currencies out of the column"),
        (["€5", "€7"], "number", "take units and currencies out of the column"),
        (["3/25/2026", "3/4/2026"], "time", '"3/25/2026" is no time by ISO 8601; write time_formats: ["%m/%d/%Y"]'),
    ],
)
def test_values_that_are_not_of_their_type_are_refused_before_they_are_stored_as_texts(tmp_path, values, kind, says):
    with pytest.raises(NothingReadable) as refused:
        _load(tmp_path, _with(values), attributes={"cost": kind})
    assert says in refused.value.text("en")
    assert "nothing was sent" in refused.value.text("en")
    assert "未发送任何数据" in refused.value.text("zh")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        # Marks that are mixed, values that mean absent, and formulas are reported row by row.
        (["1.5", "2,25", "3"], "number"),
        (["n/a", "-", "unknown"], "number"),
        (["=SUM(A1:A3)"], "number"),
        (["2026-03-25", "3/4/2026"], "time"),
        (["1,5", "2"], "text"),
    ],
)
def test_a_column_of_which_some_values_can_be_read_is_loaded(tmp_path, values, kind):
    (batch,) = _load(tmp_path, _with(values), attributes={"cost": kind})
    assert batch.events == len(values)


def test_the_other_mark_is_seen_where_a_comma_is_declared(tmp_path):
    with pytest.raises(NothingReadable) as refused:
        _load(tmp_path, _with(["1.5", "2.25", "3"]), attributes={"cost": "number"}, decimal=",")
    assert 'row 1, column "cost"' in refused.value.text("en")


def test_one_case_in_two_forms_is_refused_and_point_zero_throughout_is_not(tmp_path):
    def rows(*cases):
        return [f"{case};Open;2026-03-02 09:00;1" for case in cases]

    with pytest.raises(NothingReadable) as refused:
        _load(tmp_path, rows("1001", "1000.0", "1000"))
    assert 'row 2, column "case": "1000.0" and "1000" would be two cases' in refused.value.text("en")
    assert [len(_load(tmp_path, rows(*cases))) for cases in (("1000.0", "1001.0"), ("1.0", "2", "1.5"))] == [1, 1]


def test_units_of_epochs_that_are_mixed_are_refused_with_both_and_read_where_both_are_named(tmp_path):
    rows = [f"{place};Open;{count};1" for place, count in enumerate((1772442600000, 1772442660, 1772442720000))]
    (batch,) = _load(tmp_path, rows, time_formats=["epoch_ms"])
    (why,) = batch.why_absent.values()
    assert why.text("en") == '"1772442660" is no time by "epoch_ms"; write time_formats: [epoch_ms, epoch_s]'
    for formats in (["epoch_ms", "epoch_s"], ["epoch_s", "epoch_ms"]):
        (batch,) = _load(tmp_path, rows, time_formats=formats)
        assert not batch.why_absent


def test_a_format_that_is_missing_is_named_behind_those_that_read_the_other_rows(tmp_path):
    (batch,) = _load(tmp_path, ["1;Open;2026-03-02 09:00;1", "2;Open;02.03.2026 09:00;1", "3;Open;12026-03-02;1"])
    says = [why.text("en") for why in batch.why_absent.values()]
    assert says[0].endswith('write time_formats: [iso, "%d.%m.%Y %H:%M"]')
    assert says[1].endswith("years have four digits, 0001 to 9999")
