"""The console: who may see what, signing in, and codes both ways. The same tests on SQLite and, in `make test-full`, on PostgreSQL."""

from __future__ import annotations

import hashlib
import re
import secrets
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from bot.knowledge import Knowledge
from bot.settings import read
from bot.store import Handoff
from bot.store.store import KEEP_SESSION
from console import desk, find, handing
from console.app import make_console
from console.web import Console, Visit
from tests import console_rig
from tests.conftest import NOON, ROOT
from tests.console_rig import PASSWORD, ROLES, Rig, text_of
from tests.test_cli import run

console, postgres_url = console_rig.console, console_rig.postgres_url

# Every address of the console: what it answers to nobody in particular, to an agent, to whoever keeps the content, to an admin; and
# what is sent with it. 303 sends an anonymous visitor to sign in.
ADDRESSES = [
    ("GET", "/", (302, 302, 302, 302), {}),
    ("GET", "/console", (302, 302, 302, 302), {}),
    ("GET", "/console/health", (200, 200, 200, 200), {}),
    ("GET", "/console/static/console.css", (200, 200, 200, 200), {}),
    ("GET", "/console/sign-in", (200, 200, 200, 200), {}),
    ("POST", "/console/sign-in", (401, 401, 401, 401), {"name": "nobody", "password": "x", "code": "000000"}),
    ("GET", "/console/", (303, 303, 303, 303), {}),
    ("GET", "/console/open", (303, 200, 403, 403), {}),
    ("POST", "/console/open", (303, 200, 403, 403), {"code": "12345678"}),
    ("GET", "/console/start", (303, 200, 403, 403), {}),
    ("POST", "/console/start", (303, 200, 403, 403), {"locale": "es", "topic": "idnyc_cost"}),
    ("GET", "/console/look", (303, 200, 200, 200), {}),
    ("POST", "/console/look", (303, 200, 200, 200), {"typed": "idnyc", "locale": "es"}),
    ("GET", "/console/answers/{id}", (303, 200, 200, 200), {}),
    ("GET", "/console/due", (303, 403, 200, 200), {}),
    ("GET", "/console/facts/{id}", (303, 403, 200, 200), {}),
    ("POST", "/console/facts/{id}", (303, 403, 303, 303), {"act": "still", "how": "live_page"}),
    ("GET", "/console/changes", (303, 403, 200, 200), {}),
    ("POST", "/console/changes", (303, 403, 409, 409), {"act": "withdraw", "id": "7"}),
    ("GET", "/console/changes.patch", (303, 403, 200, 200), {}),
    ("GET", "/console/holds", (303, 403, 200, 200), {}),
    ("POST", "/console/holds", (303, 403, 303, 303), {"act": "hold", "target": "idnyc_cost", "why": "0"}),
    ("GET", "/console/flags", (303, 403, 200, 200), {}),
    ("GET", "/console/unreviewed", (303, 403, 200, 200), {}),
    ("GET", "/console/tallies", (303, 200, 200, 200), {}),
    ("GET", "/console/audit", (303, 403, 403, 200), {}),
    ("POST", "/console/sign-out", (303, 303, 303, 303), {}),
]


def filled(path: str) -> str:
    return path.replace("{id}", "idnyc_min_age" if "facts" in path else "idnyc_cost")


def test_every_address_is_listed(console: Rig) -> None:
    routes = {
        (method, route.path)
        for route in console.app.routes
        if isinstance(route, Route)
        for method in (route.methods or ()) - {"HEAD"}
    }
    assert routes == {(method, path) for method, path, _, _ in ADDRESSES if "static" not in path}
    assert [route.path for route in console.app.routes if isinstance(route, Mount)] == ["/console/static"]


