"""What every page is made of: the templates, the words around an answer, and an answer as a page shows it."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.dialogue.plan import Rendered
from bot.knowledge import Knowledge, formatting, reviews
from bot.knowledge.codes import code_of
from bot.knowledge.yamlfile import load
from bot.settings import ROOT

STATIC = ROOT / "web" / "static"


class Pages:
    """Renders templates of web/templates in a locale. Read-only; shared by all pages of a process. `clock` gives the present instant."""

    def __init__(self, knowledge: Knowledge, clock: Callable[[], datetime]) -> None:
        self.knowledge, self.clock = knowledge, clock
        content = load(ROOT / "content" / "web.yml")
        self.suggestions: list[str] = content["suggestions"]
        self.about: list[str] = content["about"]
        self._leave_to: str = content["leave_to"]
        self._reviews = reviews.load_reviews()
        self._words: dict[tuple[str, str], str] = {}
        # Style and script are kept by browsers for a day: their address changes with them.
        parts = b"".join(path.read_bytes() for path in sorted(STATIC.glob("*.*s")))
        self._version = hashlib.sha256(parts).hexdigest()[:8]
        self._templates = Environment(
            loader=FileSystemLoader(ROOT / "web" / "templates"),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, locale: str, path: str, **values: Any) -> str:
        """The page in a locale; `path` is its address after the locale ("/answers"), for the links to other languages."""
        return self._templates.get_template(template).render(
            info=self.knowledge.locale(locale),
            locales=self.knowledge.served(),
            word=lambda name: self.word(name, locale),
            path=path,
            version=self._version,
            leave_to=self._leave_to,
            government=self.knowledge.operator.get("kind") == "government",
            **values,
        )

    def word(self, name: str, locale: str) -> str:
        """A short text of the pages: system/web_<name>. Such texts change with a deploy only, so that each is made once."""
        if (name, locale) not in self._words:
            self._words[name, locale] = self.knowledge.say(f"system/web_{name}", locale, "web", self.clock()).text
        return self._words[name, locale]

    def text(self, name: str, locale: str) -> str:
        """A longer text of the pages, marked up."""
        return self.knowledge.say(f"system/web_{name}", locale, "web", self.clock()).html

    def link(self, id_: str, locale: str) -> dict[str, str]:
        """Title and code of an answer, for a list of links."""
        return {"code": code_of(id_), "title": self.knowledge.title(id_, locale, "web")}

    def shown(self, message: Rendered, locale: str) -> dict[str, Any]:
        """An answer as parts.html and chat.js show it, and as POST /chat gives it: its text; the English to show; its sources with the
        month and the way in which each was read; and who has reviewed it."""
        said = message.said
        info = self.knowledge.locale(said.lang)
        style = self.knowledge.style(locale)
        sources = [
            {
                **source,
                "collected": formatting.month(date.fromisoformat(source["checked"]), style),
                "read": self.word(f"how_{source['how']}", locale),
            }
            for source in said.sources
        ]
        reviewed = reviews.state(self.knowledge, self._reviews, said.id, "en") == "reviewed"
        translated = reviews.state(self.knowledge, self._reviews, said.id, said.lang) == "reviewed"
        states = [self.word("reviewed" if reviewed else "not_reviewed", locale)]
        if said.lang != "en" and translated:
            states.append(self.word("translation_reviewed", locale))
        elif said.translation == "machine draft":
            states.append(self.word("machine_draft", locale))
        return {
            "id": said.id,
            "lang": info.code,
            "dir": info.dir,
            "html": message.html or f"<p>{html.escape(message.text)}</p>",
            "text": message.text,
            "say": message.say,
            "spelled": self.knowledge.spelled(said.id, locale) if message.say else None,
            "sources": sources,
            "collected": self.word("collected", locale).replace("{date}", sources[0]["collected"]) if sources else "",
            "expired": said.expired,
            "translation": said.translation,
            "state": " ".join(states),
            "reviewed": reviewed,
            "code": code_of(said.id) if said.id in self.knowledge.questions else None,
        }
