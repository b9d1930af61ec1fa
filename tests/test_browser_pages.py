"""Every page in Debian's Chromium: accessibility in each language, small screens, large type, showing, printing, what it weighs."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.channels.pages import ABOUT
from bot.knowledge import Knowledge
from bot.knowledge.codes import code_of
from tests.conftest import ROOT, Server, accessibility

pytestmark = pytest.mark.full
ANSWER = code_of("ice_here_now")  # it has English words to show
LOCALES = ["en", "es", "zh_Hans", "zh_Hant", "ru", "bn", "ht", "ko", "ar", "ur", "fr", "pl"]
PATHS = ["", "answers", f"a/{ANSWER}", f"a/{ANSWER}?en", "cards", *ABOUT]


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 320, "height": 640}, base_url=server.url)
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(server.url) else wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert wrong == []


def test_the_list_of_locales_is_whole(knowledge: Knowledge) -> None:
    assert [info.code for info in knowledge.served()] == LOCALES


SMALL = """() => [...document.querySelectorAll("button, .choice, summary, header a, footer nav a, .tools a, textarea, input[type=search]")]
  .filter((one) => one.checkVisibility() && !one.closest("dialog, #log, .languages nav"))
  .map((one) => [one.outerHTML.slice(0, 60), one.getBoundingClientRect().height]).filter(([, height]) => height < 43.9)"""


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_for_everybody(page: Page, locale: str) -> None:
    """axe-core finds nothing; at 320 px, and with type twice as large, nothing runs off the screen; a thumb can hit every control."""
    for path in PATHS:
        page.set_viewport_size({"width": 320, "height": 640})
        page.goto(f"/{locale}/{path}")
        assert accessibility(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert page.evaluate(SMALL) == [], path
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, (path, "at 200%")
        page.set_viewport_size({"width": 1280, "height": 800})
        assert accessibility(page) == [], (path, "at 200%")


@pytest.mark.parametrize("locale", ["es", "ar"])
def test_a_conversation_for_everybody(page: Page, locale: str) -> None:
    page.goto(f"/{locale}/")
    page.get_by_role("textbox").fill({"es": "la migra está en mi puerta", "ar": "الهجرة على بابي الآن"}[locale])
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(1)
    for media in ({}, {"color_scheme": "dark"}, {"reduced_motion": "reduce"}):
        page.emulate_media(**media)  # type: ignore[arg-type]
        assert accessibility(page) == [], media
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    # axe-core does not know the system's forced colours: what must be seen there is that a button still has an edge.
    page.emulate_media(forced_colors="active")
    assert page.evaluate("getComputedStyle(document.getElementById('send')).borderStyle") == "solid"


def test_by_keyboard_alone(page: Page) -> None:
    """Ask, take an option and go on, without a pointer; the focus is never lost, and always seen."""
    page.goto("/en/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("what is idnyc")
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(1)
    expect(page.get_by_role("textbox")).to_be_focused()
    page.locator(".options button").first.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".reply").nth(1)).to_be_focused()


def test_shown_large_in_english(page: Page) -> None:
    page.goto("/ur/")
    page.get_by_role("textbox").fill("ICE میرے دروازے پر ہے")
    page.keyboard.press("Enter")
    reply = page.locator(".reply")
    expect(reply).to_have_count(1)
    reply.locator(".tools button").first.click()
    large = page.locator("dialog[open] .content")
    expect(large).to_contain_text("I want a lawyer.")
    assert large.get_attribute("dir") == "ltr" and page.evaluate("document.querySelector('dialog').clientWidth") >= 305
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator(".in-english").click()
    expect(large).to_contain_text("door")
    assert page.url.endswith("/ur/"), "the conversation stays where it is"


FAKE_VOICES = """
  const voice = (lang, localService) => ({ lang, localService, name: lang, voiceURI: lang, default: false });
  window.spoken = [];
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  Object.defineProperty(window, "speechSynthesis", { value: {
    getVoices: () => [voice("es-US", true), voice("fr-FR", false)], speak: (one) => window.spoken.push([one.text, one.lang]),
    cancel: () => {}, speaking: false, addEventListener: () => {} } });
"""


def test_read_aloud_only_by_the_device(page: Page) -> None:
    """A voice of another company's server would send it the words: Chromium here has none of either kind, so the voices are made up."""
    page.add_init_script(FAKE_VOICES)
    page.goto(f"/es/a/{ANSWER}")
    page.get_by_role("button", name="Leer en voz alta").or_(page.locator(".tools button").nth(1)).first.click()
    text, lang = page.evaluate("window.spoken[0]")
    assert lang == "es" and "911" in text
    page.goto(f"/fr/a/{ANSWER}")
    expect(page.locator(".tools button")).to_have_count(1)  # to show the English large, and no more


