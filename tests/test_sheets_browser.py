"""Cards and sheets as Debian's Chromium prints them: on one page each, and nothing cut off."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from bot.channels.http import Headers
from bot.channels.page import Pages
from bot.channels.sheets import SheetPages
from bot.knowledge import Knowledge
from tests.conftest import NOON, NUMBER, ROOT, accessibility
from tests.test_sheets import LOCALES

pytestmark = pytest.mark.full

PUBLIC = "https://amparo-rights.example"  # an address as long as a real one
# Every box whose content is larger than itself, in the first card (the others are its copies).
CUT_OFF = """() => [...document.querySelectorAll('.card:first-child .half, .card:first-child, .handout, .columns, .entries, section, aside, footer')]
  .filter((box) => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)
  .map((box) => `${box.className || box.tagName}: ${box.scrollHeight - box.clientHeight} px`)"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.paper *')].filter((box) => [...box.childNodes].some(
  (node) => node.nodeType === 3 && node.data.trim())).map((box) => parseFloat(getComputedStyle(box).fontSize) * 0.75))"""


@pytest.fixture(scope="module")
def pages(knowledge: Knowledge) -> SheetPages:
    return SheetPages(Pages(knowledge, lambda: NOON), PUBLIC, NUMBER)


@pytest.fixture(scope="module")
def url(pages: SheetPages) -> Iterator[str]:
    """A server with the sheets alone, and the headers of the real one."""
    static = Mount("/static", StaticFiles(directory=ROOT / "web" / "static"))
    app = Starlette(routes=[*pages.routes, static], middleware=[Middleware(Headers)])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(base_url=url, viewport={"width": 816, "height": 1056})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(url) else errors.append(request.url))
    yield page
    context.close()
    assert errors == []


def printed(page: Page) -> int:
    """How many pages of paper it takes."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_page_each_and_nothing_cut_off(page: Page, pages: SheetPages, locale: str) -> None:
    for code in pages.main_codes[:-1]:
        page.goto(f"/{locale}/cards/{code}")
        page.emulate_media(media="print")
        assert page.evaluate(CUT_OFF) == [], code
        assert page.evaluate(SMALLEST) >= 7.5, code
        assert printed(page) == 1, code
        if page.locator(".cards").count():
            assert page.locator(".card").count() == 8
            sizes = {
                (round(box["width"] / 96, 2), round(box["height"] / 96, 2)) for box in map(_box, page.locator(".card").all())
            }
            assert sizes == {(4.1, 2.59)}


def _box(element) -> dict[str, float]:  # type: ignore[no-untyped-def]
    return element.bounding_box()


def test_cards_for_other_languages(page: Page, pages: SheetPages) -> None:
    """The longest of them, in the tallest hand and in the longest words."""
    for code in [*pages.codes[len(pages.main_codes) :: 10], *pages.codes[-4:]]:
        for locale in ("ur", "ru"):
            page.goto(f"/{locale}/cards/{code}")
            page.emulate_media(media="print")
            assert page.evaluate(CUT_OFF) == [], (locale, code)
            assert printed(page) == 1


def test_the_sheet_of_languages_is_front_and_back(page: Page, pages: SheetPages) -> None:
    page.goto(f"/en/cards/{pages.main_codes[-1]}")
    page.emulate_media(media="print")
    assert printed(page) == 2
    wide = "() => [...document.querySelectorAll('.tongues li')].filter((row) => row.scrollWidth > row.clientWidth + 1).map((row) => row.textContent)"
    assert page.evaluate(wide) == []


def test_the_button_prints_where_scripts_run(page: Page, browser: Browser, pages: SheetPages, url: str) -> None:
    page.goto(f"/es/cards/{pages.main_codes[0]}")
    assert page.locator("[data-print]").is_visible() and not page.locator("[data-print-how]").is_visible()
    page.evaluate("window.print = () => { window.printed = true; }")
    page.locator("[data-print]").click()
    assert page.evaluate("window.printed")
    context = browser.new_context(java_script_enabled=False, base_url=url)
    plain = context.new_page()
    plain.goto(f"/es/cards/{pages.main_codes[0]}")
    assert not plain.locator("[data-print]").is_visible() and plain.locator("[data-print-how]").is_visible()
    context.close()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_accessibility_and_small_screens(page: Page, pages: SheetPages, locale: str) -> None:
    """axe-core finds nothing, and only the sheet itself is wider than a small screen."""
    page.set_viewport_size({"width": 320, "height": 640})
    for path in ("", *(f"/{code}" for code in (pages.main_codes[0], pages.main_codes[7], pages.main_codes[-1]))):
        page.goto(f"/{locale}/cards{path}")
        assert accessibility(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
