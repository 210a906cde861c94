"""What a text must hold to hold an identifier, as one search that takes time in proportion to the text (RE2).

Most texts of a log are names of groups, states and codes; this search decides for all of them at once, without Python.
"""

import pyarrow as pa
import pyarrow.compute as pc

from services.ingest.privacy.dictionary import words

# Anything here is looked at more closely; nothing that any class finds may be missing.
_SEP = r"[ ()（）./\-\x{2010}-\x{2015}\x{2212}\x{30fb}\x{b7}\x{2022}\x{2027}]{0,2}"
_NUMBER = rf"(?:^|[^A-Za-z0-9_.#/@=&\-])[+(（]{{0,2}}[0-9](?:{_SEP}[0-9]){{5}}"
_CODE = (
    r"(?:^|[^A-Za-z0-9])(?:[A-Z]{1,2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2}|[A-Z]{6}[0-9]{2}[A-Z]|[XYZ]-?[0-9]{7}|"
    r"[0-9]{8}-?[A-Z]|[A-Za-z]{2}[0-9]{2}[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{4}|[12][0-9]{4}2[AB])"
)
_SAID = (
    r"(?i:plate|regist|reg\.|reg n|kennzeichen|immatric|targa|matr|qq|wechat|weixin|whatsapp|telegram|skype"
    r"|vx|line|zip|post|plz|name)|车牌|車牌|微信|邮|郵"
)
_ADDRESS = (
    r"[0-9][A-Za-z]?,? [^\n]*(?:Street|St|R(?:oa)?d|Av(?:enu)?e|La?ne?|Dr|Boulevard|Blvd|Court|Ct|Pl|Sq|Ter|Way|Cres"
    r"|Close|Parkway|Pkwy|Highway|Hwy|Cir|Row|Mews|Grove)"
    r"|[0-9],?(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|quai|all|imp)"
    r"|(?:Via|Viale|Piazza|Corso|Calle|Avenida|Plaza) |(?:straße|strasse|str\.|weg|platz|allee|gasse|damm) [0-9]"
    r"|[路街道巷弄同里村段].{0,3}[0-9一二三四五六七八九十百零〇]|[区區园園村寓苑庭城厦廈场場][0-9一二三四五六七八九十百零〇]"
)
# Full-width letters and digits, digits of other scripts, and what may be invisible between two digits.
_ODD = (
    r"[\x{ff10}-\x{ff19}\x{ff20}-\x{ff3a}\x{ff41}-\x{ff5a}]"
    r"|[\x{2000}-\x{200d}\x{2060}\x{feff}\x{ad}\x{a0}\x{202f}\x{205f}\x{3000}]"
)
_NATIVE = r"[\x{660}-\x{669}\x{6f0}-\x{6f9}\x{966}-\x{96f}]"
_CHINESE = (
    r"先生|女士|小姐|太太|夫人|[经經]理|主管|主任|老[师師板闆]|[医醫]生|大夫|[护護]士|[师師][傅]"
    r"|律[师師]|教授|博士|同[学學志事]|阿姨|大[姐哥]"
    r"|小哥|叔叔|[部局处處科店院校][长長]|董事|警官|工程|[顾顧][问問]|客服|[总總董工](?:[^\x{4e00}-\x{9fff}]|$)|我[叫是]|[这這他她]是|名[字叫]"
    r"|姓名|[联聯][系繫络絡繋]|人[:：是为為 ]|人[\x{4e00}-\x{9fff}]{2}|[户戶][主]|[患乘旅]"
    r"|持卡|[签簽署]名|本人|[亲親]|尊敬|[客用][户戶]"
    r"|前台|服[务務]|司[机機]|[员員]"
    r"|[销銷]售|管家|[导導]|坐席|[叫找]|此致|敬上|[谨謹]|落款|[京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊][A-Z]"
)
_NAMES = (
    r"(?:Mrs?|Ms|Miss|Mister|Dr|Prof|Professor|Doctor|Herr|Frau|Monsieur|Madame|Mme|Signora?|Señora?|MRS?|MS|DR"
    r"|Dear)\.? "
    r"|[:=] {0,2}\p{Lu}|(?i:regards|sincerely|cheers|truly|faithfully|wishes|cordialement|grüße)"
)
_GIVEN = rf"\b(?:{'|'.join(sorted(words('given_names')))})\b"
_ANY = "|".join(
    (r"@|[(\[{<] ?[Aa][Tt] ?[)\]}>]", _NUMBER, _CODE, _SAID, _ADDRESS, _ODD, _NATIVE, _CHINESE, _NAMES, _GIVEN)
)


def suspects(texts: pa.Array) -> list[int]:
    """The places of the texts that may hold an identifier."""
    places: list[int] = pc.indices_nonzero(pc.match_substring_regex(texts, _ANY).fill_null(False)).to_pylist()
    return places
