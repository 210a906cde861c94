"""Check digits of the numbers that identify persons, cards and accounts; all take characters without separators."""

import re

# ISO 7064 MOD 11-2, as in GB 11643-1999.
_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINESE_CHECKS = "10X98765432"
# GB/T 2260: the first two digits of every division of province level.
_PROVINCES = frozenset(re.findall(r"\d\d", "1112131415212223313233343536374142434445465051525354616263646571818283"))
# The registry of ISO 13616: how long an account number of each country is.
_REGISTRY = (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23"
    "GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30"
    "NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20"
)
IBAN_LENGTHS = {country: int(length) for country, length in re.findall(r"([A-Z]{2})(\d\d)", _REGISTRY)}
# Letters of the Taiwanese identity card, by the number that each means; Hong Kong counts from A = 10.
_TAIWAN_LETTERS = {letter: number for number, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", 10)}
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# What 0 to 9 and A to Z count at an odd place of an Italian tax code, as letters: B is 1.
_ITALIAN_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "BAFHJNPRTVBAFHJNPRTVCESULDGIMOQKWZYX", strict=True))


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit)
        if place % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


def payment_card(digits: str) -> bool:
    """The check digit, and the range and length of a known brand; never one digit over and over."""
    if len(set(digits)) == 1 or not luhn(digits):
        return False
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if digits[0] == "4":  # Visa
        return size in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return size == 16
    if two in (34, 37):  # American Express
        return size == 15
    if two in (62, 81):  # UnionPay
        return 16 <= size <= 19
    if two == 35 or four == 6011 or two in (64, 65):  # JCB, Discover
        return size == 16
    return (two in (36, 38, 39) or 300 <= int(digits[:3]) <= 305) and size == 14  # Diners Club


def _is_day(year: int, month: int, day: int) -> bool:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1880 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


def chinese_id(text: str) -> bool:
    """18 characters: province, day of birth and check digit; or the 15 of before 1999, which have no check digit.

    >>> chinese_id("11010519491231002X"), chinese_id("110105194912310021")
    (True, False)
    """
    if text[:2] not in _PROVINCES:
        return False
    if len(text) == 15:
        return text.isdigit() and _is_day(1900 + int(text[6:8]), int(text[8:10]), int(text[10:12]))
    if len(text) != 18 or not text[:17].isdigit():
        return False
    if not _is_day(int(text[6:10]), int(text[10:12]), int(text[12:14])):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_CHINESE_WEIGHTS, text, strict=False))
    return _CHINESE_CHECKS[total % 11] == text[17].upper()


def iban(text: str) -> bool:
    """ISO 13616: the country's length, and 1 modulo 97.

    >>> iban("GB82WEST12345698765432"), iban("GB82WEST12345698765431")
    (True, False)
    """
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(one, 36)) for one in text[4:] + text[:4])) % 97 == 1


def us_social_security(digits: str) -> bool:
    """Without a check digit: area, group and serial that can have been issued."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def french_nir(text: str) -> bool:
    """13 characters and 97 minus their remainder; Corsica's 2A and 2B count as 19 and 18."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])


def italian_tax_code(text: str) -> bool:
    """16 characters; the last is a check letter."""
    total = sum(
        ord(_ITALIAN_ODD[one]) - 65 if place % 2 == 0 else (int(one) if one.isdigit() else ord(one) - 65)
        for place, one in enumerate(text[:15])
    )
    return chr(65 + total % 26) == text[15]


def spanish_id(text: str) -> bool:
    """DNI and NIE: eight digits (X, Y and Z count as 0, 1 and 2) and the letter of their remainder by 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _SPANISH_LETTERS[int(number) % 23] == text[-1]


def swiss_ahv(digits: str) -> bool:
    """13 digits from 756, with the check digit of EAN-13."""
    total = sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits))
    return total % 10 == 0


def brazilian_cpf(digits: str) -> bool:
    """11 digits, the last two of them check digits modulo 11."""
    if len(set(digits)) == 1:
        return False
    for size in (9, 10):
        total = sum(int(one) * weight for one, weight in zip(digits, range(size + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != int(digits[size]):
            return False
    return True


def taiwan_id(text: str) -> bool:
    """A letter and nine digits, the last a check digit.

    >>> taiwan_id("A123456789"), taiwan_id("A123456788")
    (True, False)
    """
    letter = _TAIWAN_LETTERS[text[0]]
    total = letter // 10 + letter % 10 * 9
    total += sum(int(one) * weight for one, weight in zip(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True))
    return total % 10 == 0


def hong_kong_id(text: str) -> bool:
    """One or two letters, six digits, and a check character modulo 11.

    >>> hong_kong_id("A1234563"), hong_kong_id("A1234564")
    (True, False)
    """
    values = [36] * (9 - len(text)) + [int(one, 36) for one in text[:-1]]
    check = 10 if text[-1] == "A" else int(text[-1])
    return (sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) + check) % 11 == 0
