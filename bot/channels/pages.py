"""Pages to read and print: every answer, the list of topics with its search, and what Amparo says of itself.

No address and no title holds a word of a topic (a browser's history keeps both), and what is searched for never stands in an address.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.channels.http import TooLarge, from_elsewhere, read_body
from bot.channels.page import Pages
from bot.dialogue.assistant import clean
from bot.dialogue.danger import DangerDetector
from bot.dialogue.plan import Piece, Plan, render
from bot.dialogue.state import Conversation
from bot.engine.exchange import EngineClient, EngineUnavailable
from bot.engine.exchange import Request as Turn
from bot.knowledge import formatting
from bot.knowledge.codes import by_code, code_of
from bot.store import Store, StoreError

FOUND = 6  # answers that a search shows
LIKELY = 0.01  # confidence below which an answer is no result
REASONS = ("none", "untrue", "old", "other", "hard")  # of a flag, by its number


class PagesChannel:
    """GET /<locale>/a/<code>, /answers, /who, /privacy, /terms, /corrections; POST /<locale>/answers searches."""

    def __init__(self, pages: Pages, engine: EngineClient, danger: DangerDetector, store: Store) -> None:
        self._pages, self._engine, self._danger, self._store = pages, engine, danger, store
        self._knowledge = pages.knowledge
        topics: dict[str, list[str]] = defaultdict(list)
        for id_, question in self._knowledge.questions.items():
            if question.topic != "conversation":
                topics[question.topic].append(id_)
        topics["conversation"] = pages.about
        self._topics = dict(topics)
        self._ids = by_code(id_ for ids in self._topics.values() for id_ in ids)
        self.routes = []
        for info in self._knowledge.served():
            self.routes += [
                Route(f"/{info.code}/a/{{code}}", self.answer, name=f"answer-{info.code}"),
                Route(f"/{info.code}/answers", self.answers, methods=["GET", "POST"], name=f"answers-{info.code}"),
                *(Route(f"/{info.code}/{name}", getattr(self, name), name=f"{name}-{info.code}") for name in ABOUT),
            ]

    async def answer(self, request: Request) -> Response:
        """An answer whole; with `?en`, the English beside it. 404 for a code that is none."""
        locale, code = _locale(request), request.path_params["code"]
        id_ = self._ids.get(code)
        if id_ is None:  # what was printed once may have been renamed since
            return HTMLResponse(self._listed(locale), status_code=404)
        beside = self._whole(id_, "en") if "en" in request.query_params and locale != "en" else None
        following = [self._pages.link(other, locale) for other in self._knowledge.answer(id_).next if code_of(other) in self._ids]
        page = self._pages.render(
            "answer.html", locale, f"/a/{code}", mark=code, reply=self._whole(id_, locale), beside=beside, wide=bool(beside),
            next=following, token=secrets.token_urlsafe(32), message_id=secrets.token_urlsafe(12),
        )  # fmt: skip
        return HTMLResponse(page)

    async def answers(self, request: Request) -> Response:
        """All titles by topic. A search (POST `q`) shows the nearest answers first, found as the chat finds them."""
        locale = _locale(request)
        asked, found, problem, danger = "", None, "no_results", False
        if request.method == "POST":
            if from_elsewhere(request):
                return Response(status_code=403)
            try:
                body = await read_body(request)
            except TooLarge:
                return Response(status_code=413)
            asked = parse_qs(body.decode("utf-8", "replace")).get("q", [""])[0][:300]
        if asked.strip():
            try:
                found, danger = await self._search(asked, locale)
            except EngineUnavailable:
                found, problem = [], "search_down"
        return HTMLResponse(self._listed(locale, found, self._pages.word(problem, locale), danger))

    async def privacy(self, request: Request) -> Response:
        """What is kept and counted, and by whom."""
        return self._about(request, [self._html("privacy", _locale(request)), self._pages.text("privacy_more", _locale(request))])

    async def terms(self, request: Request) -> Response:
        """What Amparo is and is not, and what text messages cost."""
        return self._about(request, [self._pages.text("terms_text", _locale(request))])

    async def who(self, request: Request) -> Response:
        """Who runs it (the operator's file)."""
        locale = _locale(request)
        return self._about(request, [self._pages.text("who_text", locale), self._html("are_you_a_person", locale)])

    async def corrections(self, request: Request) -> Response:
        """Which answers were called wrong, by week and reason, and which are held back. No times finer than a week."""
        locale, word = _locale(request), self._pages.word
        style = self._knowledge.style(locale)
        try:
            flags = await asyncio.to_thread(self._store.flags)
        except StoreError:
            flags = []
        weeks: dict[date, dict[tuple[str, int], int]] = defaultdict(lambda: defaultdict(int))
        for id_, day, reason, count in flags:
            if code_of(id_) in self._ids:
                weeks[day - timedelta(days=day.weekday())][id_, reason] += count
        lists = [
            (
                word("corrections_week", locale).replace("{date}", formatting.full_date(monday, style)),
                [
                    f"{self._knowledge.title(id_, locale, 'web')}: {word(f'wrong_{REASONS[reason]}', locale)} ({count})"
                    for (id_, reason), count in sorted(found.items())
                ],
            )
            for monday, found in sorted(weeks.items(), reverse=True)
        ]
        held = [self._knowledge.title(id_, locale, "web") for id_ in self._ids.values() if self._knowledge.is_held(id_)]
        if held:
            lists.insert(0, (word("corrections_held", locale), held))
        texts = [self._pages.text("corrections_text", locale)]
        return self._about(request, texts if lists else [*texts, self._pages.text("corrections_none", locale)], lists)

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _listed(self, locale: str, found: list[dict[str, str]] | None = None, problem: str = "", danger: bool = False) -> str:
        """All titles by topic, after what a search found. The words that were searched for are not shown again: Back would show them."""
        topics = [
            (self._pages.word(f"topic_{topic}", locale), [self._pages.link(id_, locale) for id_ in ids])
            for topic, ids in self._topics.items()
        ]
        return self._pages.render(
            "answers.html", locale, "/answers", mark=self._pages.word("topics", locale), topics=topics, found=found,
            problem=problem, danger=danger,
        )  # fmt: skip

    def _about(self, request: Request, texts: list[str], lists: list[tuple[str, list[str]]] | None = None) -> Response:
        locale, name = _locale(request), request.url.path.rsplit("/", 1)[1]
        title = self._pages.word(name, locale)
        page = self._pages.render("text.html", locale, f"/{name}", mark=title, title=title, texts=texts, lists=lists or [])
        return HTMLResponse(page)

    def _html(self, id_: str, locale: str) -> str:
        return self._knowledge.say(id_, locale, "web", self._pages.clock()).html

    def _whole(self, id_: str, locale: str) -> dict[str, Any]:
        message = render(self._knowledge, Plan(((Piece(id_),),)), locale, "web", self._pages.clock())[-1]
        return {**self._pages.shown(message, locale), "title": self._knowledge.title(id_, locale, "web"), "code": None}

    async def _search(self, asked: str, locale: str) -> tuple[list[dict[str, str]], bool]:
        """The nearest answers, and whether the words sound like danger. Nothing of it is kept. Raises EngineUnavailable."""
        at = self._pages.clock()
        text = clean(asked)
        turn = Turn(text, Conversation("search", "web", at, locale=locale), at, danger=self._danger.find(text), hint=locale)
        reply = await self._engine.turn(turn)
        ids = [id_ for id_, share in reply.ranking if share >= LIKELY and code_of(id_) in self._ids][:FOUND]
        return [self._pages.link(id_, locale) for id_ in ids], reply.urgent


ABOUT = ("privacy", "terms", "who", "corrections")


def _locale(request: Request) -> str:
    return request.url.path.split("/")[1]
