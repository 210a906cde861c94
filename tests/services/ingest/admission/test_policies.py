"""What each treatment makes of a field, whatever type it comes in and whatever else is in the batch."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from services.ingest.admission.admit import admit
from services.ingest.admission.arrow import read_arrow
from services.ingest.admission.named_persons import persons_named
from services.ingest.admission.persons import NotReadable, Persons, PersonSecret, reference_in
from services.ingest.admission.policies import personal_attributes, says_person
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.model import (
    DAY_US,
    Category,
    Cleaning,
    FieldPolicy,
    IncomingBatch,
    Source,
    SourceId,
    TenantId,
    Treatment,
)
from tests.services.ingest.everybody import EVERYBODY, everybody

NOW_US = 1_800_000_000_000_000
KEYS = tenant_keys(bytes(32), TenantId("acme"))
DESK = SourceId("desk")


def batch(rows: int = 1, **columns: Any) -> IncomingBatch:
    given = {
        "id": [f"e{row}" for row in range(rows)],
        "source": ["desk"] * rows,
        "case_id": ["c"] * rows,
        "activity": ["Call"] * rows,
        "time": pa.array([NOW_US - DAY_US] * rows, pa.timestamp("us", "UTC")),
        **{name.replace("__", "."): values for name, values in columns.items()},
    }
    table = pa.table(given)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return IncomingBatch(read_arrow(sink.getvalue().to_pybytes()))


def stored(
    one: IncomingBatch, *policies: FieldPolicy, subject: str = "", persons: Any = EVERYBODY
) -> list[dict[str, Any]]:
    page = admit([one], {DESK: Source(DESK, policies=policies, subject=subject)}, KEYS, persons, NOW_US).page
    merged: list[dict[str, Any]] = [{} for _ in range(page.num_rows)]
    for place, name in enumerate(page.schema.names):
        for row, value in enumerate(page.column(place).to_pylist()):
            if value is not None:
                merged[row][name] = value
    return merged


def attribute(treatment: Treatment, **more: Any) -> FieldPolicy:
    return FieldPolicy("attributes.x", treatment, **more)


@pytest.mark.parametrize(
    ("policy", "value", "expected"),
    [
        (attribute(Treatment.KEEP), "call 138-1234-5678", "call 138-1234-5678"),
        (attribute(Treatment.SCAN), "call 138-1234-5678", "call [phone]"),
        (attribute(Treatment.MASK), "anything", "***"),
        (attribute(Treatment.MASK), 17, "***"),
        (attribute(Treatment.DROP), "anything", None),
        (attribute(Treatment.DROP), 17, None),
        (attribute(Treatment.GENERALISE), "94105-1234", "941"),
        (attribute(Treatment.GENERALISE, leading_characters=5), "94105-1234", "94105"),
        (attribute(Treatment.GENERALISE), "1985-07-12", "1985-07"),
        (attribute(Treatment.GENERALISE), 37, 30),
        (attribute(Treatment.GENERALISE, band=5.0), 37, 35),
        (attribute(Treatment.GENERALISE, band=0.5), 1.7, 1.5),
        (attribute(Treatment.SCAN), 13812345678, 13812345678),
    ],
)
def test_a_field_is_treated_as_its_policy_says(policy, value, expected):
    assert stored(batch(attributes__x=[value]), policy)[0].get("attributes.x") == expected


def test_a_time_is_generalised_to_its_month():
    times = pa.array([NOW_US], pa.timestamp("us", "UTC"))
    (row,) = stored(batch(attributes__x=times), attribute(Treatment.GENERALISE))
    assert (row["attributes.x"].day, row["attributes.x"].hour) == (1, 0)


def test_a_pseudonym_stays_the_same_and_an_empty_value_stays_empty():
    rows = stored(batch(3, attributes__x=["Ada", "Ada", ""]), attribute(Treatment.PSEUDONYMISE))
    assert rows[0]["attributes.x"] == rows[1]["attributes.x"]
    assert rows[0]["attributes.x"].startswith("p_")
    assert rows[2]["attributes.x"] == ""


def test_a_number_and_a_text_of_one_name_get_one_text_column():
    page = admit(
        [batch(attributes__x=[17]), batch(attributes__x=["17"])],
        {DESK: Source(DESK, policies=(attribute(Treatment.PSEUDONYMISE),))},
        KEYS,
        EVERYBODY,
        NOW_US,
    ).page
    assert page.schema.names.count("attributes.x") == 1
    assert len(set(page.column("attributes.x").to_pylist())) == 1


def test_a_pseudonymised_case_is_one_case_everywhere_and_its_hash_is_that_of_the_pseudonym():
    rows = stored(batch(2), FieldPolicy("case_id", Treatment.PSEUDONYMISE))
    assert {row["case_id"] for row in rows} == {EVERYBODY.pseudonym("c", 0)}


def test_by_default_persons_are_pseudonymised_texts_scanned_and_the_rest_is_kept():
    row = stored(
        batch(
            resource=["Ada"],
            activity=["Mr. Miller called"],
            attributes__note=["mail a@b.example"],
            attributes__email=["a@b.example"],
            attributes__contact_phone=[5550100],
            attributes__state=["open"],
            attributes__cost=[13812345678],
        )
    )[0]
    assert row["resource"].startswith("p_")
    assert row["activity"] == "Mr. [name] called"
    assert row["attributes.note"] == "mail [email]"
    assert row["attributes.email"].startswith("p_")
    assert row["attributes.contact_phone"].startswith("p_")
    assert (row["attributes.state"], row["attributes.cost"], row["case_id"]) == ("open", 13812345678, "c")


@pytest.mark.parametrize("name", ["email", "customer.email", "contactPhone", "CUSTOMER_NAME", "id_card", "SSN"])
def test_a_name_says_person(name):
    assert says_person(name)


@pytest.mark.parametrize("name", ["phone_calls", "name", "product_name", "mobile_app", "state", "", "_", "emailed"])
def test_a_name_that_only_holds_such_a_word_does_not(name):
    assert not says_person(name)


def test_each_source_of_a_page_is_treated_by_its_own_policies_and_nothing_stays_behind():
    sources = {DESK: Source(DESK, policies=(attribute(Treatment.KEEP), FieldPolicy("resource", Treatment.KEEP)))}
    both = batch(2, source=["desk", "other"], resource=["robot-7", "Ada"], attributes__x=["ring 138-1234-5678"] * 2)
    page = admit([both], sources, KEYS, EVERYBODY, NOW_US).page
    assert page.column("attributes.x").to_pylist() == ["ring 138-1234-5678", "ring [phone]"]
    assert page.column("resource").to_pylist() == ["robot-7", EVERYBODY.pseudonym("Ada", 0)]
    assert "Ada" not in page.column("resource").dictionary.to_pylist()


def test_what_is_encrypted_is_the_subjects_and_can_be_read_with_the_secret_only():
    encrypted = attribute(Treatment.ENCRYPT)
    one = batch(2, case_id=["c1", "c2"], attributes__x=["diabetes", "diabetes"], attributes__who=["Ada", None])
    rows = stored(one, encrypted, FieldPolicy("attributes.who", Treatment.DROP), subject="attributes.who")
    ada, case = EVERYBODY.secrets["Ada"], EVERYBODY.secrets["c2"]
    assert [reference_in(row["attributes.x"]) for row in rows] == [ada.reference, case.reference]
    assert ada.decrypted("attributes.x", rows[0]["attributes.x"]) == "diabetes"
    for secret, field in ((case, "attributes.x"), (ada, "attributes.y")):
        with pytest.raises(NotReadable):
            secret.decrypted(field, rows[0]["attributes.x"])
    assert stored(one, encrypted, subject="attributes.who")[0]["attributes.x"] == rows[0]["attributes.x"]


@pytest.mark.parametrize("text", ["", "enc1.", "enc1.!!", "enc1.AAAA", "p_abc", "enc1." + "é" * 60])
def test_what_is_no_encrypted_value_is_not_readable(text):
    with pytest.raises(NotReadable):
        reference_in(text)
    with pytest.raises(NotReadable):
        EVERYBODY.secrets["Ada"].decrypted("attributes.x", text)


def test_the_persons_that_an_admission_needs_are_named_and_no_others():
    one = batch(2, resource=["Ada", None], attributes__x=["Bob", "Bob"], attributes__note=["Carol", "Carol"])
    named = persons_named([one], {DESK: Source(DESK, policies=(attribute(Treatment.ENCRYPT),), subject="resource")})
    assert named == {"Ada", "c"}
    assert persons_named([one], {DESK: Source(DESK, policies=(FieldPolicy("resource", Treatment.KEEP),))}) == set()


@pytest.mark.parametrize("treatment", [Treatment.PSEUDONYMISE, Treatment.ENCRYPT])
@pytest.mark.parametrize("field", ["resource", "attributes.x"])
def test_a_source_that_keeps_a_field_needs_no_secrets_of_its_persons_next_to_one_that_hides_them(field, treatment):
    """Only the persons that are named are known, as it is where batches are written."""
    people = ["Ada", "Bob", "Cy", None, "Dan", "Ada"]
    columns = {field.replace(".", "__"): people}
    one = batch(6, source=["desk", "shop"] * 3, **columns)
    sources = {
        DESK: Source(DESK, policies=(FieldPolicy(field, treatment),)),
        SourceId("shop"): Source(SourceId("shop"), policies=(FieldPolicy(field, Treatment.KEEP),)),
    }
    named = persons_named([one], sources)
    persons = Persons({name: EVERYBODY.secrets[name] for name in named})
    shown = admit([one], sources, KEYS, persons, NOW_US).page.column(field).to_pylist()
    assert shown[1::2] == people[1::2]
    assert not set(shown[::2]) & set(people)


def test_a_pseudonym_is_that_of_the_events_time_however_late_it_comes():
    period = 30 * DAY_US
    persons = everybody(period_us=period)
    times = pa.array([NOW_US - 40 * DAY_US, NOW_US - 39 * DAY_US, NOW_US], pa.timestamp("us", "UTC"))
    rows = stored(batch(3, time=times, resource=["Ada"] * 3), persons=persons)
    late = stored(batch(3, time=times.take([2, 1, 0]), resource=["Ada"] * 3), persons=persons)
    assert [row["resource"] for row in rows] == [row["resource"] for row in late][::-1]
    assert rows[0]["resource"] != rows[2]["resource"]
    assert rows[0]["resource"] == persons.pseudonym("Ada", (NOW_US - 40 * DAY_US) // period)


def test_a_later_secret_makes_later_pseudonyms_and_no_earlier_one():
    secret = PersonSecret.of(bytes(range(64)), 3, bytes(12))
    later = PersonSecret.of(secret.at(5).stored, 5, bytes(12))
    assert [later.pseudonym(version) for version in (5, 6, 9)] == [secret.pseudonym(version) for version in (5, 6, 9)]
    assert later.pseudonym(3) == later.pseudonym(5) != secret.pseudonym(3)
    assert later.encrypted("f", "v") == secret.encrypted("f", "v")


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        (Treatment.DROP, None),
        (Treatment.MASK, "***"),
        (Treatment.KEEP, " ada "),
        (Treatment.GENERALISE, " ad"),
        (Treatment.PSEUDONYMISE, EVERYBODY.pseudonym(" ada ", 0)),
        (Treatment.ENCRYPT, EVERYBODY.secrets["c"].encrypted("attributes.raw.x", " ada ")),
    ],
)
def test_what_cleaning_stores_of_a_value_as_it_came_is_treated_as_the_value_is(treatment, expected):
    cleaning = Cleaning(categories=(Category("attributes.x", ("Ada",)),))
    source = Source(DESK, policies=(attribute(treatment),), cleaning=cleaning)
    page = admit([batch(attributes__x=[" ada "])], {DESK: source}, KEYS, EVERYBODY, NOW_US).page
    raw = page.column("attributes.raw.x")[0].as_py() if "attributes.raw.x" in page.schema.names else None
    assert raw == expected
    named = persons_named([batch(attributes__x=[" ada "])], {DESK: source})
    assert (" ada " in named) == (treatment is Treatment.PSEUDONYMISE)


def test_attributes_that_name_persons_are_those_of_their_policies_their_names_and_the_subject():
    fields = ["activity", *(f"attributes.{name}" for name in ("x", "raw.x", "email", "team", "number", "raw.number"))]
    policies = (attribute(Treatment.ENCRYPT), FieldPolicy("attributes.number", Treatment.KEEP))
    source = Source(DESK, policies=policies, subject="attributes.number")
    assert personal_attributes(fields, [source]) == {"x", "raw.x", "email", "number", "raw.number"}
    assert personal_attributes(fields, [Source(DESK)]) == {"email"}
