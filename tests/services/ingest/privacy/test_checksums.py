"""Check digits against published examples: one digit more or less makes each of them wrong."""

import pytest

from services.ingest.privacy import checksums

# Examples that their issuers or standards publish.
GOOD = [
    (checksums.payment_card, "4111111111111111"),
    (checksums.payment_card, "5555555555554444"),
    (checksums.payment_card, "378282246310005"),
    (checksums.payment_card, "6011111111111117"),
    (checksums.payment_card, "3530111333300000"),
    (checksums.payment_card, "30569309025904"),
    (checksums.payment_card, "6250941006528599"),
    (checksums.chinese_id, "11010519491231002X"),
    (checksums.chinese_id, "440524188001010014"),
    (checksums.iban, "DE89370400440532013000"),
    (checksums.iban, "GB29NWBK60161331926819"),
    (checksums.iban, "FR1420041010050500013M02606"),
    (checksums.iban, "NO9386011117947"),
    (checksums.iban, "IT60X0542811101000000123456"),
    (checksums.french_nir, "255081416802538"),
    (checksums.italian_tax_code, "RSSMRA85T10A562S"),
    (checksums.spanish_id, "12345678Z"),
    (checksums.spanish_id, "X1234567L"),
    (checksums.swiss_ahv, "7569217076985"),
    (checksums.brazilian_cpf, "52998224725"),
    (checksums.taiwan_id, "A123456789"),
    (checksums.hong_kong_id, "A1234563"),
    (checksums.hong_kong_id, "AB9876543"),
]


@pytest.mark.parametrize(("check", "text"), GOOD)
def test_a_published_number_is_valid_and_with_one_digit_changed_it_is_not(check, text):
    assert check(text)
    place = max(place for place, one in enumerate(text[:-1]) if one.isdigit())
    changed = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    assert not check(changed)


@pytest.mark.parametrize("digits", ["0000000000000000", "1234567812345670", "9999999999999995"])
def test_a_number_of_no_brand_is_no_card_even_with_the_right_check_digit(digits):
    assert not checksums.payment_card(digits)


def test_the_identity_card_of_before_1999_needs_a_day_that_exists():
    assert checksums.chinese_id("110105491231002")
    assert not checksums.chinese_id("110105491331002")


@pytest.mark.parametrize(("digits", "issued"), [("536221234", True), ("000221234", False), ("666221234", False)])
def test_a_social_security_number_has_parts_that_can_have_been_issued(digits, issued):
    assert checksums.us_social_security(digits) is issued
    assert not checksums.us_social_security("536001234")
    assert not checksums.us_social_security("536220000")
