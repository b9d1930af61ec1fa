"""The presenter's screen and the kit in Debian's Chromium, with nothing reached but this computer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bot import kit
from bot.channels.page import Pages
from bot.dialogue.assistant import Incoming
from bot.knowledge import Knowledge
from bot.knowledge.codes import code_of
from tests.conftest import NOON, ROOT
from tests.test_demo import SCENES, Demo
from tests.test_dialogues import make_assistant

pytestmark = pytest.mark.full
AXE = ROOT / "tests" / "npm" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo")).wait()
    yield running
    running.stop()


def opened(browser: Browser, allowed: str, width: int = 1366, height: int = 768) -> Iterator[Page]:
    """A page for which there is no network: what is not under `allowed` is cut, and fails the test, as an error on the page does."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []

    def cut(route: Route) -> None:
        if route.request.url.startswith(allowed):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    page.route("**/*", cut)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert elsewhere == [] and errors == []


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    yield from opened(browser, demo.url)


def axe(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    # `preload` would fetch the styles anew, which no browser allows in a folder.
    return page.evaluate(
        "axe.run({preload: false}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' ')))"
    )


def choose(page: Page, locale: str) -> None:
    """By the key for the next language alone."""
    for _ in range(12):
        if page.locator("#language").input_value() == locale:
            return
        page.keyboard.press("l")
    raise AssertionError(locale)


def empty(page: Page) -> None:
    expect(page.locator(".phone .bubble")).to_have_count(0)
    chat = page.frame_locator("#chat")
    expect(chat.locator("#text")).to_have_value("")
    expect(chat.locator(".reply, .mine")).to_have_count(0)


@pytest.mark.parametrize(("locale", "key", "word"), [("es", "1", "IDNYC"), ("ar", "3", "I want a lawyer")])
def test_a_scene_is_run_by_one_key(locale: str, key: str, word: str, page: Page, demo: Demo) -> None:
    page.goto(demo.url + "/present")
    chat = page.frame_locator("#chat")
    choose(page, locale)
    page.keyboard.press(key)
    expect(page.locator("#scenes [aria-pressed=true]")).to_contain_text(key)
    scene = SCENES[int(key) - 1]
    for step in scene.steps[locale]:
        expect(page.locator("#line")).to_have_text(step.text)
        expect(page.locator("#status")).to_have_text("")
        before = page.locator(".phone .in").count()
        page.keyboard.press("n")
        expect(page.locator(".phone .out").last).to_have_text(step.text)
        expect(page.locator(".phone .in").nth(before)).to_be_visible()
        if "web" in step.channels:
            expect(chat.locator(".mine").last).to_contain_text(step.text)
    expect(page.locator("#line")).to_have_text("End of the scene")
    expect(page.locator(".phone .in").first).to_contain_text(word)
    expect(page.locator(".phone .count").first).to_contain_text("segment")
    expect(chat.locator(".reply").first).to_have_attribute("lang", locale)
    expect(page.frame_locator("#chat").locator("html")).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")


def test_one_key_clears_for_the_next_person(page: Page, demo: Demo) -> None:
    page.goto(demo.url + "/present")
    page.keyboard.press("5")
    page.keyboard.press("Space")
    expect(page.locator(".phone .in").first).to_be_visible()
    expect(page.frame_locator("#chat").locator(".reply")).to_have_count(1)
    expect(page.locator("#line")).to_have_text("MORE")
    number = page.locator(".number").inner_text()
    token = page.frame_locator("#chat").locator("input[name=token]").first.input_value()
    page.keyboard.press("r")
    empty(page)
    expect(page.locator(".number")).not_to_have_text(number)
    expect(page.locator("#line")).to_have_text("what is a u visa?")
    assert "Who decides" not in demo.text("MORE", number), "erased on the server too"
    again = demo.client.post("/chat", json={"token": token, "text": "more", "message_id": "x"})
    assert again.status_code != 200 or again.json()["replies"][0]["id"] != "u_visa_what"


def test_nobody_there_clears_as_well(page: Page, demo: Demo) -> None:
    """Ninety seconds are four here."""
    page.goto(demo.url + "/present?idle=4")
    page.keyboard.press("2")
    page.keyboard.press("n")
    expect(page.locator(".phone .in").first).to_be_visible()
    number = page.locator(".number").inner_text()
    expect(page.locator("#status")).to_contain_text("About to clear")
    page.keyboard.press("Shift")  # somebody is there
    expect(page.locator("#status")).not_to_contain_text("About to clear")
    assert page.locator(".phone .in").count() > 0
    expect(page.locator(".phone .bubble")).to_have_count(0, timeout=8000)
    empty(page)
    expect(page.locator(".number")).not_to_have_text(number)


def test_questions_typed_in_either_side(page: Page, demo: Demo) -> None:
    """Letters typed in a field are no keys; Escape leads back to the keys; Page Down, a remote control's key, works everywhere."""
    page.goto(demo.url + "/present")
    field = page.locator(".phone input")
    field.click()
    page.keyboard.type("can i renew my idnyc 1 2 r l?")
    assert field.input_value() == "can i renew my idnyc 1 2 r l?" and page.locator("#language").input_value() == "en"
    page.keyboard.press("Enter")
    expect(page.locator(".phone .in").first).to_contain_text("IDNYC")
    chat = page.frame_locator("#chat")
    chat.locator("#text").focus()
    page.keyboard.type("what is 311 n r l")
    page.keyboard.press("Enter")
    expect(chat.locator(".reply").first).to_contain_text("311")
    page.keyboard.press("PageDown")
    expect(page.locator(".phone .out").last).to_have_text("what papers do i need for idnyc")
    expect(chat.locator(".mine").last).to_contain_text("what papers do i need for idnyc")
    chat.locator("#text").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    empty(page)


def test_a_late_answer_is_not_shown_to_the_next_person(page: Page, demo: Demo) -> None:
    page.goto(demo.url + "/present")
    held: list[Route] = []
    page.route("**/demo/send", lambda route: held.append(route))
    page.keyboard.press("7")
    with page.expect_request("**/demo/send"):
        page.keyboard.press("n")
    page.keyboard.press("r")
    empty(page)
    with page.expect_response("**/demo/send"):
        held[0].continue_()
    page.wait_for_timeout(300)
    empty(page)
    expect(page.locator("#line")).to_have_text("my husband hits me")


def test_leave_now_is_shown_and_cleared(browser: Browser, demo: Demo) -> None:
    """In the frame, which shows no other site's page; the next person gets a chat page again."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto(demo.url + "/present")
    expect(page.frame_locator("#chat").locator("#leave")).to_be_visible()
    frame = page.frame(url=re.compile("/en/$"))
    assert frame is not None
    inside = frame.evaluate(
        "(({left, top, width, height}) => [left + width / 2, top + height / 2])(document.getElementById('leave').getBoundingClientRect())"
    )
    box = page.evaluate(
        "(({left, top}) => [left, top, getComputedStyle(document.getElementById('chat')).zoom])(document.getElementById('chat').getBoundingClientRect())"
    )
    page.mouse.click(*(box[i] + inside[i] * float(box[2]) for i in (0, 1)))  # Playwright's own click does not know of the zoom
    expect(page.locator("#left")).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("r")
    expect(page.locator("#left")).to_be_hidden()
    expect(page.frame_locator("#chat").locator("#text")).to_be_visible()
    context.close()


def test_type_for_a_room_and_nothing_cut_off(page: Page, demo: Demo) -> None:
    """No text under 20 px, and the whole screen without scrolling."""
    page.goto(demo.url + "/present")
    page.keyboard.press("1")
    page.keyboard.press("n")
    expect(page.locator(".phone .in").first).to_be_visible()
    expect(page.frame_locator("#chat").locator(".reply").first).to_be_visible()
    sizes = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
             && !e.closest("dialog, script, kbd") && e.checkVisibility()).map((e) => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert min(sizes) >= 20
    frame = page.frame(url=re.compile("/en/$"))
    assert frame is not None
    zoom = page.evaluate("Number(getComputedStyle(document.getElementById('chat')).zoom)")
    assert zoom * frame.evaluate("parseFloat(getComputedStyle(document.querySelector('.reply .body p')).fontSize)") >= 20
    assert page.evaluate(
        "[document.documentElement.scrollHeight <= innerHeight, document.documentElement.scrollWidth <= innerWidth]"
    ) == [True, True]


@pytest.mark.parametrize("width", [1366, 320])
def test_accessibility_of_the_screen(width: int, browser: Browser, demo: Demo) -> None:
    for page in opened(browser, demo.url, width):
        page.goto(demo.url + "/present")
        choose(page, "ur")
        page.keyboard.press("1")
        page.keyboard.press("n")
        expect(page.locator(".phone .in").first).to_be_visible()
        expect(page.frame_locator("#chat").locator(".reply").first).to_be_visible()
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        assert axe(page) == []


def test_letters_can_be_turned_off(page: Page, demo: Demo) -> None:
    """WCAG 2.1.4: for whoever speaks to the computer, single letters are no keys."""
    page.goto(demo.url + "/present")
    page.keyboard.press("?")
    page.locator("#keys").uncheck()
    page.locator("#hide-keys").click()
    page.keyboard.press("l")
    assert page.locator("#language").input_value() == "en"
    page.keyboard.press("PageDown")
    expect(page.locator(".phone .out")).to_have_count(1)


def test_two_phones_in_two_languages(page: Page, demo: Demo) -> None:
    """The simulator: an example in each phone's language, answered in it, with parts, segments and encoding."""
    page.goto(demo.url + "/demo")
    for place, locale in zip(page.locator(".place").all(), ("en", "ko"), strict=True):
        place.locator("select").select_option(locale)
        place.get_by_role("button", name="Example").click()
        place.locator(".phone input").press("Enter")
        expect(place.locator(".in").first).to_contain_text("IDNYC")
        expect(place.locator(".count").first).to_have_text(re.compile(r"1 of [23]: [1-4] segments?, (GSM-7|UCS-2)"))
    assert axe(page) == []


# --- the kit ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, engine) -> Path:
    assistant = make_assistant(knowledge, engine)

    async def respond(text: str, sender: str):
        return await assistant.respond(Incoming("sms", (sender,), text))

    out = tmp_path_factory.mktemp("kit")
    # Playwright keeps a loop running in this thread: a loop of our own needs another.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, kit.write(out, Pages(knowledge, lambda: NOON), SCENES, respond, NOON)).result()
    return out


@pytest.fixture
def stick(browser: Browser, folder: Path) -> Iterator[Page]:
    yield from opened(browser, folder.as_uri())


@pytest.mark.parametrize("locale", ["es", "ar"])
def test_the_kit_steps_through_its_recording(locale: str, stick: Page, folder: Path) -> None:
    stick.goto((folder / "index.html").as_uri())
    stick.get_by_role("link", name="Scenes").click()
    choose(stick, locale)
    stick.keyboard.press("3")
    for step in SCENES[2].steps[locale]:
        stick.keyboard.press("n")
        expect(stick.locator(".phone .out").last).to_have_text(step.text)
    expect(stick.locator(".phone .in").first).to_contain_text("I want a lawyer")
    expect(stick.locator("#line")).to_have_text("End of the scene")
    stick.keyboard.press("r")
    expect(stick.locator(".phone .bubble")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "words", "found"),
    [
        ("es", "IDNYC cuesta", "idnyc_cost"),
        ("es", "DIRECCION", "idnyc_no_address"),  # without its accent, in capitals
        ("en", "points passport", "idnyc_documents"),  # words of the long text alone
        ("ur", "اسکول", "school_enroll"),
        ("zh_Hans", "学校", "school_enroll"),
    ],
)
def test_the_kit_is_searched(locale: str, words: str, found: str, stick: Page, folder: Path) -> None:
    stick.goto((folder / locale / "index.html").as_uri())
    every = stick.locator(".answers li:visible").count()
    stick.get_by_role("searchbox").fill(words)
    link = stick.locator(f'.answers a[href="{code_of(found)}.html"]')
    expect(link).to_be_visible()
    assert 0 < stick.locator(".answers li:visible").count() < every
    expect(stick.locator("#found")).to_contain_text(f"/ {every}")
    stick.get_by_role("searchbox").fill("qqqqxyz")
    expect(stick.locator(".answers li:visible")).to_have_count(0)
    expect(stick.locator("#found")).not_to_have_text("")
    stick.get_by_role("searchbox").fill(words)
    link.click()
    expect(stick.locator("article h1")).to_be_visible()
    stick.locator(".languages summary").click()
    stick.get_by_role("link", name="Français").click()
    assert stick.url.endswith(f"/fr/{code_of(found)}.html"), "the same answer in another language"


def test_an_answer_prints_on_paper(stick: Page, folder: Path) -> None:
    stick.goto((folder / "bn" / f"{code_of('ice_here_now')}.html").as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", stick.pdf(format="Letter"))) <= 3
    stick.emulate_media(media="print")
    for selector in (".top", ".back", ".tools", ".choices"):
        assert not stick.locator(selector).first.is_visible()
    assert stick.locator(".basis li").first.is_visible() and stick.locator("footer").is_visible()


@pytest.mark.parametrize("width", [1366, 320])
def test_accessibility_of_the_kit(width: int, browser: Browser, folder: Path, knowledge: Knowledge) -> None:
    one = f"{code_of('ice_here_now')}.html"
    paths = ["index.html", "scenes.html", *(f"{info.code}/{name}" for info in knowledge.served() for name in ("index.html", one))]
    for page in opened(browser, folder.as_uri(), width):
        for path in paths:
            page.goto((folder / path).as_uri())
            if path == "scenes.html":
                page.keyboard.press("n")
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_kit_reads_without_a_script(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "ht" / "index.html").as_uri())
    page.locator(".answers a").first.click()
    expect(page.locator("article h1")).to_be_visible()
    context.close()