def test_every_address_for_every_role(console: Rig) -> None:
    browsers = [console.browser(), *(console.staff(role) for role in ROLES)]
    for method, path, expected, form in ADDRESSES:
        got = []
        for browser in browsers:
            signed_in = browser is not browsers[0] and path != "/console/sign-in"
            if method == "GET":
                answer = browser.get(filled(path))
            else:
                answer = console.post(browser, filled(path), **form) if signed_in else browser.post(filled(path), data=form)
            got.append(answer.status_code)
            if browser is browsers[0] and answer.status_code == 303:
                assert answer.headers["location"] == "/console/sign-in", path
            if answer.status_code == 403:
                assert text_of(answer.text).startswith("Not here"), path
            assert "'none'" in answer.headers["content-security-policy"] and answer.headers["x-content-type-options"] == "nosniff"
            assert "static" in path or answer.headers["cache-control"] == "no-store", path
            assert not re.search(r"<script>| style=| on[a-z]+=|<style", answer.text), path
        assert tuple(got) == expected, (method, path)


def test_a_form_without_its_sessions_token_does_nothing(console: Rig) -> None:
    for role in ROLES:
        console.staff(role)
    other = re.search(r'name="csrf" value="([^"]+)"', console.staff("second", "agent").get("/console/look").text)[1]
    for method, path, expected, form in ADDRESSES:
        if method == "GET" or path == "/console/sign-in":
            continue
        for role, allowed in zip(ROLES, expected[1:], strict=True):
            if allowed != 403:
                before = (console.acts(), console.store.holds(), console.store.proposals())
                for token in ({}, {"csrf": ""}, {"csrf": other}, {"csrf": "\u0661"}):
                    assert console.staff(role).post(filled(path), data=form | token).status_code == 403, path
                assert (console.acts(), console.store.holds(), console.store.proposals()) == before, path
                there = {"sec-fetch-site": "cross-site"}
                assert console.staff(role).post(filled(path), data=form, headers=there).status_code == 403


# --- signing in ---------------------------------------------------------------------------------------------------------


def attempt(console: Rig, **fields: str):
    form = {"name": "ana", "password": PASSWORD, "code": console.code("ana"), **fields}
    return console.browser().post("/console/sign-in", data=form)


def test_whatever_is_wrong_the_answer_is_the_same(console: Rig) -> None:
    console.account("ana", "agent")
    used = console.code("ana")
    assert attempt(console).status_code == 303
    wrong = [
        ("another password", {"password": "correct horse battery 2"}),
        ("nobody of that name", {"name": "bob"}),
        ("a name that cannot be", {"name": "Ana Maria Xochimilquez +12125550142"}),
        ("another code", {"code": "000000" if used != "000000" else "111111"}),
        ("a code that was used", {"code": used}),
        ("no code", {"code": ""}),
        ("digits of another script", {"code": "\u0661\u0662\u0663\u0664\u0665\u0666"}),
        ("locked by now", {}),
    ]
    pages = set()
    for reason, fields in wrong:
        answer = attempt(console, **fields)
        assert answer.status_code == 401 and "set-cookie" not in answer.headers, reason
        pages.add(answer.text)
    assert len(pages) == 1
    assert "Xochimilquez" not in str(console.acts()) and "bob" not in str(console.acts())


def test_a_name_that_nobody_has_takes_as_long(console: Rig) -> None:
    console.account("ana", "agent")

    def seconds(name: str) -> float:
        began = time.perf_counter()
        attempt(console, name=name, password="x" * 20)
        return time.perf_counter() - began

    seconds("ana")
    pairs = [(seconds("ana"), seconds("nobody")) for _ in range(7)]
    known, unknown = (statistics.median(one) for one in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2, (known, unknown)


def test_a_refused_sign_in_waits(console: Rig, knowledge: Knowledge, tmp_path: Path) -> None:
    assert Console(knowledge, console.store, None, "", lambda: NOON)._refuse_after == 1.0
    settings = read({"AMPARO_DATA_DIR": str(tmp_path)})
    console.app = make_console(settings, console.knowledge, console.store, lambda: console.now, refuse_after=0.8)
    began = time.perf_counter()
    assert console.browser().post("/console/sign-in", data={"name": "nobody"}).status_code == 401
    assert time.perf_counter() - began >= 0.8


def test_five_wrong_tries_lock_the_account_for_fifteen_minutes(console: Rig) -> None:
    console.account("ana", "agent")
    for _ in range(5):
        assert attempt(console, password="not the password").status_code == 401
    assert attempt(console).status_code == 401, "locked, though all is right"
    console.now += timedelta(minutes=14)
    assert attempt(console).status_code == 401
    console.now += timedelta(minutes=2)
    assert attempt(console).status_code == 303
    assert console.acts().count(("ana", "sign-in refused", "")) == 5, "tries while locked are not written down"


def test_many_tries_at_once_are_no_more_than_five(console: Rig) -> None:
    console.account("ana", "agent")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: console.store.take_try("ana", "code", console.now), range(40)))
    assert sum(taken) == 5


