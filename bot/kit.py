"""The kit for a USB stick: a folder that any browser opens by a double click on index.html, with no server and no network.

What it says is what the assistant says: the scenes are recorded from it while the kit is written, and the answers come from the same
content, as it stands on that day. No file's name and no title in a browser's history holds a topic (bot/knowledge/codes.py).
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.channels.page import STATIC, Pages
from bot.channels.present import shown
from bot.channels.simulator import counted
from bot.dialogue.assistant import Outcome
from bot.dialogue.plan import Piece, Plan, render
from bot.knowledge import formatting
from bot.knowledge.codes import code_of
from bot.knowledge.lines import NEW_YORK
from bot.knowledge.scenes import Scene

MARK = "kit.txt"  # by this file a folder is known as a kit, which the next one may replace
CARDS = "cards"  # what `amparo pack` has written into the folder stays
SCRIPTS = ("phone.js", "scenes.js", "kit.js")  # one file in the kit
STYLES = ("site.css", "phone.css", "present.css", "kit.css")

Respond = Callable[[str, str], Awaitable[Outcome]]  # (text, sender) -> what is sent


class NotAKit(Exception):
    """The folder holds something else; `str()` says so."""


def noon(now: datetime) -> datetime:
    """The latest noon of a working day in New York, when the lines are open: nobody knows at what hour a recording is seen."""
    at = now.astimezone(NEW_YORK).replace(hour=12, minute=0, second=0, microsecond=0)
    while at > now or at.weekday() > 4:
        at -= timedelta(days=1)
    return at


async def write(out: Path, pages: Pages, scenes: list[Scene], respond: Respond, now: datetime) -> int:
    """Write the kit into `out` and return its size in bytes. `pages` and `respond` keep the clock of `noon(now)`. Raises NotAKit for a
    folder that holds something else, and OSError."""
    _empty(out)
    recorded: dict[str, dict[str, Any]] = {scene.id: {} for scene in scenes}
    for scene in scenes:
        for code in scene.steps:
            recorded[scene.id][code] = await _record(scene, code, respond)
    files = out / "files"
    files.mkdir(parents=True)
    (files / "kit.js").write_text("\n".join((STATIC / name).read_text("utf-8") for name in SCRIPTS), "utf-8")
    for name in (*STYLES, "icon.svg"):
        shutil.copyfile(STATIC / name, files / name)
    common = {"made": now.astimezone(NEW_YORK).date(), "cards": (out / CARDS / "index.html").exists(), "root": ""}
    data = {**shown(scenes, pages), "recorded": recorded}
    _save(out / "scenes.html", pages.render("kit_scenes.html", "en", "", data=data, **common))
    _save(out / "index.html", pages.render("kit_index.html", "en", "", **common))
    for info in pages.knowledge.served():
        _answers(out, pages, info.code, {**common, "root": "../"})
    _save(out / MARK, f"Amparo kit, written {common['made']}\n")
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def _empty(out: Path) -> None:
    """An answer that was withdrawn must not stay on the stick: what the kit before had is removed, but nothing that is not a kit's."""
    if not out.exists():
        return
    if any(out.iterdir()) and not (out / MARK).exists() and {path.name for path in out.iterdir()} != {CARDS}:
        raise NotAKit(f"{out} is not empty and no kit: give another folder")
    for path in out.iterdir():
        if path.is_dir() and path.name != CARDS:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


async def _record(scene: Scene, locale: str, respond: Respond) -> list[list[dict[str, Any]]]:
    """The text messages that come back for each step; none for a step of the chat page alone."""
    found = []
    for step in scene.steps[locale]:
        outcome = await respond(step.text, f"{scene.id} {locale}") if "sms" in step.channels else None
        found.append([counted(message.text, None) for message in outcome.messages] if outcome else [])
    return found


def _answers(out: Path, pages: Pages, locale: str, common: dict[str, Any]) -> None:
    """One page with all titles, and a page for each answer."""
    knowledge, topics = pages.knowledge, defaultdict(list)
    for id_, question in knowledge.questions.items():
        if not knowledge.is_held(id_) and (question.topic != "conversation" or id_ in pages.about):
            topics[question.topic].append(_answer(id_, pages, locale))
    topics["conversation"] = topics.pop("conversation")  # what Amparo says of itself comes last
    collected = knowledge.style(locale), min(fact.checked for fact in knowledge.facts.values())
    listed = [(pages.word(f"topic_{topic}", locale), answers) for topic, answers in topics.items()]
    folder = out / locale
    folder.mkdir()
    date = pages.word("collected", locale).replace("{date}", formatting.month(collected[1], collected[0]))
    _save(folder / "index.html", pages.render("kit_answers.html", locale, "index", topics=listed, collected=date, **common))
    known = {answer["code"] for answers in topics.values() for answer in answers}
    for answers in topics.values():
        for answer in answers:
            following = [
                pages.link(other, locale) for other in knowledge.answer(answer["id"]).next if code_of(other) in known
            ]  # what is held back is no link either
            page = pages.render(
                "kit_answer.html",
                locale,
                answer["code"],
                reply=answer,
                next=following,
                collected=answer["collected"] or date,
                **common,
            )
            _save(folder / f"{answer['code']}.html", page)


def _answer(id_: str, pages: Pages, locale: str) -> dict[str, Any]:
    """As the web shows it, with its title and its text message."""
    at = pages.clock()
    message = render(pages.knowledge, Plan(((Piece(id_),),)), locale, "web", at)[-1]
    return {
        **pages.shown(message, locale),
        "id": id_,
        "title": pages.knowledge.title(id_, locale, "web"),
        "short": pages.knowledge.say(id_, locale, "sms", at).parts[0],
        "code": code_of(id_),
    }


def _save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
