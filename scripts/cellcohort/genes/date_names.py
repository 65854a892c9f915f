"""Symbols that a spreadsheet turned into dates: 2-Sep for SEPT2, 1-Mar for MARCH1 or MARC1."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = {"mar": 3, "mrz": 3, "mär": 3, "sep": 9, "sept": 9, "dec": 12, "dez": 12}
_WORD = "|".join(_MONTHS)
_DAY_MONTH = re.compile(rf"0?(\d{{1,2}})[-. /]+({_WORD})$", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"({_WORD})[-. /]+0?(\d{{1,2}})$", re.IGNORECASE)
_ISO = re.compile(r"(?:19|20)\d\d-(\d\d)-(\d\d)(?:[ T]00:00(?::00)?)?$")
_SERIAL = re.compile(r"[34]\d{4}$")
_FAMILIES = {3: "MARCH", 9: "SEPT", 12: "DEC"}
_LAST = {3: 11, 9: 15, 12: 2}
_AMBIGUOUS = {(3, 1), (3, 2)}


def is_date(name: str) -> bool:
    """Whether a name is a date that a spreadsheet makes of a symbol: 1-Mar, Sep-02, 2021-03-01, or its number 44256."""
    return _day(name) is not None


def symbol_of_date(name: str) -> str | None:
    """The symbol that became this date; None for another name, and where it is not certain (1-Mar, 2-Mar, a number)."""
    day = _day(name)
    if day is None or day in _AMBIGUOUS or _SERIAL.match(name):
        return None
    return "SEP15" if day == (9, 15) else f"{_FAMILIES[day[0]]}{day[1]}"


def _day(name: str) -> tuple[int, int] | None:
    """Month and day of a name that is a date on which a gene family lies."""
    if not (name[:1].isdigit() or name[:3].lower() in _MONTHS):
        return None
    if match := _DAY_MONTH.match(name):
        found = _MONTHS[match[2].lower()], int(match[1])
    elif match := _MONTH_DAY.match(name):
        found = _MONTHS[match[1].lower()], int(match[2])
    elif match := _ISO.match(name):
        found = int(match[1]), int(match[2])
    elif _SERIAL.match(name):
        counted = date(1899, 12, 30) + timedelta(days=int(name))
        found = counted.month, counted.day
    else:
        return None
    return found if 1 <= found[1] <= _LAST.get(found[0], 0) else None
