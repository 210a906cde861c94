"""Time zones by name, abbreviation or offset; what could mean several is none."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from functools import cache

# Abbreviations that mean one offset wherever they are written, in minutes east of UTC.
# CST, IST, BST, AST and the like mean several and are therefore missing.
_UTC = ("UTC", "GMT", "Z", "UT")
_OFFSETS_MIN = {
    **dict.fromkeys((*_UTC, "WET"), 0),
    **dict.fromkeys(("CET", "MET", "MEZ", "WEST"), 60),
    **dict.fromkeys(("CEST", "MEST", "MESZ", "EET", "SAST"), 120),
    **dict.fromkeys(("EEST", "MSK", "EAT"), 180),
    **dict.fromkeys(("SGT", "HKT", "AWST"), 480),
    **dict.fromkeys(("JST", "KST"), 540),
    **dict.fromkeys(("ACST",), 570),
    **dict.fromkeys(("AEST",), 600),
    **dict.fromkeys(("ACDT",), 630),
    **dict.fromkeys(("AEDT",), 660),
    **dict.fromkeys(("NZST",), 720),
    **dict.fromkeys(("NZDT",), 780),
    **dict.fromkeys(("EDT",), -240),
    **dict.fromkeys(("EST",), -300),
    **dict.fromkeys(("MDT",), -360),
    **dict.fromkeys(("MST", "PDT"), -420),
    **dict.fromkeys(("PST", "AKDT"), -480),
    **dict.fromkeys(("AKST",), -540),
    **dict.fromkeys(("HST",), -600),
}
_OFFSET = re.compile(r"([+\-−])([0-9]{2}):?([0-9]{2})?")


def offset_min(written: str) -> int | None:
    """Minutes east of UTC of "+01:00", "-0530", "+02" or an abbreviation that means one offset; else None."""
    return _OFFSETS_MIN.get(written.upper(), _offset_min(written))


def _offset_min(written: str) -> int | None:
    matched = _OFFSET.fullmatch(written)
    if matched is None:
        return None
    minutes = 60 * int(matched[2]) + int(matched[3] or 0)
    # The widest offsets in use are -12:00 and +14:00; 18 hours is what the standard libraries allow.
    if int(matched[3] or 0) > 59 or minutes > 18 * 60:
        return None
    return minutes if matched[1] == "+" else -minutes


@cache
def is_region(name: str) -> bool:
    """Whether the time zone database has this name, such as Europe/Berlin."""
    return "/" in name and name in zoneinfo.available_timezones()


def is_zone(written: str) -> bool:
    """Whether all times of a source can be in it: a region, an offset or UTC. Abbreviations are of half a year."""
    return is_region(written) or written.upper() in _UTC or _offset_min(written) is not None


def alike(name: str) -> list[str]:
    """Names of regions that may be meant: "Berlin" is Europe/Berlin."""
    regions = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone)
    wanted = name.strip().replace(" ", "_").lower()
    by_city = [zone for zone in regions if zone.lower().rsplit("/", 1)[-1] == wanted or zone.lower() == wanted]
    return by_city[:3] or difflib.get_close_matches(name, regions, n=3)
