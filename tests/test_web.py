"""The chat page and its JSON, against the real server."""

import re
import shutil

import pytest

from bot.dialogue import plan as plans
from bot.dialogue.plan import render
from bot.dialogue.state import Conversation
from bot.knowledge import Knowledge, i18n
from tests.conftest import NOON, ROOT, Server


def test_the_contract(server: Server, knowledge) -> None:
    answer = server.chat(text="¿Cuánto cuesta el IDNYC?").json()
    assert set(answer) == {"token", "locale", "dir", "replies", "options"}
    assert (answer["locale"], answer["dir"]) == ("es", "ltr")
    (reply,) = answer["replies"]
    assert {"id", "html", "text", "sources", "expired"} <= set(reply)
    assert reply["id"] == "idnyc_cost" and reply["expired"] == "no"
    assert reply["text"] == knowledge.say("idnyc_cost", "es", "web", NOON).text
    assert reply["sources"][0]["url"].startswith("http") and reply["sources"][0]["collected"] == "nov 2026"
    assert {option["id"] for option in answer["options"]} == set(knowledge.answer("idnyc_cost").next)


def test_a_conversation_by_token(server: Server) -> None:
    first = server.chat(text="what is idnyc").json()
    again = server.chat(token=first["token"], text="say that again").json()
    assert again["token"] == first["token"] and again["replies"][0]["id"] == "idnyc_what"
    stranger = server.chat(token="x" * 43, text="say that again").json()
    assert stranger["replies"][0]["id"] != "idnyc_what"


def test_an_option_in_another_language(server: Server) -> None:
    first = server.chat(text="¿Cuánto cuesta el IDNYC?").json()
    english = server.chat(token=first["token"], option="idnyc_cost", locale="en").json()
    assert english["locale"] == "en" and english["replies"][0]["id"] == "idnyc_cost"


BAD = [
    (b"", "nothing"), (b"{", "not JSON"), (b"[]", "a list"), (b'{"text": 5}', "a number"), (b"{}", "neither text nor option"),
    (b'{"text": "a", "option": "tps"}', "both"), (b'{"option": "no_such"}', "an unknown option"),
    (b'{"text": "a", "locale": "xx"}', "an unknown locale"), (b"[" * 5000, "deep nesting"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), BAD, ids=[row[1] for row in BAD])
def test_bad_requests(server: Server, body: bytes, reason: str) -> None:
    assert server.client.post("/chat", content=body).status_code == 400


def test_too_large(server: Server) -> None:
    assert server.client.post("/chat", content=b'{"text": "' + b"x" * 70_000 + b'"}').status_code == 413


def test_a_repeated_message_id_is_answered_once(server: Server) -> None:
    token = server.chat(text="what is idnyc").json()["token"]
    body = {"token": token, "text": "tell me more", "message_id": "same"}
    assert server.client.post("/chat", json=body).json()["replies"] == server.client.post("/chat", json=body).json()["replies"]


def test_the_page_without_a_script(server: Server) -> None:
    page = server.client.post("/es/", data={"token": "", "text": "¿Cuánto cuesta el IDNYC?"}).text
    token = re.search(r'name="token" id="token" value="([^"]{43})"', page)
    assert token and "nyc.gov/idnyc" in page and "nov 2026" in page
    english = server.client.post("/en/", data={"token": token.group(1), "repeat": "1"}).text
    assert '<html lang="en"' in english and "nyc.gov/idnyc" in english and "Nov 2026" in english


def test_what_a_person_types_is_escaped(server: Server) -> None:
    page = server.client.post("/en/", data={"token": "", "text": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_no_third_party(server: Server) -> None:
    """Nothing is loaded from elsewhere: addresses outside stand only in links to follow."""
    for path in ("/en/", "/es/", "/demo", "/static/chat.js", "/static/site.js", "/static/site.css", "/es/answers", "/es/privacy"):
        text = server.client.get(path).text
        loads = re.findall(r'(?:src|action)="([^"]+)"|<link[^>]+href="([^"]+)"|url\(([^)]+)\)|import[ (]["\']([^"\']+)', text)
        outside = [value for found in loads for value in found if value and not value.startswith("/")]
        assert outside == [], path


def test_headers(server: Server) -> None:
    headers = server.client.get("/en/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers and "server" not in headers


@pytest.mark.parametrize(
    ("browser", "page"),
    [
        ("es-MX,es;q=0.9,en;q=0.5", "/es/"),
        ("en-US", "/en/"),
        ("fi", "/en/"),
        ("", "/en/"),
        ("en;q=0.2,es;q=0.8", "/es/"),
        (";;q=x,,", "/en/"),
    ],
)
def test_the_first_page_is_in_the_browsers_language(server: Server, browser: str, page: str) -> None:
    answer = server.client.get("/", headers={"accept-language": browser}, follow_redirects=False)
    assert answer.headers["location"] == page


def test_erase(server: Server) -> None:
    token = server.chat(text="what is idnyc").json()["token"]
    assert server.client.post("/chat/erase", json={"token": token}).status_code == 204
    assert server.chat(token=token, text="say that again").json()["replies"][0]["id"] != "idnyc_what"


def test_health_and_ready(server: Server) -> None:
    assert server.client.get("/health").status_code == 200
    assert server.client.get("/ready").json() == {"engine": True, "database": True}
    assert server.client.get("/no-such-page").status_code == 404


def test_another_sites_page_cannot_post(server: Server) -> None:
    """It could plant a token of its own choosing and read the conversation afterwards."""
    for site in ("cross-site", "same-site"):
        headers = {"sec-fetch-site": site}
        assert server.client.post("/en/", data={"token": "A" * 43, "text": "hi"}, headers=headers).status_code == 403
        assert server.client.post("/chat", json={"text": "hi"}, headers=headers).status_code == 403
        assert server.client.post("/chat/erase", json={"token": "A" * 43}, headers=headers).status_code == 403
    assert server.client.post("/en/", data={"text": "hi"}, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_surrogates_are_refused(server: Server) -> None:
    assert server.client.post("/chat", content=b'{"text": "hi", "message_id": "\\ud800"}').status_code == 400


def test_every_language_has_its_page(server: Server, knowledge) -> None:
    for info in knowledge.served():
        page = server.client.get(f"/{info.code}/").text
        assert f'dir="{info.dir}"' in page and info.name in page


def test_an_answer_that_is_not_translated_says_so(knowledge, tmp_path) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    i18n.write(knowledge, "pl", {"answer/idnyc_cost/short": ""}, tmp_path)
    without = Knowledge.load(tmp_path)
    plan = plans.answer(without, "idnyc_cost", Conversation("x", "web", NOON), at=NOON)
    messages = render(without, plan, "pl", "web", NOON)
    assert [message.ids[0] for message in messages] == ["system/english_only", "idnyc_cost"]
    assert "free" in messages[1].text and len(render(knowledge, plan, "pl", "web", NOON)) == 1
