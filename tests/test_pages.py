"""Pages to read, against the real server: answers, topics, search, and what Amparo says of itself."""

from __future__ import annotations

import html
import re

import pytest

from bot.channels.pages import ABOUT
from bot.knowledge import Knowledge
from bot.knowledge.catalogue import PRIVATE_TOPICS
from bot.knowledge.codes import ALPHABET, by_code, code_of
from bot.knowledge.yamlfile import load
from tests.conftest import NOON, ROOT, Server

# Words that no title, address or preview may show: a history keeps both.
TELLING = re.compile(r"(?i)visa|victim|traffick|abus|violen|immigra|\bice\b|police|rape|lawyer|asylum")


def test_codes_are_stable_and_tell_nothing(knowledge: Knowledge) -> None:
    assert code_of("u_visa_what") == "h24b", "printed squares and cards hold codes: they must not change"
    found = by_code(knowledge.questions)
    assert len(found) == len(knowledge.questions)
    assert all(set(code) <= set(ALPHABET) for code in found)
    with pytest.raises(ValueError, match="same code"):
        by_code(["u_visa_what", _twin("u_visa_what")])


def _twin(id_: str) -> str:
    """Another id with the same code."""
    return next(other for number in range(10**7) if code_of(other := f"x{number}") == code_of(id_))


def test_every_answer_has_its_page_in_every_language(server: Server, knowledge: Knowledge) -> None:
    for info in knowledge.served():
        listed = re.findall(rf'href="/{info.code}/a/(\w+)"', server.client.get(f"/{info.code}/answers").text)
        wanted = {id_ for id_, question in knowledge.questions.items() if question.topic != "conversation"}
        assert {code_of(id_) for id_ in wanted} <= set(listed)
        for id_ in ("u_visa_what", "ice_here_now", "school_enroll"):
            page = server.client.get(f"/{info.code}/a/{code_of(id_)}")
            said = knowledge.say(id_, info.code, "web", NOON)
            assert page.status_code == 200 and said.html.strip() in page.text
            assert f'lang="{info.code.replace("_", "-")}" dir="{info.dir}"' in page.text


def test_an_answer_names_its_sources_and_how_they_were_read(server: Server) -> None:
    page = server.client.get(f"/en/a/{code_of('idnyc_cost')}").text
    assert "Information collected Nov 2026" in page and "No lawyer has reviewed this answer yet." in page
    assert re.search(
        r'<li><a href="https://[^"]+" rel="noreferrer"[^>]*>[^<]+</a> \(Nov 2026; a saved copy of the page was read\)', page
    )
    assert "A computer made this translation" not in page
    assert "ordinateur" in server.client.get(f"/fr/a/{code_of('idnyc_cost')}").text


def test_english_beside_it(server: Server, knowledge: Knowledge) -> None:
    path = f"/ar/a/{code_of('police_stop')}"
    alone, beside = server.client.get(path).text, server.client.get(path + "?en").text
    english = knowledge.say("police_stop", "en", "web", NOON).html.strip()
    assert english in beside and english not in alone
    assert beside.count("<article") == 2 and 'lang="en" dir="ltr"' in beside


def test_titles_and_addresses_tell_nothing(server: Server, knowledge: Knowledge) -> None:
    paths = [f"/en/{name}" for name in ("", "answers", *ABOUT)]
    paths += [f"/en/a/{code_of(id_)}" for id_, question in knowledge.questions.items() if question.topic in PRIVATE_TOPICS]
    for path in paths:
        page = server.client.get(path).text
        title = re.search(r"<title>(.*?)</title>", page)
        assert title and not TELLING.search(title.group(1) + path), path
        assert "og:" not in page and 'name="description"' not in page, "a link's preview would show it"


def test_unknown_codes(server: Server) -> None:
    for code in ("zzzz", "u_visa_what", "h24b2", "%00", "greet", code_of("greet"), code_of("thanks")):
        page = server.client.get(f"/en/a/{code}")
        assert page.status_code == 404 and "All topics" in page.text and 'id="leave"' in page.text, code


SEARCHES = [
    ("en", "how much is the city id", "idnyc_cost"), ("es", "la escuela me pide papeles", "school_asks_status"),
    ("ru", "полиция остановила меня на улице", "police_stop"), ("bn", "বিনামূল্যে উকিল", "appointment"), ("zh_Hans", "U签证是什么", "u_visa_what"),
]  # fmt: skip


@pytest.mark.parametrize(("locale", "words", "id_"), SEARCHES)
def test_search_understands(server: Server, locale: str, words: str, id_: str) -> None:
    page = server.client.post(f"/{locale}/answers", data={"q": words}).text
    found = re.findall(rf'class="choice" href="/{locale}/a/(\w+)"', page)
    assert code_of(id_) in found[:3], found


def test_search_keeps_nothing_and_needs_no_address(server: Server) -> None:
    assert server.client.get("/en/answers?q=u+visa").text.count('class="choice"') == 1, "words in an address are not looked at"
    page = server.client.post("/en/answers", data={"q": "<b>zqxjkv</b>"})
    assert "zqxjkv" not in page.text and "zqxjkv" not in server.log.read_text()
    assert server.client.post("/en/answers", data={"q": ""}).status_code == 200
    headers = {"sec-fetch-site": "cross-site"}
    assert server.client.post("/en/answers", data={"q": "x"}, headers=headers).status_code == 403