def test_a_code_of_the_second_factor_serves_once(console: Rig) -> None:
    console.account("ana", "agent")
    code = console.code("ana")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(answer.status_code for answer in pool.map(lambda _: attempt(console, code=code), range(4))) == [
            303,
            401,
            401,
            401,
        ]
    console.now += timedelta(minutes=20)
    assert attempt(console, code=console.code("ana", console.now - timedelta(seconds=30))).status_code == 303, "a slow hand"
    assert attempt(console, code=console.code("ana", console.now - timedelta(seconds=30))).status_code == 401
    assert attempt(console, code=console.code("ana", console.now - timedelta(seconds=90))).status_code == 401, "too old"
    assert attempt(console, code=console.code("ana", console.now + timedelta(seconds=90))).status_code == 401, "not yet"


def test_sessions_end(console: Rig) -> None:
    def signed_in(name: str = "ana") -> bool:
        return console.clients[name].get("/console/look").status_code == 200

    console.staff("ana", "agent")
    console.now += timedelta(minutes=14)
    assert signed_in()
    console.now += timedelta(minutes=14)
    assert signed_in(), "each use keeps it"
    console.now += timedelta(minutes=16)
    assert not signed_in() and not signed_in(), "idle: locked"
    console.sign_in("ana")
    end = console.now + KEEP_SESSION
    while console.now < end:
        assert signed_in()
        console.now += timedelta(minutes=10)
    assert not signed_in(), "12 hours at most"
    console.sign_in("ana")
    assert console.store.set_role("ana", "content") and not signed_in(), "another role"
    console.sign_in("ana")
    assert console.clients["ana"].get("/console/due").status_code == 200
    assert console.store.remove_staff("ana") and not signed_in(), "the account is gone"
    console.staff("bea", "agent")
    console.post(console.clients["bea"], "/console/sign-out")
    assert not signed_in("bea")


def test_what_is_stored_of_a_session_and_what_the_browser_is_told(console: Rig) -> None:
    console.account("ana", "agent")
    answer = attempt(console)
    header = answer.headers["set-cookie"]
    cookie = header.split("=", 1)[1].split(";")[0]
    assert "HttpOnly" in header and "SameSite=strict" in header and "Path=/console" in header and "Secure" not in header
    with console.store._begin() as db:
        rows = [tuple(row) for row in db.exec_driver_sql("select id, staff from staff_session")]
        account = str([tuple(row) for row in db.exec_driver_sql("select * from staff")])
    assert rows == [(hashlib.sha256(cookie.encode()).hexdigest(), "ana")] and cookie not in account
    assert "$argon2id$" in account and PASSWORD not in account
    console.now += timedelta(minutes=1)
    form = {"name": "ana", "password": PASSWORD, "code": console.code("ana")}
    there = console.browser().post("/console/sign-in", data=form, headers={"host": "console.example"})
    assert "Secure" in there.headers["set-cookie"]


# --- a code to 311 ------------------------------------------------------------------------------------------------------


