"""Made-up identifiers with valid check digits, in texts of both languages: the same from the same seed.

`python -m tests.services.ingest.privacy.planted` prints recall and precision by class, for docs/concepts/privacy.md.
What is made here is made without the code under test: its own check digits, names and sentences.
"""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

ENGLISH_GIVEN = [
    "Oliver",
    "Amelia",
    "George",
    "Charlotte",
    "Thomas",
    "Laura",
    "Patrick",
    "Monika",
    "Ahmed",
    "Priya",
    "Sofia",
    "Henrik",
    "Carlos",
    "Yasmin",
]
ENGLISH_FAMILY = [
    "Harrison",
    "Whitfield",
    "Okafor",
    "Lindqvist",
    "Mukherjee",
    "Castellano",
    "Novak",
    "Brennan",
    "Fitzgerald",
    "Sorensen",
]
CHINESE_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭"
CHINESE_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志文斌"
DOMAINS = ("mail.example.org", "corp.example.com", "post.example.net", "example.cn")
STREETS = ("Baker Street", "Mill Lane", "Church Road", "Station Road", "King Avenue", "Orchard Drive", "Elm Court")
ROADS = ("建国路", "人民路", "解放大街", "中山北路", "南京东路", "学院路")
DISTRICTS = ("北京市朝阳区", "上海市浦东新区", "广州市天河区", "杭州市西湖区", "成都市武侯区")
ENGLISH_FILLERS = (
    "The ticket was reopened after two days.",
    "Nobody answered and the queue was long.",
    "Please close the case when the part has arrived.",
    "The room was clean but the breakfast was late.",
    "Order 20260317-8841 is still open, version 2.4.1.",
    "Service level 4 was missed by 35 minutes.",
)
CHINESE_FILLERS = (
    "工单两天后又被打开。",
    "排队时间太长，没有人接听。",
    "配件到货后请关闭此单。",
    "房间很干净，早餐来得晚。",
    "订单2026031788仍未处理，版本2.4.1。",
    "服务等级4超时35分钟。",
)
ENGLISH_FORMS = {
    "email": ("Please write to {}.", "Reply to {} please.", "My address is {}, thanks."),
    "phone": ("Call me at {}.", "My number is {} after six.", "Tel: {}"),
    "chinese_id": ("The ID card is {}.", "ID {} was checked."),
    "national_id": ("My SSN is {}.", "Social security number {} on file."),
    "iban": ("Refund to {} please.", "IBAN: {}"),
    "card": ("Card {} was charged twice.", "I paid with {}."),
    "plate": ("The licence plate is {}.", "Plate: {}"),
    "name": ("My name is {}.", "Mr. {} called again.", "Dear Ms. {}, we are sorry.", "I spoke with {} yesterday."),
    "address": ("I live at {}.", "Deliver to {} please."),
    "postal_code": ("The zip code is {}.", "Postcode: {}"),
    "account": ("WhatsApp: {}", "My Telegram: {} for questions."),
}
CHINESE_FORMS = {
    "email": ("请发邮件到{}。", "邮箱：{}，谢谢", "回复{}即可。"),
    "phone": ("请拨打{}。", "我的手机{}，下午联系", "电话：{}"),
    "chinese_id": ("身份证号{}。", "证件号码：{}已核对"),
    "national_id": ("身分證{}。", "社保号码 {} 已登记"),
    "iban": ("请退款到{}。", "账户 {} 已核实"),
    "card": ("银行卡{}被重复扣款。", "卡号：{}"),
    "plate": ("车牌{}停在门口。", "我的车是{}，请登记"),
    "name": ("我叫{}，请回电。", "{}先生又来电话。", "联系人：{}，", "{}经理已处理。"),
    "address": ("我住在{}，请上门。", "地址：{}"),
    "postal_code": ("邮编{}。", "邮政编码：{}"),
    "account": ("微信号：{}，", "我的QQ号是{}。"),
}


