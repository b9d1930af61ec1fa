"""Cards and sheets to print: what stands on them, until when, and where their square codes lead. How they lie on paper is in
test_sheets_browser.py."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import segno
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot import cli
from bot.channels.page import Pages
from bot.channels.sheets import COPIES, SheetPages
from bot.knowledge import ContentError, Knowledge
from bot.knowledge.answers import PLACEHOLDER
from bot.knowledge.check import load_rules
from bot.knowledge.codes import code_of
from bot.knowledge.facts import ALWAYS_TRUE
from bot.knowledge.sheets import LANGUAGES, Kind, Sheets, day
from tests.conftest import NOON, NUMBER, PUBLIC, ROOT

LOCALES = ("en", "es", "zh_Hans", "zh_Hant", "ru", "bn", "ht", "ko", "ar", "ur", "fr", "pl")


@pytest.fixture(scope="module")
def sheets(knowledge: Knowledge) -> Sheets:
    return Sheets(knowledge)


@pytest.fixture(scope="module")
def pages(knowledge: Knowledge) -> SheetPages:
    return SheetPages(Pages(knowledge, lambda: NOON), PUBLIC, NUMBER)


def kind(sheets: Sheets, id_: str) -> Kind:
    return next(one for one in [*sheets.kinds, *sheets.others] if one.id == id_)


def changed(knowledge: Knowledge, **fields: object) -> Knowledge:
    """A copy with something else in it, whose lookups start anew."""
    return replace(knowledge, _facts_of={}, **fields)  # type: ignore[arg-type]


def words(page: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page[page.index("<main>") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def stated(knowledge: Knowledge, one: Kind) -> set[str]:
    """The facts on a sheet, read from the content itself."""
    found = {phone for _, phone in one.numbers}
    found |= {line.hours for line in knowledge.lines.values() if line.phone in found and line.hours}
    for id_ in (*one.texts, *one.say):
        answer = knowledge.answers[id_]
        found |= {name[5:] for name in PLACEHOLDER.findall(answer.texts["short"] + (answer.say or ""))} | set(answer.rests_on)
    return found - ALWAYS_TRUE


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sheet_in_every_language(knowledge: Knowledge, sheets: Sheets, pages: SheetPages, locale: str) -> None:
    assert [info.code for info in knowledge.served()] == list(LOCALES)
    for one in sheets.kinds:
        sheet, page = sheets.make(one, locale), pages.sheet(locale, one.code)
        facts = [knowledge.facts[name] for name in stated(knowledge, one)]
        assert sheet.until == min(fact.due for fact in facts), one.id
        assert sheet.collected == min(fact.checked for fact in facts), one.id
        seen = words(page)
        assert " ".join(day(sheet.until, knowledge.style(locale)).split()) in seen, one.id
        assert "212\u2011555\u2011" in seen, "the number to text"
        assert "{" not in seen and sheet.title in page.replace("&#39;", "'"), one.id
        for _, text, _ in sheet.texts:
            assert text.locale == locale and text.html in page, one.id
        if one.form == "card":
            assert page.count('<li class="card"') == COPIES
            assert page.count('lang="en" dir="ltr"') >= COPIES, "the half for an officer or a clerk"
        assert f'lang="{locale.replace("_", "-")}"' in page and f'dir="{knowledge.locale(locale).dir}"' in page


def test_every_kind_that_was_asked_for(sheets: Sheets) -> None:
    ids = {one.id for one in sheets.kinds}
    assert {f"card/{name}" for name in ("door", "street", "police", "school", "interpreter", "idnyc", "numbers")} <= ids
    topics = {"idnyc", "ice", "policing", "schools", "u_visa", "t_visa", "legal_help", "city_services", "numbers"}
    assert {f"handout/{name}" for name in topics} == {id_ for id_ in ids if id_.startswith("handout/")}
    assert len(sheets.others) > 100 and {one.id for one in sheets.others} >= {"card/interpreter/wo", "card/interpreter/uk"}


# Words besides those that a locked screen must not show (content/sms_words.yml), in English.
HIDDEN = ("abus", "violen", "victim", "hurt", "crime", "partner", "husband", "wife", "hotline", "safety", "assault", "status")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_numbers_tell_nothing_to_who_looks_over_a_shoulder(
    knowledge: Knowledge, sheets: Sheets, pages: SheetPages, locale: str
) -> None:
    """The card and the sheet on which the line for violence at home stands look like any list of City services."""
    preview = load_rules().preview
    for id_ in ("card/numbers", "handout/numbers"):
        one = kind(sheets, id_)
        sheet = sheets.make(one, locale)
        assert "hope_line" in [phone for _, phone in one.numbers]
        assert one.numbers[0][1] == "emergency" and one.numbers[-1][1] != "hope_line", "neither first nor last"
        said = f"{sheet.title} {' '.join(number.label for number in sheet.numbers)}"
        for word in preview[locale]:
            bound = "" if locale.startswith("zh") or locale in ("ko", "ar", "ur", "bn") else r"\b"
            assert not re.search(bound + re.escape(word), said, 0 if word.isupper() else re.IGNORECASE), (id_, word)
    if locale == "en":
        card = words(pages.sheet("en", kind(sheets, "card/numbers").code)).casefold()
        for word in [*(one for one in preview["en"] if not one.isupper()), *HIDDEN]:
            assert word.casefold() not in card, word
    line = kind(sheets, "card/numbers").leads_to
    assert knowledge.questions[line].topic == "city_services", "nor does its square code lead elsewhere"


@pytest.mark.parametrize("locale", LOCALES)
def test_square_codes_lead_to_the_answer(sheets: Sheets, pages: SheetPages, locale: str) -> None:
    """No decoder is at hand, so the drawn squares are compared with those of the right address."""
    for one in sheets.kinds:
        page = pages.sheet(locale, one.code)
        address = f"{PUBLIC}/{locale}/a/{code_of(one.leads_to)}"
        assert one.leads_to == (one.texts[0] if one.texts else "what_is_311")
        drawn = {squares(match) for match in re.findall(r'<svg viewBox="0 0 (\d+) \d+" class="qr">.*?d="([^"]+)"', page)}
        code = segno.make(address, error="m", micro=False)
        assert drawn == {tuple(tuple(bool(dark) for dark in row) for row in code.matrix_iter(border=4))}, one.id


def squares(drawn: tuple[str, str]) -> tuple[tuple[bool, ...], ...]:
    """The squares of an SVG path of horizontal strokes (`M4 4.5h7m2 0h5`), row by row."""
    size, path = int(drawn[0]), drawn[1]
    rows = [[False] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for step in re.findall(r"M([\d.]+) ([\d.]+)|m(-?[\d.]+) (-?[\d.]+)|h([\d.]+)", path):
        if step[0]:
            x, y = float(step[0]), float(step[1])
        elif step[2]:
            x, y = x + float(step[2]), y + float(step[3])
        else:
            for dark in range(int(x), int(x + float(step[4]))):
                rows[int(y)][dark] = True
            x += float(step[4])
    return tuple(tuple(row) for row in rows)


def test_addresses_and_titles_name_no_topic(knowledge: Knowledge, sheets: Sheets, pages: SheetPages) -> None:
    names = {part for one in sheets.kinds for part in re.split(r"[/_]", one.id)} | {"visa", "ice", "police", "victim"}
    titles = set()
    for page in [pages.listing("en"), *(pages.sheet("en", code) for code in pages.main_codes)]:
        titles |= set(re.findall(r"<title>(.*?)</title>", page))
        for address in re.findall(r'href="(/[^"]*)"', page):
            assert not names - {"cards", "card"} & set(re.split(r"[/._-]", address)), address
            assert re.fullmatch(
                r"/(static/[a-z.]+(\?\w+)?|[a-zA-Z_]+/(cards(/[2-9a-z]{4})?|answers|who|privacy|terms|corrections)?)", address
            ), address
    cards = knowledge.answers["system/web_cards"].texts["short"]
    assert titles == {cards, f"Amparo · {cards}"}


def test_a_fact_that_expires_moves_the_day(knowledge: Knowledge, sheets: Sheets) -> None:
    one = kind(sheets, "card/idnyc")
    sooner = date(2026, 12, 2)
    fact = replace(knowledge.facts["idnyc_site"], valid_until=sooner)
    other = changed(knowledge, facts={**knowledge.facts, "idnyc_site": fact})
    moved = Sheets(other).make(one, "es")
    assert moved.until == sooner < sheets.make(one, "es").until
    now = datetime(2026, 12, 2, 17, tzinfo=NOON.tzinfo)
    for at, past in (
        (now, False),
        (now.replace(day=3, hour=4), False),
        (now.replace(day=3), True),
    ):  # 4 h UTC: still the 2nd here
        assert moved.is_past(at) is past, at
    page = SheetPages(Pages(other, lambda: now + timedelta(days=1)), PUBLIC, NUMBER).sheet("es", one.code)
    assert 'class="stop"' in page and 'class="card"' not in page and "qr" not in page
    assert day(sooner, knowledge.style("es")) in words(page)


def test_what_is_held_is_not_printed(knowledge: Knowledge, sheets: Sheets) -> None:
    for held in ("police_stop", "policing_stop_rule"):
        page = SheetPages(Pages(changed(knowledge, held=frozenset({held})), lambda: NOON), PUBLIC, NUMBER)
        assert 'class="stop"' in page.sheet("fr", kind(sheets, "card/police").code)
        assert 'class="card"' in page.sheet("fr", kind(sheets, "card/idnyc").code)


def test_a_stale_translation_gives_english(knowledge: Knowledge, sheets: Sheets) -> None:
    answer = knowledge.answers["ice_home"]
    other = replace(answer, texts={**answer.texts, "short": "Keep the door shut."})
    text = Sheets(changed(knowledge, answers={**knowledge.answers, "ice_home": other})).make(kind(sheets, "card/door"), "ar")
    assert text.texts[0][1].html == "Keep the door shut." and text.texts[0][1].locale == "en"


def test_it_does_not_look_like_the_city(knowledge: Knowledge, pages: SheetPages) -> None:
    line = knowledge.answers["system/web_footer_not_city"].texts["short"]
    government = SheetPages(
        Pages(changed(knowledge, operator={**knowledge.operator, "kind": "government"}), lambda: NOON), PUBLIC, None
    )
    for code in pages.main_codes:
        assert line in words(pages.sheet("en", code)) and line not in words(government.sheet("en", code))
    assert line in pages.listing("en") and line in words(pages.listing("en", folder=True))


def test_no_number_to_text_is_made_up(knowledge: Knowledge, pages: SheetPages) -> None:
    without = SheetPages(Pages(knowledge, lambda: NOON), PUBLIC, None)
    label = knowledge.answers["system/web_cards_text"].texts["short"].split("{")[0].strip()
    for code in pages.main_codes[:-1]:
        assert label in words(pages.sheet("en", code)) and label not in words(without.sheet("en", code))


def test_the_sheet_of_languages(knowledge: Knowledge, sheets: Sheets, pages: SheetPages) -> None:
    with_line, others = sheets.languages()
    assert [row.own for row in with_line[: len(LOCALES)]] == [knowledge.locales[code].name for code in LOCALES]
    assert all(row.line for row in with_line) and not any(row.line for row in others)
    assert len({(row.own, row.english) for row in [*with_line, *others]}) == len(with_line) + len(others)
    assert {"Fulfulde (Fulani from Mali)", "Farsi", "Kurmanji Kurdish", "Toishanese"} <= {row.english for row in others}
    page = words(pages.sheet("ko", code_of(LANGUAGES)))
    assert all(row.own in page.replace("&#39;", "'") for row in others)
    unknown = set(Sheets(knowledge)._own_names) - set(knowledge.unwritten)
    assert not unknown


def test_a_card_for_a_language_that_we_do_not_write(sheets: Sheets, pages: SheetPages) -> None:
    page = words(pages.sheet("fr", kind(sheets, "card/interpreter/wo").code))
    assert page.count("I speak Wolof, not French. I need a Wolof interpreter by phone.") == COPIES
    assert "Every City office" not in page, "the rest is in the language of the page"


def test_addresses(pages: SheetPages, sheets: Sheets) -> None:
    client = TestClient(Starlette(routes=pages.routes))
    code = kind(sheets, "card/door").code
    assert client.get(f"/bn/cards/{code}").status_code == client.get("/bn/cards").status_code == 200
    for path in ("/xx/cards", f"/xx/cards/{code}", "/qps/cards"):
        assert client.get(path).status_code == 404, path
    unknown = client.get("/bn/cards/zzzz")
    assert unknown.status_code == 404 and f"/bn/cards/{code}" in unknown.text, "the list instead"
    assert "style=" not in client.get(f"/bn/cards/{code}").text, "the Content-Security-Policy allows no style in a page"


def test_the_pack_needs_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMPARO_PUBLIC_URL", PUBLIC)
    assert cli.main(["pack", "--lang", "bn,es", "--out", str(tmp_path / "pack")]) == 0
    assert PUBLIC in capsys.readouterr().out
    files = {file.name for file in (tmp_path / "pack").iterdir()}
    assert {"index.html", "bn.html", "es.html"} <= files
    linked = set()
    for file in (tmp_path / "pack").iterdir():
        page = file.read_text()
        assert not re.search(r"<link|\bsrc=|url\(|@import", page), "nothing is fetched"
        linked |= {address for address in re.findall(r'<a [^>]*href="([^"]+)"', page) if not urlsplit(address).scheme}
    assert linked <= files and files - linked <= {"index.html"}
    assert "@page" in (tmp_path / "pack" / "index.html").read_text()


def test_a_pack_in_a_language_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pack", "--lang", "bn,tlh", "--out", str(tmp_path / "pack")]) == 1
    assert "tlh" in capsys.readouterr().err and not (tmp_path / "pack").exists()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("texts: [ice_home]", "texts: [ice_hom]", "ice_hom"),
        ("phone: health_care_phone", "phone: health_care_fone", "health_care_fone"),
        ("phone: health_care_phone", "phone: idnyc_site", "no telephone number"),  # a fact of another kind
        ("title: ice_home", "titel: ice_home", "titel"),
        ("leads_to: what_is_311", "leads_to: what_is_411", "what_is_411"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(knowledge: Knowledge, tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = (ROOT / "content" / "cards.yml").read_text()
    assert old in text
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "cards.yml").write_text(text.replace(old, new, 1))
    with pytest.raises(ContentError, match=problem):
        Sheets(changed(knowledge, root=tmp_path))


def test_a_number_that_is_not_sure_is_on_no_card(knowledge: Knowledge) -> None:
    doubtful = replace(knowledge.facts["hope_line"], confidence="low")
    with pytest.raises(ContentError, match="hope_line"):
        Sheets(changed(knowledge, facts={**knowledge.facts, "hope_line": doubtful}))