def test_a_code_shows_what_a_desk_needs_and_opens_once(console: Rig) -> None:
    agent = console.staff("agent")
    code = console.store.hand_off(8, Handoff("ur", "idnyc_cost", ("idnyc_what", "idnyc_cost")), console.now)
    page = console.post(agent, "/console/open", code=f"{code[:4]} {code[4:]}").text
    said = text_of(page)
    assert "Interpreter: Urdu" in said and said.startswith("What IDNYC costs")
    assert said.index("idnyc_cost") < said.index("idnyc_what"), "the last one first"
    for id_ in ("idnyc_what", "idnyc_cost"):
        for locale in ("en", "ur"):
            assert console.knowledge.say(id_, locale, "web", console.now).html in page
        for source in console.knowledge.say(id_, "en", "web", console.now).sources:
            assert source["checked"] in said and source["title"] in page.replace("&#39;", "'").replace("&amp;", "&")
    assert "311" in said and "open now" in said and 'dir="rtl"' in page
    assert code not in page and "Private" not in said
    again = console.post(agent, "/console/open", code=code)
    assert "does not open" in again.text
    assert console.acts()[-2:] == [("agent", "opened a code", ""), ("agent", "a code did not open", "")]


@pytest.mark.parametrize(
    "held",
    [
        Handoff("es", "private"),
        Handoff("es", "domestic_violence", ("domestic_violence",)),  # no such row is made; and if one were
        Handoff("es", "idnyc_cost", ("idnyc_cost", "u_visa_what")),
        Handoff("es", "hate_crime", ("hate_crime",)),
        Handoff("es", "idnyc_cost", ("police_report_crime", "idnyc_cost")),
        Handoff("es", "no_longer_there", ("idnyc_cost",)),
    ],
)
def test_after_a_safety_or_victim_topic_only_the_language(console: Rig, held: Handoff) -> None:
    code = console.store.hand_off(8, held, console.now)
    page = console.post(console.staff("agent"), "/console/open", code=code).text
    said = text_of(page)
    assert said.startswith("Private: ask how to help") and "Interpreter: Spanish" in said
    for word in ("idnyc", "visa", "violence", "hurt", "Next line", "domestic", "no_longer_there"):
        assert word not in said, word


def test_whom_to_ask_for(console: Rig) -> None:
    """Every language that the assistant writes, and every one that it only knows by name, with the words that get its interpreter."""
    knowledge = console.knowledge
    for info in knowledge.served():
        found = handing.interpreter(knowledge, info.code, None)
        assert found.name and found.say is None and found.reads is None
    traditional = handing.interpreter(knowledge, "zh_Hant", None)
    assert (traditional.name, traditional.script) == ("Chinese", "traditional") and "Cantonese" in traditional.perhaps
    assert len(knowledge.unwritten) >= 60
    for key, language in knowledge.unwritten.items():
        shown = handing.opened(knowledge, Handoff("fr", "private", (), key), NOON)
        assert (shown.interpreter.name, shown.interpreter.say) == (language.name, language.say)
        assert shown.interpreter.reads == "French" and shown.private
    agent = console.staff("agent")
    code = console.store.hand_off(8, Handoff("fr", "idnyc_cost", ("idnyc_cost",), "wo"), console.now)
    said = text_of(console.post(agent, "/console/open", code=code).text)
    assert "Interpreter: Wolof" in said and "I speak Wolof, not French." in said and "answered in French" in said


def test_a_line_that_is_open_comes_first(knowledge: Knowledge) -> None:
    night = NOON.replace(hour=8)  # three in the morning in New York
    for at, hotline_open in ((NOON, True), (night, False)):
        lines = handing.next_lines(knowledge, ["appointment"], at)
        assert lines[0].open and [line.open for line in lines] == sorted((line.open for line in lines), reverse=True)
        moia = next(line for line in lines if line.name.startswith("MOIA"))
        assert moia.open is hotline_open and (moia.opens is None) is hotline_open