def test_back_shows_nothing_of_a_search(page: Page) -> None:
    """Search, open a result, leave; Back any number of times: no words, no results."""
    page.goto("/en/answers")
    page.get_by_role("searchbox").fill("my husband hits me")
    page.keyboard.press("Enter")
    page.locator(".choice").first.click()
    page.wait_for_url("**/a/**")
    page.evaluate("document.getElementById('leaving-words').dataset.leave = '/es/privacy'")
    page.locator("#leave").click()
    page.wait_for_url("**/es/privacy")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("")
    assert "husband" not in page.content() and page.locator("[role=status] h2").count() == 0


def test_the_way_out_from_the_large_view(page: Page) -> None:
    page.goto(f"/es/a/{ANSWER}")
    page.evaluate("document.getElementById('leaving-words').dataset.leave = '/en/privacy'")
    page.locator(".tools button").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    page.locator("dialog .leave").click()
    page.wait_for_url("**/en/privacy")
    page.goto(f"/es/a/{ANSWER}")
    page.locator(".tools button").first.click()
    page.route("**/nowhere", lambda route: route.fulfill(status=204))
    page.evaluate("document.getElementById('leaving-words').dataset.leave = '/nowhere'")
    for _ in range(3):
        page.keyboard.press("Shift")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.locator("dialog .content").inner_text() == ""


def test_two_messages_at_once(page: Page) -> None:
    """A second message while the first is being answered is not lost."""
    page.goto("/en/")
    box = page.get_by_role("textbox")
    box.fill("what is idnyc")
    box.press("Enter")
    box.fill("ice is at my door")
    box.press("Enter")
    expect(page.locator(".say")).to_contain_text("lawyer")
    expect(page.locator(".mine")).to_have_count(2)


def test_erased_only_when_it_is(page: Page) -> None:
    page.goto("/en/")
    page.get_by_role("textbox").fill("what is idnyc")
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(1)
    page.route("**/chat/erase", lambda route: route.fulfill(status=204))
    page.locator("#erase").click()
    expect(page.locator("#status")).to_contain_text("Erased here")


def test_on_by_text_message(page: Page) -> None:
    page.goto("/en/")
    expect(page.locator("#bytext")).to_be_hidden()
    page.get_by_role("textbox").fill("what is idnyc")
    page.keyboard.press("Enter")
    page.locator("#bytext").click()
    expect(page.locator("#status")).to_contain_text("212-555-0199")


def test_an_answer_on_paper(page: Page) -> None:
    """Print shows the answer with all its sources, and none of the page's controls."""
    page.goto(f"/es/a/{code_of('idnyc_cost')}")
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("footer nav")).to_be_hidden()
    expect(page.locator(".basis li").first).to_be_visible()
    assert page.pdf(format="Letter").startswith(b"%PDF")


def test_what_the_first_load_weighs(browser: Browser, server: Server) -> None:
    """At most 50 kB compressed in any language, scripts at most 12 kB as they are."""
    for locale in LOCALES:
        context = browser.new_context(base_url=server.url)
        page = context.new_page()
        bodies: dict[str, bytes] = {}
        page.on("response", lambda response, bodies=bodies: bodies.update({response.url: response.body()}))
        page.goto(f"/{locale}/", wait_until="networkidle")
        context.close()
        assert sum(len(gzip.compress(body)) for body in bodies.values()) < 50_000, locale
        assert sum(len(body) for url, body in bodies.items() if ".js" in url) <= 12_000, locale


def test_pictures_for_the_readme(browser: Browser, server: Server) -> None:
    """Four scripts, as on a telephone (build/pictures; docs/pictures holds those that were looked at)."""
    folder = ROOT / "build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        "es": "¿qué hago si la migra toca la puerta?",
        "bn": "স্কুলে কি কাগজ চায়?",
        "ar": "كم تكلف بطاقة IDNYC؟",
        "zh_Hans": "警察在街上拦住我怎么办",
    }
    for locale, text in asked.items():
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=server.url)
        page = context.new_page()
        page.goto(f"/{locale}/")
        page.get_by_role("textbox").fill(text)
        page.keyboard.press("Enter")
        expect(page.locator(".reply")).to_have_count(1)
        page.locator(".mine").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('.mine').scrollIntoView(); scrollBy(0, -80)")
        page.screenshot(path=folder / f"chat-{locale}.png")
        context.close()
