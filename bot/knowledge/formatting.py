"""A fact's value as a reader of one language reads it: numbers, money, dates, hours and plurals by Babel."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format, get_day_names
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from bot.knowledge.facts import Fact, Hours
from bot.knowledge.yamlfile import load

CALENDAR_UNITS = ("year", "month", "week", "day", "hour", "minute")
LRM = "\u200e"  # after Arabic or Urdu, a number with hyphens is shown back to front without it (seen in Chromium)


@dataclass(frozen=True)
class Names:
    """A language's own names where Babel has none, or another language's (locales/<locale>/cldr.yml). Months from January, days from
    Monday; `day` and `month` are patterns over {d}, {m}, {y}; `units` (unit, pattern over {n}); `numbers` the locale of separators."""

    numbers: str
    months: tuple[str, ...]
    months_short: tuple[str, ...]
    days_short: tuple[str, ...]
    day: str
    month: str
    units: tuple[tuple[str, str], ...]


def load_names(path: Path) -> Names | None:
    """None where the language needs no such file. Raises ContentError."""
    if not path.exists():
        return None
    data = load(path)
    units = tuple((str(unit), str(form)) for unit, form in data["units"].items())
    lists = {key: tuple(map(str, data[key])) for key in ("months", "months_short", "days_short")}
    return Names(numbers=data["numbers"], day=data["day"], month=data["month"], units=units, **lists)


@dataclass(frozen=True)
class Style:
    """For whom a value is written. `plural` gives the words of a counted unit that Babel lacks (`point`) for a number."""

    cldr: Locale
    rtl: bool
    plural: Callable[[str, float], str]
    always_open: str
    names: Names | None = None

    @property
    def numbers(self) -> Locale:
        """The locale whose separators numbers and money have."""
        return Locale.parse(self.names.numbers) if self.names else self.cldr


# With no sentence mark at its end, English between quotation marks already stands right.
_ENGLISH = re.compile(rf'"{LRM}?[A-Za-z][^"\n]*[.?!]"')
_ENGLISH_HTML = re.compile(r"&quot;(?:<[^>]*>)*[A-Za-z](?:(?!&quot;).)*[.?!]&quot;")


def left_to_right(text: str, *, markup: bool = False) -> str:
    """Arabic or Urdu text (`markup`: as HTML) in which English between quotation marks keeps its marks and full stop on their own sides."""
    return (_ENGLISH_HTML if markup else _ENGLISH).sub(lambda match: f"{LRM}{match.group()}{LRM}", text)


def telephone(number: str) -> str:
    """A telephone number (E.164) as people here write it: area, exchange and line with hyphens. Others as they are."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return "-".join(found.groups()) if found else number


def month(day: date, style: Style) -> str:
    """The month and year in which something was collected, such as `Nov 2026`."""
    return _month(day.year, day.month, style.cldr, style.names)


@lru_cache(maxsize=256)
def _month(year: int, number: int, cldr: Locale, names: Names | None) -> str:
    if names is not None:
        return names.month.format(m=names.months_short[number - 1], y=year)
    return str(format_skeleton("yMMM", datetime(year, number, 1), locale=cldr))


def plain(fact: Fact, style: Style) -> str:
    """The value as running text."""
    text = _text(fact.type, fact.value, fact.unit, style)
    left_to_right = fact.type in ("phone", "url", "text", "hours", "money")
    return LRM + text if style.rtl and left_to_right else text


def as_html(fact: Fact, style: Style) -> str:
    """The value as HTML: numbers and addresses kept left to right, not machine-translated, and ready to tap."""
    text = html.escape(_text(fact.type, fact.value, fact.unit, style))
    if fact.type == "phone":
        digits = str(fact.value).replace("-", "")
        link = f"tel:+1{digits}" if len(digits) == 10 else f"tel:{digits}"
        return f'<bdi dir="ltr" translate="no"><a href="{link}">{text}</a></bdi>'
    if fact.type == "url":
        address = str(fact.value)
        href = address if address.startswith("http") else f"https://{address}"
        return f'<bdi dir="ltr" translate="no"><a href="{html.escape(href)}" rel="noreferrer">{text}</a></bdi>'
    if fact.type == "text":
        return f'<bdi dir="ltr" translate="no">{text}</bdi>'
    return f'<bdi dir="ltr">{text}</bdi>' if style.rtl and fact.type in ("hours", "money") else text