def test_codes_that_do_not_open_look_alike(console: Rig) -> None:
    pages = {}
    old = console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now - timedelta(hours=25))
    spent = console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now)
    live = console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now)
    from_desk = console.store.hand_off(6, Handoff("es", "idnyc_cost"), console.now)
    console.store.open_handoff(spent, console.now)
    tries = {"never was": "10000000", "expired": old, "reused": spent, "a desk's, with two more digits": "00" + from_desk}
    for name, code in tries.items():
        answer = console.post(console.staff(f"agent{len(pages)}", "agent"), "/console/open", code=code)
        pages[name] = (answer.status_code, text_of(answer.text), sorted(answer.headers))
    assert len(set(map(str, pages.values()))) == 1, pages
    for code in (from_desk, live[:7], live + "0", "", "eight", "\u0661" * 8):
        answer = console.post(console.staff("agent0"), "/console/open", code=code)
        assert "has eight digits" in answer.text, code
    assert console.store.open_handoff(from_desk, console.now) and console.store.open_handoff(live, console.now), (
        "neither is spent"
    )


@pytest.mark.slow
def test_ten_thousand_guesses_give_nothing_away_and_lock(console: Rig) -> None:
    """All against the page's own code, with a hundred codes waiting; the same account over two hours, then with a right code."""
    agent = console.staff("agent")
    live = [console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now + timedelta(hours=3)) for _ in range(100)]
    own = Console(console.knowledge, console.store, None, "", lambda: console.now)
    session = console.store.session(hashlib.sha256(agent.cookies["amparo-console"].encode()).hexdigest(), console.now)
    began, bodies = console.now, set()
    for number in range(10_000):
        now = began + timedelta(hours=2) * number / 10_000
        guess = live[number % 100] if number % 9_000 == 8_999 else f"{secrets.randbelow(9 * 10**7) + 10**7}"
        if guess in live and number % 9_000 != 8_999:
            continue
        visit = Visit(now, session, {"code": guess}, {}, {})
        bodies.add(bytes(desk.open_code(own, visit).body))
    assert len(bodies) == 2, "it does not open; locked"
    looked_at = console.acts().count(("agent", "a code did not open", ""))
    assert looked_at == 40, "five in each quarter of an hour"
    assert ("agent", "opened a code", "") not in console.acts(), "locked for a right one too"
    console.now = began + timedelta(hours=2)
    assert sum(console.store.open_handoff(code, console.now) is not None for code in live) == 100


def test_five_wrong_codes_lock_for_fifteen_minutes_and_only_that_person(console: Rig) -> None:
    agent, other = console.staff("agent"), console.staff("other", "agent")
    code = console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now)
    for _ in range(5):
        assert "does not open" in console.post(agent, "/console/open", code="99999999").text
    for tried in (code, "99999999"):
        locked = text_of(console.post(agent, "/console/open", code=tried).text)
        assert "locked for you for 15 minutes" in locked, "right and wrong look alike"
    console.now += timedelta(minutes=12)
    assert "locked" in text_of(console.post(agent, "/console/open", code=code).text)
    console.sign_in("agent")
    assert "locked" in text_of(console.post(console.clients["agent"], "/console/open", code=code).text), (
        "signing in again does not help"
    )
    assert "What IDNYC costs" in console.post(other, "/console/open", code=code).text
    console.now += timedelta(minutes=4)
    fresh = console.store.hand_off(8, Handoff("es", "idnyc_cost"), console.now)
    assert "What IDNYC costs" in console.post(console.sign_in("agent"), "/console/open", code=fresh).text


# --- a code from 311 ----------------------------------------------------------------------------------------------------


def test_six_digits_to_read_out(console: Rig) -> None:
    agent = console.staff("agent")
    said = text_of(console.post(agent, "/console/start", locale="ht", typed="idnyc cost").text)
    code = re.search(r"caller (\d{3}) (\d{3})\b", said)
    assert code and "Text these six digits to 212-555-0199" in said and "amparo.example" in said and "Haitian Creole" in said
    assert console.store.open_handoff("".join(code.groups()), console.now) == Handoff("ht", "idnyc_cost")
    menu = text_of(console.post(agent, "/console/start", locale="es", typed=" ").text)
    assert "Spanish: What you can ask" in menu
    assert console.post(agent, "/console/start", locale="es", typed="co").text.count('name="topic"') > 9
    for form in ({"locale": "xx", "typed": "idnyc"}, {"locale": "", "typed": ""}, {"locale": "es", "typed": "zzzz"}):
        assert "Read this" not in console.post(agent, "/console/start", **form).text
    assert {act for _, act, _ in console.acts()} == {"signed in", "started a code"}
    assert all(object_ == "" for _, _, object_ in console.acts()), "nor the topic"