def test_pages_about_amparo(server: Server, knowledge: Knowledge) -> None:
    for info in knowledge.served():
        for name in ABOUT:
            page = server.client.get(f"/{info.code}/{name}")
            assert page.status_code == 200 and knowledge.say(f"system/web_{name}", info.code, "web", NOON).text in html.unescape(
                page.text
            )
    assert "test installation" in server.client.get("/en/who").text
    terms = server.client.get("/en/terms").text
    assert "STOP" in terms and "HELP" in terms and "rates may apply" in terms, "what registering a number asks for"


def test_wrong_shows_among_the_corrections(server: Server, knowledge: Knowledge) -> None:
    sender = "+12125550161"
    server.sms("how much is idnyc", sender)
    server.sms("WRONG", sender)
    server.sms("2", sender)
    page = server.client.get("/en/corrections").text
    assert f"{knowledge.title('idnyc_cost', 'en', 'web')}: too old" in page
    assert "Week of" in page


def test_web_gives_the_address_of_the_last_answer(server: Server) -> None:
    sender = "+12125550162"
    server.sms("how much is idnyc", sender)
    assert f"https://amparo.example/en/a/{code_of('idnyc_cost')}" in server.sms("WEB", sender).text
    private = "+12125550163"
    server.sms("my husband hits me", private)
    server.sms("1", private)
    reply = server.sms("WEB", private).text
    assert "https://amparo.example" in reply and "/a/" not in reply, "after a private topic no address of an answer"


def test_on_by_text_message(server: Server, knowledge: Knowledge) -> None:
    """A code from the page starts the conversation on a telephone: its language, its topic; of a private topic only the language."""
    chat = server.chat(text="¿cuánto cuesta el idnyc?", locale="es").json()
    words = server.client.post("/chat/text", json={"token": chat["token"], "locale": "es"}).json()["text"]
    assert "212-555-0199" in words
    (code,) = re.findall(r"\b\d{6}\b", words)
    assert knowledge.say("idnyc_cost", "es", "sms", NOON).parts[0].split("{")[0][:60] in server.sms(code, "+12125550164").text
    private = server.chat(text="my husband hits me", locale="en").json()
    words = server.client.post("/chat/text", json={"token": private["token"], "locale": "en"}).json()["text"]
    (code,) = re.findall(r"\b\d{6}\b", words)
    assert "immigration officers" in server.sms(code, "+12125550165").text, "the menu"
    for bad in ({}, {"token": "x", "locale": "en"}, {"token": "x" * 43, "locale": "xx"}, []):
        assert server.client.post("/chat/text", json=bad).status_code in (400, 404)
    nobody = server.client.post("/chat/text", json={"token": "y" * 43, "locale": "en"}).json()["text"]
    assert not re.search(r"\d{6}", nobody), "a code only for a conversation"


def test_leaving_without_a_script(server: Server) -> None:
    first = server.client.post("/en/", data={"text": "what is idnyc"}).text
    token = re.search(r'name="token" id="token" value="([^"]+)"', first)
    assert token
    left = server.client.post("/en/leave", data={"token": token.group(1)})
    assert f"url={load(ROOT / 'content' / 'web.yml')['leave_to']}" in left.text and left.headers["cache-control"] == "no-store"
    # Back, and the form is sent again: nothing of it comes back.
    again = server.client.post("/en/", data={"token": token.group(1), "text": "what is idnyc"}).text
    assert "<article" not in again and token.group(1) not in again
    assert server.chat(token=token.group(1), text="what is idnyc").json()["token"] != token.group(1)


def test_asking_from_an_answer_is_left_too(server: Server) -> None:
    """The form on an answer's page has a token of its own: once left, it starts nothing again."""
    page = server.client.get(f"/en/a/{code_of('domestic_violence')}").text
    form = dict(re.findall(r'<input type="hidden" name="(token|message_id)" value="([^"]+)"', page))
    asked = {**form, "option": "domestic_violence"}
    assert "<article" in server.client.post("/en/", data=asked).text
    server.client.post("/en/leave", data={"token": form["token"]})
    assert "<article" not in server.client.post("/en/", data=asked).text


def test_addresses_without_a_slash_name_no_scheme(server: Server) -> None:
    answer = server.client.get("/es", headers={"host": "amparo.example"})
    assert answer.status_code == 302 and answer.headers["location"] == "/es/"
    assert server.client.get("/en/privacy/").status_code == 404


def test_an_older_browser_names_the_other_site(server: Server) -> None:
    for path, body in (
        ("/chat", {"json": {"text": "hi"}}),
        ("/en/", {"data": {"text": "hi"}}),
        ("/en/answers", {"data": {"q": "hi"}}),
    ):
        assert server.client.post(path, headers={"origin": "https://evil.example"}, **body).status_code == 403
        assert server.client.post(path, headers={"origin": "null"}, **body).status_code == 200
        assert server.client.post(path, headers={"origin": server.url}, **body).status_code == 200


def test_a_form_sent_twice_is_answered_once(server: Server) -> None:
    data = {"token": "B" * 43, "text": "tell me more", "message_id": "form-1"}
    server.client.post("/en/", data={**data, "text": "what is idnyc", "message_id": "form-0"})
    first, second = (
        re.findall(r'<div class="body">.*?</div>', server.client.post("/en/", data=data).text, re.S) for _ in range(2)
    )
    assert first == second and first


def test_what_is_read_is_compressed_and_what_answers_is_not(server: Server) -> None:
    """A body that holds a secret token and a person's words is never compressed (BREACH)."""
    assert server.client.get("/en/answers").headers["content-encoding"] == "gzip"
    answer = server.client.post("/en/", data={"text": "what is idnyc"})
    assert "content-encoding" not in answer.headers
    assert "max-age" in server.client.get("/static/site.css").headers["cache-control"]
    assert server.client.get("/en/privacy").headers["cache-control"] == "no-store"
