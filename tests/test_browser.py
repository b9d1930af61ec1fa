"""The chat page in Debian's Chromium, as a person uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ROOT, Server

pytestmark = pytest.mark.full


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A small phone; every request to anywhere but our own server fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=server.url, locale="es-MX")
    page = context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(server.url) else elsewhere.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert elsewhere == [] and errors == []


def ask(page: Page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("textbox").press("Enter")


def test_ask_in_spanish_then_switch_to_english(page: Page) -> None:
    page.goto("/")
    assert page.url.endswith("/es/"), "the browser's language"
    ask(page, "¿Cuánto cuesta el IDNYC?")
    reply = page.locator(".reply")
    expect(reply).to_contain_text("nyc.gov/idnyc")
    expect(reply.locator("summary")).to_contain_text("nov 2026")
    reply.locator("summary").click()
    expect(reply.locator("details a").first).to_be_visible()
    assert (reply.locator("details a").first.get_attribute("href") or "").startswith("https://")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=ROOT / "build" / "chat-es.png")
    page.locator(".languages summary").click()
    page.get_by_role("button", name="English").click()
    page.wait_for_url("**/en/")
    expect(page.locator(".reply")).to_contain_text("nyc.gov/idnyc")
    expect(page.locator(".reply summary")).to_contain_text("Nov 2026")
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_suggestion_and_an_option(page: Page) -> None:
    page.goto("/en/")
    page.locator(".options button").first.click()
    expect(page.locator(".reply")).to_have_count(1)
    page.locator(".options button").first.click()
    expect(page.locator(".reply")).to_have_count(2)


def test_an_urgent_message(page: Page) -> None:
    page.goto("/es/")
    ask(page, "la migra esta en mi puerta ahora")
    expect(page.locator(".reply")).to_have_count(1)
    expect(page.locator(".say")).to_be_visible()


def test_papers_are_ticked(page: Page) -> None:
    page.goto("/en/")
    ask(page, "which papers do i need for idnyc")
    page.get_by_label("Lease").check()
    page.get_by_label("Passport with code").check()
    page.get_by_role("button", name="Show the points").click()
    expect(page.locator(".reply").last).to_contain_text("Points for who you are: 3. Points for where you live: 1.")
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_label("Lease")).not_to_be_checked()


def test_english_stands_right_in_arabic(page: Page) -> None:
    """A full stop inside English quotation marks is drawn at its own end, and a telephone number from left to right."""
    page.goto("/ar/")
    ask(page, "ماذا أفعل إذا جاءت ICE إلى بيتي")
    expect(page.locator(".reply").last).to_contain_text("I do not consent to your entry.")
    ends = page.evaluate(
        """() => {
          const walk = document.createTreeWalker(document.querySelector("#log"), NodeFilter.SHOW_TEXT);
          for (let node; (node = walk.nextNode());) {
            const at = node.data.indexOf("your entry.");
            if (at < 0) continue;
            const left = (i) => { const r = document.createRange(); r.setStart(node, i); r.setEnd(node, i + 1); return r.getBoundingClientRect(); };
            const y = left(at + 9), stop = left(at + 10);
            return [y.left, stop.left, y.top, stop.top];
          }
        }"""
    )
    assert ends[1] > ends[0] or ends[2] != ends[3], "the full stop follows the last letter"


def left_to_us(page: Page) -> None:
    """Point "Leave now" at a page of our own: the tests reach no other (one with an icon, or Chromium asks for /favicon.ico)."""
    page.evaluate("document.getElementById('leaving-words').dataset.leave = '/es/privacy'")


def test_leave_now(page: Page) -> None:
    """The conversation is erased here and on the server, and Back shows nothing of it."""
    page.goto("/en/")
    ask(page, "what is idnyc")
    expect(page.locator(".reply")).to_have_count(1)
    left_to_us(page)
    with page.expect_request("**/chat/erase"):
        page.get_by_role("button", name="Leave now").click()
    page.wait_for_url("**/es/privacy")
    page.go_back()
    expect(page.locator(".reply")).to_have_count(0)


def test_leave_by_a_key(page: Page) -> None:
    """Shift three times, each time said to a screen reader; capitals and a pause do not count."""
    page.goto("/en/")
    ask(page, "what is idnyc")
    expect(page.locator(".reply")).to_have_count(1)
    left_to_us(page)
    page.get_by_role("textbox").press_sequentially("WHAT IS IT")
    for _ in range(5):
        page.keyboard.press("Shift+A")
    expect(page.locator(".reply")).to_have_count(1)
    said = page.locator("#leaving")
    page.keyboard.press("Shift")
    expect(said).to_have_text("Shift. Press 2 more times to leave.")
    expect(page.locator(".lights i.on")).to_have_count(1)
    page.keyboard.press("b")
    expect(said).to_have_text("Leaving was stopped.")
    expect(page.locator(".lights")).to_have_count(0)
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    expect(said).to_have_text("Shift. Press 1 more time to leave.")
    page.keyboard.press("Shift")
    page.wait_for_url("**/es/privacy")


def test_leaving_covers_the_page_at_once(page: Page) -> None:
    page.goto("/en/")
    ask(page, "what is idnyc")
    expect(page.locator(".reply")).to_have_count(1)
    # An address that leads nowhere: what is seen until the next page comes is what counts.
    page.route("**/slow", lambda route: route.fulfill(status=204))
    page.evaluate("document.getElementById('leaving-words').dataset.leave = '/slow'")
    page.get_by_role("button", name="Leave now").click()
    expect(page.locator("#cover")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()
    assert page.title() == "…"


def test_without_a_script(browser: Browser, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=server.url)
    page = context.new_page()
    page.goto("/es/")
    page.get_by_role("textbox").fill("¿Cuánto cuesta el IDNYC?")
    page.locator("#send").click()
    expect(page.locator(".reply")).to_contain_text("nyc.gov/idnyc")
    page.locator(".languages summary").click()
    page.get_by_role("button", name="English").click()
    expect(page.locator(".reply summary")).to_contain_text("Nov 2026")
    context.route("https://**", lambda route: route.fulfill(status=204))  # where it goes on to
    page.get_by_role("button", name="Leave now").click()
    expect(page.locator("main")).to_contain_text("The conversation is erased here.")
    context.close()


def test_the_simulator(page: Page) -> None:
    page.goto("/demo")
    phone = page.locator(".phone").first
    phone.get_by_role("textbox").fill("¿Cuánto cuesta el IDNYC?")
    phone.get_by_role("button").click()
    expect(phone.locator(".in").first).to_contain_text("IDNYC")
    expect(phone.locator(".count").first).to_contain_text("segment")