# --- looking up ---------------------------------------------------------------------------------------------------------


def test_any_answer_in_two_languages(console: Rig) -> None:
    agent = console.staff("agent")
    page = console.post(agent, "/console/look", typed="idnyc cost", locale="ar").text
    for locale in ("en", "ar"):
        assert console.knowledge.say("idnyc_cost", locale, "web", console.now).html in page
    assert 'lang="ar" dir="rtl"' in page
    assert console.knowledge.say("idnyc_apply", "ar", "web", console.now).html in agent.get("/console/answers/idnyc_apply").text
    assert agent.get("/console/answers/no_such").status_code == 404
    for id_ in console.knowledge.questions:
        assert agent.get(f"/console/answers/{id_}").status_code == 200, id_


def test_letters_that_find_an_answer(console: Rig) -> None:
    """For each answer there are at most four letters after which one key opens it: the shortcut to the page, the letters, Enter and the
    number of the result are then under ten key presses, a change of language (Tab and its first letter, twice for Chinese) included."""
    knowledge = console.knowledge
    for id_ in (id_ for id_ in knowledge.questions if id_ in knowledge.answers):
        words = list(dict.fromkeys(find._words(knowledge.title(id_, "en", "web")) + find._words(id_)))
        starts = sorted({word[:length] for word in words for length in (1, 2, 3, 4)}, key=len)
        typed = next((s for s in starts if id_ in [one.id for one in find.answers(knowledge, s)][: find.NUMBERED]), None)
        assert typed is not None and len("l" + typed) + len(["Tab", "c", "c", "Enter", "1"]) < 10, (id_, typed)
    first_letters = [name[0] for _, name, _ in find.languages(knowledge)]
    assert max(first_letters.count(letter) for letter in first_letters) == 2, "Chinese in two scripts"


# --- accounts from the command line -------------------------------------------------------------------------------------


def test_accounts_on_the_command_line(tmp_path: Path) -> None:
    environ = {"AMPARO_DATA_DIR": str(tmp_path)}
    made = run("console", "add-user", "ana", "--role", "agent", stdin=PASSWORD + "\n", **environ)
    assert made.returncode == 0, made.stderr
    assert re.search(r"^otpauth://totp/Amparo%20console:ana\?secret=[A-Z2-7]{32}&issuer=Amparo%20console$", made.stdout, re.M)
    assert "\u2588" in made.stdout and PASSWORD not in made.stdout + made.stderr
    for name, password, why in [
        ("ana", PASSWORD, "there is an account ana"),
        ("bea", "short", "at least 12 characters"),
        ("bea", "long" * 50 + "!", "at most 200 characters"),
        ("Bea 212-555-0142", PASSWORD, "small letters"),
    ]:
        refused = run("console", "add-user", name, "--role", "agent", stdin=password + "\n", **environ)
        assert refused.returncode == 1 and why in refused.stderr
    assert run("console", "set-role", "ana", "--role", "admin", **environ).returncode == 0
    assert run("console", "users", **environ).stdout == "ana\tadmin\n"
    assert run("console", "remove-user", "ana", **environ).returncode == 0
    assert run("console", "remove-user", "ana", **environ).returncode == 1
    assert run("console", "add-user", "ana", "--role", "boss", stdin=PASSWORD, **environ).returncode == 2


def test_the_console_needs_no_rasa_and_no_model() -> None:
    code = "import console.app, sys; print([m for m in sys.modules if m.split('.')[0] in ('rasa', 'rasa_sdk', 'onnxruntime', 'sklearn', 'tensorflow')])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