@dataclass(frozen=True)
class Planted:
    """A text and the identifiers in it: class, first and last place, and what they are."""

    text: str
    kind: str
    identifier: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.identifier)


class Maker:
    """seed: two makers of one seed make the same."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def planted(self, count: int) -> Iterator[Planted]:
        """Each class as often as the others, in both languages in turn."""
        for number in range(count):
            kind = (*ENGLISH_FORMS,)[number % len(ENGLISH_FORMS)]
            yield self.text(kind, chinese=bool(number // len(ENGLISH_FORMS) % 2))

    def text(self, kind: str, chinese: bool) -> Planted:
        dice = self._dice
        form = dice.choice((CHINESE_FORMS if chinese else ENGLISH_FORMS)[kind])
        identifier = self.identifier(kind, chinese, titled="Mr." in form or "Ms." in form)
        fillers = CHINESE_FILLERS if chinese else ENGLISH_FILLERS
        gap = "" if chinese else " "
        before, after = dice.choice((*fillers, "")), dice.choice((*fillers, ""))
        head, tail = form.split("{}")
        begin = f"{before}{gap}{head}" if before else head
        return Planted(f"{begin}{identifier}{tail}{gap if after else ''}{after}", kind, identifier, len(begin))

    def identifier(self, kind: str, chinese: bool, titled: bool = False) -> str:
        made: str = getattr(self, f"_{kind}")(chinese)
        return made.split()[-1] if titled else made

    def _digits(self, count: int) -> str:
        return "".join(self._dice.choice(string.digits) for _ in range(count))

    def _email(self, chinese: bool) -> str:
        first, last = self._dice.choice(ENGLISH_GIVEN).lower(), self._dice.choice(ENGLISH_FAMILY).lower()
        return f"{first}.{last}{self._digits(4)}@{self._dice.choice(DOMAINS)}"

    def _phone(self, chinese: bool) -> str:
        dice = self._dice
        if chinese:
            number = f"1{dice.choice('3578')}{dice.choice('056789')}{self._digits(8)}"
            return dice.choice(
                (number, f"{number[:3]}-{number[3:7]}-{number[7:]}", f"{number[:3]} {number[3:7]} {number[7:]}")
            )
        area = dice.choice(("212", "415", "617", "312", "206"))
        exchange, line = f"{dice.randint(2, 9)}{self._digits(2).replace('11', '12')}", self._digits(4)
        return dice.choice(
            (
                f"({area}) {exchange}-{line}",
                f"+1 {area} {exchange} {line}",
                f"+44 20 7946 0{self._digits(3)}",
            )
        )

    def _chinese_id(self, chinese: bool) -> str:
        dice = self._dice
        area = dice.choice(("110105", "310115", "440106", "330106", "510107"))
        day = f"{dice.randint(1950, 2005)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
        body = f"{area}{day}{self._digits(3)}"
        # GB 11643: the whole number, its weights powers of 2, is 1 modulo 11.
        total = sum(int(one) * pow(2, 17 - place, 11) for place, one in enumerate(body))
        return body + "0123456789X"[(1 - total) % 11]

    def _national_id(self, chinese: bool) -> str:
        dice = self._dice
        if chinese:
            letters = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
            letter, body = dice.choice(letters), f"{dice.choice('12')}{self._digits(7)}"
            code = str(letters.index(letter) + 10) + body
            total = sum(int(one) * weight for one, weight in zip(code, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1), strict=True))
            return f"{letter}{body}{-total % 10}"
        area = dice.choice([n for n in range(1, 900) if n != 666])
        return f"{area:03d}-{dice.randint(1, 99):02d}-{dice.randint(1, 9999):04d}"

    def _iban(self, chinese: bool) -> str:
        country, body = self._dice.choice(
            (("DE", self._digits(18)), ("FR", self._digits(23)), ("ES", self._digits(20)))
        )
        number = int(body + "".join(str(ord(one) - 55) for one in country) + "00")
        plain = f"{country}{98 - number % 97:02d}{body}"
        return self._dice.choice((plain, " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))))

    def _card(self, chinese: bool) -> str:
        prefix, size = self._dice.choice((("4", 16), ("52", 16), ("37", 15), ("62", 19 if chinese else 16)))
        body = prefix + self._digits(size - 1 - len(prefix))
        # Luhn: every second digit from the right counts double, less 9 above 9.
        doubled = [int(one) * (2 - place % 2) for place, one in enumerate(reversed(body))]
        number = f"{body}{-sum(one - 9 if one > 9 else one for one in doubled) % 10}"
        if size == 16:
            return self._dice.choice((number, " ".join(number[at : at + 4] for at in range(0, 16, 4))))
        return number

    def _plate(self, chinese: bool) -> str:
        dice = self._dice
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
        if chinese:
            place, dot = dice.choice("京沪粤浙川苏") + dice.choice("ABCDEF"), dice.choice(("", "·"))
            return f"{place}{dot}{dice.choice(letters)}{self._digits(4)}"
        return f"{dice.choice(letters)}{dice.choice(letters)}{self._digits(2)} {''.join(dice.choices(letters, k=3))}"

    def _name(self, chinese: bool) -> str:
        dice = self._dice
        if chinese:
            return dice.choice(CHINESE_FAMILY) + "".join(dice.choices(CHINESE_GIVEN, k=dice.randint(1, 2)))
        return f"{dice.choice(ENGLISH_GIVEN)} {dice.choice(ENGLISH_FAMILY)}"

    def _address(self, chinese: bool) -> str:
        dice = self._dice
        if chinese:
            room = dice.choice(("", f"{dice.randint(1, 20)}号楼{dice.randint(101, 2999)}室"))
            return f"{dice.choice(DISTRICTS)}{dice.choice(ROADS)}{dice.randint(1, 999)}号{room}"
        return f"{dice.randint(1, 999)} {dice.choice(STREETS)}{dice.choice(('', f', Apt {dice.randint(1, 99)}'))}"

    def _postal_code(self, chinese: bool) -> str:
        return f"{self._dice.randint(10, 83)}{self._digits(4)}" if chinese else self._digits(5)

    def _account(self, chinese: bool) -> str:
        return (
            f"{self._dice.choice(ENGLISH_GIVEN).lower()}_{self._digits(5)}"
            if not chinese
            else f"{self._dice.randint(1, 9)}{self._digits(8)}"
        )


@dataclass(frozen=True)
class Measured:
    """Of one class. found: planted ones that are masked whole; masked: its findings; right: those on a planted one."""

    planted: int
    found: int
    masked: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.planted

    @property
    def precision(self) -> float:
        return self.right / self.masked


def measured(count: int, seed: int) -> dict[str, Measured]:
    from services.ingest.privacy.engine import identifiers

    counts: Counter[tuple[str, str]] = Counter()
    for one in Maker(seed).planted(count):
        found = identifiers(one.text)
        counts["planted", one.kind] += 1
        covered = {place for some in found for place in range(some.start, some.end)}
        counts["found", one.kind] += covered >= {
            place for place in range(one.start, one.end) if one.text[place].isalnum()
        }
        for some in found:
            counts["masked", some.kind] += 1
            counts["right", some.kind] += some.kind == one.kind and some.start < one.end and one.start < some.end
    return {
        kind: Measured(*(counts[what, kind] for what in ("planted", "found", "masked", "right")))
        for kind in ENGLISH_FORMS
    }


if __name__ == "__main__":
    print(f"| class | planted | recall | precision |\n| {'--- | ' * 4}".rstrip())
    for name, one in measured(10_000, 1).items():
        print(f"| `{name}` | {one.planted} | {one.recall:.2%} | {one.precision:.2%} |")
