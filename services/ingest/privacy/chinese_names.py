"""Names of persons in Chinese text, by family name, title and context.

Chinese has no spaces, so a name needs a family name of the list and a word that says whose it is: a title behind it
(王先生, 张伟经理), an introduction (我叫, 姓名：, 联系人) or a role before it (客服小王). Names in running text
without any of
these are not found. Each form is searched by its words of context; the characters next to them are then looked up.
"""

import re
from collections.abc import Iterator

from services.ingest.privacy.dictionary import characters, pairs, words
from services.ingest.privacy.identifier import Identifier, IdentifierClass

_HAN = "\u4e00-\u9fff"
_FAMILY, _FAMILY_PAIRS = characters("chinese_family_names"), pairs("chinese_family_names")
_GIVEN = characters("chinese_given_characters")
_ANY_FAMILY = f"(?:{'|'.join(sorted(_FAMILY_PAIRS))}|[{''.join(sorted(_FAMILY))}])"
_ANY_GIVEN = f"[{''.join(sorted(_GIVEN))}]"
_END = r"(?=[，。,.!！？?；;、：:）)\s]|$)"

_TITLE = re.compile(
    "先生|女士|小姐|太太|夫人|经理|經理|主管|主任|老师|老師|医生|醫生|"
    "大夫|护士|護士|师傅|師傅|律师|律師|教授|博士|同学|同學|同志|阿姨|"
    "大姐|大哥|小哥|叔叔|部长|部長|局长|局長|处长|處長|科长|科長|店长|"
    "店長|院长|院長|校长|校長|警官|工程师|工程師|顾问|顧問|客服|总监|"
    "總監|老板|老闆|董事长|董事長|总|總|董|工"
)
_SHORT_TITLES = frozenset("总總董工")
_INTRODUCTION = re.compile(
    "(?:我叫做|我叫|我名叫|名字叫做|名字叫|名字是|名叫|姓名|联系人|聯絡人|"
    "聯繫人|收件人|收货人|收貨人|寄件人|申请人|申請人|投诉人|投訴人|"
    "报修人|報修人|户主|戶主|患者|乘客|旅客|持卡人|开户人|開戶人|"
    "经办人|經辦人|负责人|負責人|当事人|當事人|签名|簽名|署名|本人|"
    "尊敬的|亲爱的|親愛的|客户|客戶|用户|用戶)"
    rf"(?:[是为為叫]|\s?[:：]\s?)?\s?(?P<name>{_ANY_FAMILY}[{_HAN}·]{{1,3}})"
)
_IS = re.compile(f"(?:我是|这是|這是|他是|她是|我叫|找)(?P<name>{_ANY_FAMILY}{_ANY_GIVEN}{{1,2}}){_END}")
_ROLE = re.compile(
    "(?:客服|前台|服务员|服務員|经理|經理|师傅|師傅|技师|技師|司机|司機|"
    "员工|員工|同事|护士|護士|医生|醫生|老师|老師|快递员|快遞員|销售|"
    "銷售|管家|导游|導遊|接待员|接待員|坐席|专员|專員|叫|找|联系|聯繫)(?:的|是)?"
    f"(?P<name>[小老阿][{''.join(sorted(_FAMILY))}](?![{_HAN}]?(?:时|時|费|費|区|區))|{_ANY_FAMILY}{_ANY_GIVEN}{{2}})"
)
_SIGNED = re.compile(f"(?:此致|敬上|谨启|謹啟|落款)\\s*[:：]?\\s*(?P<name>{_ANY_FAMILY}{_ANY_GIVEN}{{1,2}})\\s*$")
_FORMS = (_IS, _ROLE, _SIGNED)
_CLAUSE_END = re.compile(_END)

_NICKNAME_WORDS = words("chinese_words", "nicknames")
# A family name and the character before it that make a word together: 由于, 施工, 导游, 出租车, 某位.
_BEFORE = {
    "于": "由对對关關至等处處位基鉴鑑善忠属屬便终終多过過易敢勇乐樂始",
    "車": "租叫打停派",
    "车": "租叫打停派",
    "时": "一小及同准當当有平随隨到临臨那這这是钱",
    "時": "一小及同准當当有平随隨到临臨那這这是",
    "向": "方一意倾傾面走法要我得去",
    "关": "相有",
    "關": "相有",
    "司": "公",
    "江": "浙长長",
    "钟": "分点點",
    "鐘": "分点點",
    "位": "一某各几幾两兩这這那每哪三四五诸諸单單座有了此",
    "游": "导導旅",
    "程": "携攜工过過行",
    "方": "地对對官双雙多我各警乙甲",
    "单": "订訂菜买買账賬",
    "常": "经經非正通平日",
    "房": "客",
    "任": "主责責担擔",
    "边": "旁那这這",
    "和": "",
    "党": "共",
    "项": "",
    "安": "保公平",
    "成": "完",
    "路": "一",
    "管": "主不",
    "黄": "",
    "景": "风",
    "解": "了理",
    "万": "",
}
_BRANDS = words("chinese_words", "brands")
_WORDS = words("chinese_words", "words")
_NOT_GIVEN = words("chinese_words", "not_given")


def chinese_names(text: str) -> Iterator[Identifier]:
    """Of a normal text that has Han characters."""
    for match in _TITLE.finditer(text):
        start = _titled_start(text, match)
        if start >= 0:
            yield Identifier(start, match.start(), IdentifierClass.NAME)
    for form in _FORMS:
        for match in form.finditer(text):
            if match["name"][:2] not in _WORDS and match["name"] not in _NICKNAME_WORDS:
                yield Identifier(*match.span("name"), IdentifierClass.NAME)
    for match in _INTRODUCTION.finditer(text):
        name = _cut(match["name"])
        if name and name[:2] not in _WORDS:
            yield Identifier(match.start("name"), match.start("name") + len(name), IdentifierClass.NAME)


def _titled_start(text: str, title: re.Match[str]) -> int:
    """Where the name before a title begins: a family name and up to two characters of given names. -1: none is
    there."""
    end = title.start()
    if title.group() in _SHORT_TITLES:
        # 总 and 工 make too many other words: only a bare family name before them, and the end of the clause behind.
        if not _CLAUSE_END.match(text, title.end()):
            return -1
        longest = 1
    else:
        longest = 3
    for size in range(longest, 0, -1):
        start = end - size
        if start < 0:
            continue
        family = text[start : start + 2] if size > 2 and text[start : start + 2] in _FAMILY_PAIRS else text[start]
        if size == 2 and text[start:end] in _FAMILY_PAIRS:
            return start
        if family[0] not in _FAMILY and family not in _FAMILY_PAIRS:
            continue
        if any(one not in _GIVEN for one in text[start + len(family) : end]):
            continue
        before = text[start - 1 : start]
        if before and before in _BEFORE.get(family, ""):
            continue
        word = text[start : start + 2]
        if word in _WORDS or word in _NICKNAME_WORDS or text[start : title.end()] in _BRANDS:
            continue
        return start
    return -1


def _cut(run: str) -> str:
    """Of a family name and the characters behind it, those that are the name."""
    family = 2 if run[:2] in _FAMILY_PAIRS else 1
    name = run[: family + 1]
    if len(name) <= family or run[family] in _NOT_GIVEN:
        return ""
    third = run[family + 1 : family + 2]
    if third and third not in _NOT_GIVEN and (third in _GIVEN or len(run) == family + 2):
        name += third
    return name
