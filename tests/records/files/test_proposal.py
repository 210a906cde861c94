"""A proposed mapping reads the file that it was made from, and says why it took each column."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from andon_client.command_line import app
from andon_records.batches import read_batches
from andon_records.files.proposal import propose
from andon_records.files.standard_mapping import SourceChoice
from andon_records.mapping.document import load_mapping, parse_mapping
from andon_records.messages import NothingReadable
from andon_records.templates import templates
from typer.testing import CliRunner

ROOT = Path(__file__).parents[3]
LOGS = ROOT.parent / "shared" / "data" / "eventlogs"
DESK = "ticket;step;at;agent;cost;urgent\n" + "".join(
    f"T{number // 3};{['open', 'work', 'close'][number % 3]};{number % 27 + 1}.03.2026 09:{number % 60:02d};"
    f"a{number % 4};{number},5;{'yes' if number % 2 else 'no'}\n"
    for number in range(60)
)


def proposed(path, **choice):
    made = propose(path, SourceChoice(**choice))
    mapping = parse_mapping(yaml.safe_load(yaml.safe_dump(made.document)))
    batches = list(read_batches(path, mapping))
    events = sum(batch.events for batch in batches)
    return made, mapping, events, {name for batch in batches for name in batch.unparsed}


def test_delimiter_dates_decimals_and_types_are_read_from_the_values(tmp_path):
    path = tmp_path / "Desk März.csv"
    path.write_bytes(("Export of 1 April\n\n" + DESK).encode("utf-16"))
    made, mapping, events, unparsed = proposed(path, time_zone="Europe/Berlin")
    assert (events, unparsed) == (60, set())
    assert made.document == {
        "source": mapping.source,
        "id": "{ticket}/{at}/{step}",
        "case_id": "ticket",
        "activity": "step",
        "time": "at",
        "resource": "agent",
        "time_formats": ["%d.%m.%Y %H:%M"],
        "time_zone": "Europe/Berlin",
        "decimal": ",",
        "delimiter": ";",
        "header_row": 3,
        "attributes": {"cost": "number", "urgent": "flag"},
    }
    said = "\n".join(one.text("en") for one in made.said)
    for column in ("ticket", "step", "at", "agent"):
        assert f'"{column}"' in said
    assert all(one.text("zh") != one.text("en") for one in made.said)


def test_an_older_encoding_is_found_and_day_and_month_that_could_change_places_are_named(tmp_path):
    path = tmp_path / "log.csv"
    rows = "".join(
        f"F{at // 2},{'Prüfung' if at % 2 else 'Annahme'},0{at % 9 + 1}/0{at % 7 + 1}/2026\n" for at in range(40)
    )
    path.write_bytes(("Fall case,Aktivität event,date\n" + rows).encode("cp1252"))
    made, mapping, events, unparsed = proposed(path)
    assert (events, unparsed) == (40, set())
    assert [one.written for one in mapping.time_formats] == ["%d/%m/%Y"]
    assert any('as "%m/%d/%Y" it could be read too' in one.text("en") for one in made.said)


def test_a_start_and_an_end_are_pairs_and_words_of_a_life_cycle_are_its_transitions(tmp_path):
    pairs = tmp_path / "pairs.csv"
    lines = [
        f"{at // 2},step{at % 2},2026-01-0{at % 8 + 1} 08:00,2026-01-0{at % 8 + 1} 09:{at:02d}" for at in range(20)
    ]
    pairs.write_text("case,step,started,finished\n" + "\n".join(lines) + "\n")
    _, mapping, events, _ = proposed(pairs)
    assert events == 40
    assert (mapping.start_time.columns, mapping.time.columns) == (["started"], ["finished"])

    cycle = tmp_path / "cycle.csv"
    lines = [f"{at // 4},a{at // 2 % 2},{'start' if at % 2 else 'COMPLETE'},2026-01-01 08:{at:02d}" for at in range(20)]
    cycle.write_text("case,activity,transition,time\n" + "\n".join(lines) + "\n")
    assert proposed(cycle)[1].lifecycle.columns == ["transition"]


def test_json_and_parquet_are_proposed_for_too(tmp_path):
    rows = [
        {"issue": f"I{at // 3}", "at": f"2026-01-01T00:00:{at:02d}Z", "by": {"action": f"a{at % 3}"}}
        for at in range(30)
    ]
    lines = tmp_path / "log.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = tmp_path / "log.parquet"
    pq.write_table(
        pa.Table.from_pylist([{"issue": r["issue"], "at": r["at"], "action": r["by"]["action"]} for r in rows]), table
    )
    for path, action in ((lines, "by.action"), (table, "action")):
        _, mapping, events, _ = proposed(path)
        assert (events, mapping.case_id.columns, mapping.activity.columns) == (30, ["issue"], [action])


def test_values_that_mean_nothing_is_known_are_no_values(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "case,event,time,size\n"
        + "".join(f"{at // 2},e{at % 2},2026-01-01 0{at}:00,{'?' if at % 3 else at}\n" for at in range(9))
    )
    _, mapping, _, unparsed = proposed(path)
    assert (mapping.unknown, unparsed) == (["?"], set())
    assert [one.type for one in mapping.attributes] == ["integer"]


def test_a_table_without_times_is_refused_with_what_its_columns_are(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("person,score\na,1\nb,2\n")
    with pytest.raises(NothingReadable, match=r'no column holds times.*"person" \(text\), "score" \(integer\)'):
        propose(path, SourceChoice())


@pytest.mark.skipif(not LOGS.exists(), reason="needs the shared logs")
@pytest.mark.parametrize(
    ("log", "example"),
    [
        ("uci_incident_event_log.csv.gz", "it-incidents"),
        ("italian_helpdesk.csv.gz", "italian-help-desk"),
        ("bpic2012_loan.csv.gz", "loan-applications"),
        ("helpdesk_2012_3804cases.csv.gz", "help-desk-2012"),
    ],
)
def test_case_activity_and_time_of_published_logs_are_those_that_people_chose(log, example):
    made = propose(LOGS / log, SourceChoice())
    chosen = load_mapping(ROOT / "examples" / f"{example}.mapping.yaml")
    for key in ("case_id", "activity", "time"):
        assert getattr(made.mapping, key).columns == getattr(chosen, key).columns


@pytest.mark.parametrize(("case", "step"), [("Fallnr", "Schritt"), ("Kennung", "Was")])
def test_a_case_is_what_is_named_so_or_what_numbers_rows_though_names_have_more_values(tmp_path, case, step):
    path = tmp_path / "visits.csv"
    path.write_text(
        f"{case};{step};Datum;Bearbeiter;Kosten\n100;Anmeldung;03.02.2026 08:15;Meier;1,50\n"
        "100;Abschluss;03.02.2026 09:00;Schulz;12,75\n101;Anmeldung;03.02.2026 08:20;Meier;0,00\n"
        "101;Prüfung;04.02.2026 10:00;Schulz;3,10\n101;Abschluss;05.02.2026 11:30;Schulz;99,00\n",
        encoding="utf-8",
    )
    made, _, events, unparsed = proposed(path)
    assert (events, unparsed) == (5, set())
    assert (made.document["case_id"], made.document["resource"]) == (case, "Bearbeiter")
    assert made.document["activity"] == ("Schritt" if step == "Schritt" else {"text": "visits"})


@pytest.mark.parametrize("name", [one.name for one in templates()])
def test_what_is_proposed_for_a_sample_of_a_product_reads_it_or_is_refused_in_one_line(name):
    (sample,) = (one.sample for one in templates() if one.name == name)
    if name in ("salesforce-case-history", "zammad-history", "znuny-history"):
        # Their times lie in an array, which is one text of JSON.
        with pytest.raises(NothingReadable, match="no column holds times"):
            proposed(sample)
    else:
        assert proposed(sample)[2]


def test_the_command_writes_what_a_load_takes_and_refuses_in_one_line_with_code_2(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("desk.csv").write_text(DESK)
    Path("answers.csv").write_text("person,score\na,1\nb,2\n")
    run = CliRunner()
    done = run.invoke(app, ["source", "propose", "desk.csv", "--output", "desk.yaml"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert 'case_id: "ticket"' in done.stderr
    assert load_mapping(Path("desk.yaml")).case_id.columns == ["ticket"]
    refused = run.invoke(app, ["--locale", "zh", "source", "propose", "answers.csv"])
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "没有时间列" in refused.stderr
