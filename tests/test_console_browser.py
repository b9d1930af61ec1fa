"""A whole hand-off each way, in Debian's Chromium by keyboard alone, against the real public server and the real console over one database: once
with Spanish and once with Urdu. Key presses and seconds are counted (build/console-keys.txt)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect

from bot.knowledge import Knowledge
from bot.store import Handoff
from bot.store.console import ConsoleStore
from tests.conftest import NOON, ROOT, Server, texts
from tests.console_rig import PASSWORD, Process

pytestmark = pytest.mark.full
expect.set_options(timeout=20_000)
OPERATOR = """
name: A library
kind: nonprofit
contact: desk@example.org
desks: [{name: Language desk, phone: 212-555-0100, hours: always}]
"""
REPORT = ROOT / "build" / "console-keys.txt"


@dataclass
class Keys:
    """A keyboard that counts: every key pressed is one, those of a chord and of what is typed too."""

    page: Page
    count: int = 0
    began: float = 0.0

    def press(self, *keys: str) -> None:
        self.began = self.began or time.monotonic()
        for key in keys:
            self.count += len(key.split("+"))
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.press(*text)

    def done(self, what: str) -> None:
        """Notes the count and the time, from the first key until the page that was wanted is there."""
        line = f"{what}: {self.count} key presses, {time.monotonic() - self.began:.2f} s"
        with REPORT.open("a") as report:
            report.write(line + "\n")
        print(line)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Process]]:
    """The public server and the console, over one database."""
    folder = tmp_path_factory.mktemp("handoff")
    (folder / "operator.yml").write_text(OPERATOR)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("")
    server = Server(folder, AMPARO_OPERATOR_FILE=str(folder / "operator.yml")).wait()
    same = {"AMPARO_PUBLIC_URL": "https://amparo.example", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}
    console = Process(folder, server.data, TWILIO_NUMBER="+12125550199", **same)
    for name, role in (("ana", "agent"), ("bo", "agent"), ("cleo", "admin")):
        console.account(name, role)
    yield server, console
    console.stop()
    server.stop()


@pytest.fixture(scope="module")
def desk(browser: Browser, pair: tuple[Server, Process]) -> Iterator[Page]:
    """A staff member who has signed in by keyboard, at the first page; any error or request elsewhere fails the test."""
    console = pair[1]
    page = browser.new_context(viewport={"width": 1366, "height": 768}, base_url=console.url).new_page()
    wrong: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(console.url) else wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto("/console/")
    sign_in(page, console, "ana")
    expect(page.get_by_role("heading", level=1)).to_have_text("Open a code")
    yield page
    page.context.close()
    assert wrong == []


def sign_in(page: Page, console: Process, name: str) -> None:
    expect(page.locator("#name")).to_be_focused()
    keys = Keys(page)
    keys.type(name)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Tab")
    keys.type(console.code(name))
    keys.press("Enter")


def home(page: Page) -> Keys:
    page.goto("/console/")
    expect(page.locator("#code")).to_be_focused()
    return Keys(page)


# Locale, a question, a wish for a person, and what the desk asks for.
PEOPLE = [
    ("es", "¿Cuánto cuesta el IDNYC?", "quiero hablar con una persona", "Spanish"),
    ("ur", "IDNYC کی فیس کتنی ہے؟", "مجھے کسی انسان سے بات کرنی ہے", "Urdu"),
]


@pytest.mark.parametrize(("locale", "question", "wish", "english"), PEOPLE)
def test_from_the_assistant_to_311(
    locale: str,
    question: str,
    wish: str,
    english: str,
    browser: Browser,
    pair: tuple[Server, Process],
    desk: Page,
    knowledge: Knowledge,
) -> None:
    server = pair[0]
    person = browser.new_context(viewport={"width": 360, "height": 740}, base_url=server.url).new_page()
    person.goto(f"/{locale}/")
    for number, text in enumerate((question, wish)):
        person.get_by_role("textbox").fill(text)
        person.get_by_role("textbox").press("Enter")
        expect(person.locator(".reply").nth(number)).to_be_visible()
    yes = knowledge.label("system/choice_yes", locale, "web")
    person.get_by_role("button", name=yes, exact=True).click()
    expect(person.locator(".reply").last).to_contain_text("212-555-0100")
    digits = re.sub(r"[^0-9]", "", person.locator(".reply").last.inner_text().replace("212-555-0100", ""))
    found = re.search(r"[0-9]{8}", digits)
    assert found, person.locator(".reply").last.inner_text()
    keys = home(desk)
    keys.type(found[0])
    keys.press("Enter")
    expect(desk.locator(".who h2")).to_have_text(f"Interpreter: {english}")
    keys.done(f"to 311, {english}, from the first page")
    assert keys.count < 10
    expect(desk.get_by_role("heading", level=1)).to_have_text("What IDNYC costs")
    theirs = desk.locator(f'.sides div[lang="{locale}"]').first
    assert theirs.evaluate("e => getComputedStyle(e).direction") == knowledge.locale(locale).dir
    assert knowledge.say("idnyc_cost", locale, "web", NOON).text[:20] in theirs.inner_text()
    expect(desk.locator(".sides div[lang=en]").first).to_contain_text("nyc.gov/idnyc")
    expect(desk.locator(".lines")).to_contain_text("open now")
    for word in (*question.split(), *wish.split()):
        if len(word) > 5 and "IDNYC" not in word:
            assert word not in desk.locator("h1, h2, h3, .who").all_inner_texts(), "never the person's words"
    desk.screenshot(path=ROOT / "build" / f"console-opened-{locale}.png")
    keys = home(desk)
    keys.type(found[0])
    keys.press("Enter")
    expect(desk.get_by_role("alert")).to_contain_text("does not open")
    person.context.close()


@pytest.mark.parametrize(("locale", "letters", "english"), [("es", "s", "Spanish"), ("ur", "u", "Urdu")])
def test_from_311_to_the_assistant(
    locale: str, letters: str, english: str, browser: Browser, pair: tuple[Server, Process], desk: Page, knowledge: Knowledge
) -> None:
    server = pair[0]

    def code(note: str) -> str:
        keys = home(desk)
        keys.press("s")
        expect(desk.locator("#locale")).to_be_focused()
        keys.type(letters)
        keys.press("Tab")
        keys.type("id")
        keys.press("Enter")
        button = desk.locator("button[value=idnyc_cost]")
        expect(button).to_be_visible()
        desk.wait_for_load_state()
        keys.press(button.get_attribute("data-key") or "")
        expect(desk.locator("output")).to_be_visible()
        keys.done(f"from 311, {english}, {note}")
        assert keys.count < 10
        assert english in desk.locator("main").inner_text() and "212-555-0199" in desk.locator("main").inner_text()
        return desk.locator("output").inner_text()

    spoken = code("for the page")
    assert re.fullmatch(r"[0-9]{3} [0-9]{3}", spoken)
    desk.screenshot(path=ROOT / "build" / f"console-started-{locale}.png")
    person = browser.new_context(viewport={"width": 360, "height": 740}, base_url=server.url).new_page()
    person.goto("/en/")
    person.get_by_role("textbox").fill(spoken)
    person.get_by_role("textbox").press("Enter")
    expect(person.locator(".reply").first).to_contain_text(knowledge.say("idnyc_cost", locale, "web", NOON).text[:20])
    person.context.close()
    received = texts(server.sms(code("for a text message").replace(" ", ""), f"+1212555{1000 + len(letters) + ord(letters)}"))
    assert any(knowledge.say("idnyc_cost", locale, "sms", NOON).parts[0] in text for text in received), received


@pytest.mark.parametrize(("letter", "locale"), [("a", "ar"), ("c", "zh-Hans")])
def test_look_up_by_keyboard(letter: str, locale: str, desk: Page) -> None:
    keys = home(desk)
    keys.press("l")
    expect(desk.locator("#typed")).to_be_focused()
    keys.type("pol")
    keys.press("Tab", letter, "Enter")
    expect(desk.locator("a[href='/console/answers/police_stop']")).to_be_visible()
    desk.wait_for_load_state()
    keys.press(desk.locator("a[href='/console/answers/police_stop']").get_attribute("data-key") or "")
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Stopped or questioned by police")
    keys.done(f"look up an answer in English and {locale}")
    assert keys.count < 10
    expect(desk.locator(f'.sides div[lang="{locale}"]').first).to_be_visible()
    desk.screenshot(path=ROOT / "build" / f"console-look-{locale}.png")


def test_a_language_that_we_do_not_write(pair: tuple[Server, Process], desk: Page) -> None:
    """Somebody names Wolof on the page and asks for a person: the desk is told whom to ask for."""
    server = pair[0]
    token = server.chat(text="je parle wolof", locale="fr").json()["token"]
    server.chat(token=token, text="combien coûte IDNYC", locale="fr")
    offered = server.chat(token=token, text="je veux parler à une personne", locale="fr").json()
    yes = next(option["id"] for option in offered["options"] if option["id"].startswith("handoff/yes"))
    said = server.chat(token=token, option=yes, locale="fr").json()["replies"][0]["text"].replace("212-555-0100", "")
    keys = home(desk)
    keys.type(re.search(r"[0-9]{8}", re.sub(r"[^0-9]", "", said))[0])
    keys.press("Enter")
    expect(desk.locator(".who")).to_contain_text("Interpreter: Wolof")
    expect(desk.locator(".who")).to_contain_text("I speak Wolof, not French.")


def test_without_a_script(browser: Browser, pair: tuple[Server, Process], desk: Page) -> None:
    """Tab and Enter do all of it."""
    console = pair[1]
    context = browser.new_context(java_script_enabled=False, base_url=console.url, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto("/console/")
    sign_in(page, console, "bo")
    keys = Keys(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Open a code")
    store = ConsoleStore.open(f"sqlite:///{console.data / 'amparo.sqlite'}")
    code = store.hand_off(8, Handoff("ur", "idnyc_cost", ("idnyc_cost",)), time_now())
    store.close()
    keys.type(code)
    keys.press("Enter")
    expect(page.locator(".who h2")).to_have_text("Interpreter: Urdu")
    keys = Keys(page)
    keys.press("Tab", "Tab", "Enter")
    expect(page.locator("#locale")).to_be_focused()
    keys.press("u", "Tab", "i", "d", "Enter")
    expect(page.locator("button[name=topic]").first).to_be_focused()
    keys.press("Enter")
    expect(page.locator("output")).to_be_visible()
    keys.done("from 311, without the script")
    assert keys.count < 10
    context.close()


def time_now() -> datetime:
    from bot.privacy.keys import utc_now

    return utc_now()


def test_accessibility_and_the_screen(pair: tuple[Server, Process], browser: Browser, desk: Page) -> None:
    """axe-core finds nothing on any page; each page that one works at with a caller fits 1366 by 768 without scrolling sideways, and
    its field without scrolling at all."""
    console = pair[1]
    page = browser.new_context(viewport={"width": 1366, "height": 768}, base_url=console.url).new_page()
    page.goto("/console/")
    sign_in(page, console, "cleo")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    source = (ROOT / "tests" / "npm" / "node_modules" / "axe-core" / "axe.min.js").read_text()
    visits = [(desk, ["open", "start", "look", "answers/ice_home", "tallies"])]
    visits += [(page, ["sign-in", "due", "facts/idnyc_min_age", "changes", "holds", "flags", "unreviewed", "audit"])]
    for window, paths in visits:
        for path in paths:
            window.goto(f"/console/{path}")
            window.evaluate(source)
            found = window.evaluate(
                "axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' ')))"
            )
            assert found == [], path
            assert window.evaluate("document.documentElement.scrollWidth") <= 1366, path
            if path in ("open", "start", "look"):
                assert window.evaluate("document.documentElement.scrollHeight") <= 768, path
            window.screenshot(path=ROOT / "build" / f"console-{path.replace('/', '-')}.png")
    page.context.close()


def test_the_quick_card_prints_on_one_page(browser: Browser) -> None:
    """On letter paper, at 11 points, with margins of half an inch."""
    card = MarkdownIt().render((ROOT / "docs" / "311-quick-card.md").read_text())
    page = browser.new_page()
    page.set_content(f"<style>body {{ font: 11pt/1.3 sans-serif }}</style>{card}")
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "0.5in")
    printed = page.pdf(format="Letter", margin=margin)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