def _text(type_: str, value: Any, unit: str | None, style: Style) -> str:
    text: str
    if type_ == "money":
        whole = float(value).is_integer()
        text = format_currency(
            value, "USD", locale=style.numbers, currency_digits=not whole, format=_dollars(style.numbers, whole)
        )
    elif type_ == "count":
        text = _duration(value, str(unit), style) if unit in CALENDAR_UNITS else style.plural(str(unit), value)
    elif type_ == "number":
        text = format_decimal(value, locale=style.numbers)
    elif type_ == "date":
        text = full_date(value, style)
    elif type_ == "hours":
        text = hours(value, style)
    else:
        text = str(value)
    return text


def full_date(day: date, style: Style) -> str:
    """A day with its year, in the reader's way."""
    if style.names is not None:
        return style.names.day.format(d=day.day, m=style.names.months[day.month - 1], y=day.year)
    return str(format_date(day, format="long", locale=style.cldr))


def _duration(value: float, unit: str, style: Style) -> str:
    """Babel has no long forms of these units for Chinese, Korean, Bengali and Urdu, and says so by giving the unit's own name."""
    cldr = style.cldr
    if style.names is not None:
        return dict(style.names.units)[unit].format(n=format_decimal(value, locale=style.numbers))
    long = str(format_unit(value, f"duration-{unit}", locale=cldr))
    return long if "duration-" not in long else str(format_unit(value, f"duration-{unit}", length="short", locale=cldr))


def _dollars(cldr: Locale, whole: bool) -> str | None:
    """The locale's own currency pattern, without cents where there are none ($50, not $50.00)."""
    pattern: str = cldr.currency_formats["standard"].pattern
    if cldr.language == "bn":  # CLDR puts the sign after the amount ("0US$"); in New York it stands before
        pattern = "¤" + pattern.replace("¤", "")
    return pattern.replace("0.00", "0") if whole else pattern


def hours(value: Hours, style: Style) -> str:
    """Opening hours in the reader's way: runs of days with the same hours are joined."""
    if value.always:
        return style.always_open
    names = dict(enumerate(style.names.days_short)) if style.names else get_day_names("abbreviated", locale=style.cldr)
    runs: list[list[Any]] = []
    for day, opens, closes in value.days:
        if runs and runs[-1][1] == day - 1 and runs[-1][2:] == [opens, closes]:
            runs[-1][1] = day
        else:
            runs.append([day, day, opens, closes])
    spans = []
    for first, last, opens, closes in runs:
        days = names[first] if first == last else f"{names[first]}-{names[last]}"
        spans.append(f"{days} {_time(opens, style)}-{_time(closes, style)}")
    return ", ".join(spans)


def moment(at: datetime, style: Style) -> str:
    """A day and a time, such as `Mon, Nov 30, 9 AM`: `at` in the time zone in which it is to be read."""
    if style.names is not None:
        names = style.names
        day = f"{names.days_short[at.weekday()]} {at.day} {names.months_short[at.month - 1]}"
    else:
        day = str(format_skeleton("MMMEd", at, locale=style.cldr))
    pattern = str(get_datetime_format("medium", locale=style.cldr))
    return pattern.replace("'", "").replace("{0}", _time(at.time(), style)).replace("{1}", day)


def _time(moment: clock_time, style: Style) -> str:
    # Minutes only where there are any, and ordinary spaces: "9 AM", not "9:00\u202fAM" (which would cost an SMS its GSM-7).
    if "a" in style.numbers.time_formats["short"].pattern:
        skeleton = "h a" if not moment.minute else "h:mm a"
        return str(format_time(moment, skeleton, locale=style.numbers)).replace("\u202f", " ").replace("\u00a0", " ")
    return str(format_time(moment, "HH:mm", locale=style.cldr))
