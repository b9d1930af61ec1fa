"""The kit for a USB stick is whole, stands alone, and says what the assistant says."""

from __future__ import annotations

import asyncio
import html
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote

import pytest

from bot import kit
from bot.channels.page import Pages
from bot.dialogue.assistant import Incoming
from bot.knowledge import Knowledge, segments
from bot.knowledge.codes import code_of
from tests.conftest import NOON
from tests.test_demo import SCENES
from tests.test_dialogues import make_assistant

pytestmark = pytest.mark.slow  # servers of their own


@pytest.mark.parametrize(
    ("now", "noon"),
    [
        ("2026-11-24T18:00", "2026-11-24T17:00"),  # Tuesday afternoon: today
        ("2026-11-24T14:00", "2026-11-23T17:00"),  # Tuesday morning: Monday
        ("2026-11-22T20:00", "2026-11-20T17:00"),  # Sunday: Friday
        ("2026-07-06T12:00", "2026-07-03T16:00"),  # Monday morning in summer time: Friday
    ],
)
def test_scenes_are_recorded_at_noon_of_a_working_day(now: str, noon: str) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)

    assert kit.noon(utc(now)) == utc(noon)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, engine) -> Path:
    """A kit, written twice, with an answer held back."""
    knowledge = Knowledge.load()
    knowledge.held = frozenset({"idnyc_cost"})
    pages = Pages(knowledge, lambda: NOON)
    out = tmp_path_factory.mktemp("kit") / "kit"
    assistant = make_assistant(knowledge, engine)

    async def respond(text: str, sender: str):
        return await assistant.respond(Incoming("sms", (sender,), text))

    (out / "cards").mkdir(parents=True)
    (out / "cards" / "index.html").write_text("<!doctype html>")
    asyncio.run(kit.write(out, pages, SCENES[:1], respond, NOON))
    (out / "es" / "old.html").write_text("withdrawn")
    size = asyncio.run(kit.write(out, pages, SCENES[:1], respond, NOON))
    assert 1_000_000 < size < 20_000_000
    return out


def test_the_kit_is_whole_and_stands_alone(folder: Path) -> None:
    """Every link leads to a file of the kit or, to follow, to a source; nothing is loaded from elsewhere; nothing old is left."""
    pages = list(folder.rglob("*.html"))
    assert not (folder / "es" / "old.html").exists() and (folder / "cards" / "index.html").exists()
    for page in pages:
        text = page.read_text()
        for tag, address in re.findall(r'<(\w+)[^>]*? (?:href|src|action)="([^"]*)"', text):
            if address.startswith(("https://", "http://", "tel:")):
                assert tag == "a", (page.name, address)
            else:
                assert (page.parent / unquote(address)).exists(), (page, address)
        assert not re.search(r"url\(|@import|type=\"module\"|serviceWorker|fetch\(\"/(?!demo)", text), page


def test_every_answer_is_in_the_kit_but_what_is_held(folder: Path, knowledge: Knowledge) -> None:
    ids = [id_ for id_, question in knowledge.questions.items() if question.topic != "conversation"]
    for info in knowledge.served():
        for id_ in ids:
            page = folder / info.code / f"{code_of(id_)}.html"
            assert page.exists() == (id_ != "idnyc_cost"), (info.code, id_)
        listed = (folder / info.code / "index.html").read_text()
        assert code_of("idnyc_what") in listed and code_of("idnyc_cost") not in listed


@pytest.mark.parametrize("locale", ["en", "es", "ur"])
def test_an_answer_in_the_kit_has_its_text_its_sources_and_its_date(locale: str, folder: Path, knowledge: Knowledge) -> None:
    for id_ in ("u_visa_what", "ice_here_now", "school_enroll"):
        text = html.unescape((folder / locale / f"{code_of(id_)}.html").read_text())
        said = knowledge.say(id_, locale, "web", NOON)
        assert knowledge.title(id_, locale, "web") in text and html.unescape(said.html) in text
        assert knowledge.say(id_, locale, "sms", NOON).parts[0] in text
        assert said.sources and all(source["url"] in text for source in said.sources)
        collected = knowledge.say("system/web_collected", locale, "web", NOON).text.split("{date}")[0]
        assert collected in text.split("<footer>")[1], "the date stands on each page"


def test_no_file_name_and_no_title_in_the_kit_holds_a_topic(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name not in ("files", "cards"):
            assert re.fullmatch(r"(index|scenes|[2-9b-z]{4})\.html|kit\.txt", path.name), path
            if path.suffix == ".html":
                assert re.findall(r"<title>(.*)</title>", path.read_text()) == ["Amparo"]


def test_the_recording_is_what_the_assistant_says(folder: Path, knowledge: Knowledge) -> None:
    data = json.loads(
        re.findall(r'<script type="application/json" id="data">(.*?)</script>', (folder / "scenes.html").read_text())[0]
    )
    for locale in ("en", "bn", "ar"):
        first = data["recorded"]["city_card"][locale][0][0]
        assert knowledge.say("idnyc_documents", locale, "sms", NOON).parts[0] in first["text"]
        assert first["segments"] == segments.count(first["text"]) and first["encoding"] in ("GSM-7", "UCS-2")
    assert "November 24, 2026" in (folder / "scenes.html").read_text()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(kit.NotAKit):
        asyncio.run(kit.write(tmp_path, Pages(knowledge, lambda: NOON), [], None, NOON))  # type: ignore[arg-type]
    assert (tmp_path / "thesis.doc").read_text() == "mine"
