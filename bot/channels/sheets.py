"""Cards and sheets to print, as pages: `/<locale>/cards` and the sheets that it lists; and the same pages for a folder (`amparo pack`)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.channels.page import Pages
from bot.knowledge import formatting, reviews
from bot.knowledge.codes import code_of
from bot.knowledge.sheets import LANGUAGES, Kind, Sheet, Sheets, day
from bot.knowledge.yamlfile import load
from bot.settings import ROOT

NO_BREAK = "\u2011"  # a hyphen at which no line ends
COPIES = 8  # of a card on a sheet of Letter paper


class SheetPages:
    """The pages. `routes` serves them; `listing` and `sheet` give them as text, for the web or (`folder`) to lie side by side as files
    that need nothing else. Raises what `Sheets` raises."""

    def __init__(self, pages: Pages, public_url: str, number: str | None) -> None:
        """`public_url` is what the square codes lead to; `number` (E.164) is the number to text, where there is one."""
        self._pages, self._public_url = pages, public_url.rstrip("/")
        self._knowledge, self._clock = pages.knowledge, pages.clock
        self._number = formatting.telephone(number).replace("-", NO_BREAK) if number else None
        self._sheets = Sheets(self._knowledge)
        self._reviews = reviews.load_reviews()
        self._leave_to = load(ROOT / "content" / "web.yml")["leave_to"]
        self._templates = Environment(
            loader=FileSystemLoader(ROOT / "web" / "templates"),
            autoescape=select_autoescape(default=True),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.routes = [
            Route("/{locale}/cards", self._listing, methods=["GET"]),
            Route("/{locale}/cards/{code}", self._sheet, methods=["GET"]),
        ]

    @cached_property
    def _other_languages(self) -> list[tuple[str, str, str]]:
        """(own name, English name, code of its interpreter card) of each language that we do not write: they change with a deploy only."""
        sheets = self._sheets
        rows = [(sheets.own_name(kind.id.split("/")[2]), sheets.make(kind, "en").speaks[0], kind.code) for kind in sheets.others]
        return sorted(rows, key=lambda row: row[1].casefold())

    @property
    def codes(self) -> list[str]:
        """The codes of all sheets, in the order of the list."""
        return [*self.main_codes, *(kind.code for kind in self._sheets.others)]

    @property
    def main_codes(self) -> list[str]:
        """Those without the cards for the languages that we do not write."""
        return [*(kind.code for kind in self._sheets.kinds), code_of(LANGUAGES)]

    # --- addresses ------------------------------------------------------------------------------------------------------

    async def _listing(self, request: Request) -> Response:
        locale = self._locale(request)
        return HTMLResponse(self.listing(locale)) if locale else Response(status_code=404)

    async def _sheet(self, request: Request) -> Response:
        """A code that is none of ours gets the list: what was printed once may have been renamed since."""
        locale, code = self._locale(request), request.path_params["code"]
        if locale is None:
            return Response(status_code=404)
        if code not in self._sheets.by_code:
            return HTMLResponse(self.listing(locale), status_code=404)
        return HTMLResponse(self.sheet(locale, code))

    def _locale(self, request: Request) -> str | None:
        locale = request.path_params["locale"]
        return locale if any(locale == info.code for info in self._knowledge.served()) else None

    # --- pages ----------------------------------------------------------------------------------------------------------

    def listing(self, locale: str, *, folder: bool = False, locales: Sequence[str] | None = None) -> str:
        """The list of what can be printed, as HTML, with links to the same list in `locales` (all that are served, if not given). Raises
        UnknownLocale."""
        sheets = self._sheets
        listed = [info for info in self._knowledge.served() if locales is None or info.code in locales]
        titles = {kind.code: sheets.make(kind, locale).title for kind in sheets.kinds}
        values = {
            "cards": [(kind.code, titles[kind.code]) for kind in sheets.kinds if kind.form == "card"],
            "handouts": [(kind.code, titles[kind.code]) for kind in sheets.kinds if kind.form == "handout"],
            "languages": code_of(LANGUAGES),
            "others": self._other_languages,
        }
        if folder:
            return self._render("sheet_list.html", locale, folder, locales=listed, **values)
        mark = self._pages.word("cards", locale)
        return self._pages.render("cards.html", locale, "/cards", mark=mark, to=_to(locale, folder), tag=_tag, **values)

    def sheet(self, locale: str, code: str, *, folder: bool = False) -> str:
        """The sheet of a code, as HTML. Raises KeyError for a code that is none of ours, UnknownLocale."""
        kind = self._sheets.by_code[code]
        if kind is None:
            with_line, others = self._sheets.languages()
            return self._render("sheet_languages.html", locale, folder, with_line=with_line, others=others)
        return self._render(f"sheet_{kind.form}.html", locale, folder, **self._filled(kind, locale))

    def _filled(self, kind: Kind, locale: str) -> dict[str, Any]:
        sheet, style = self._sheets.make(kind, locale), self._knowledge.style(locale)
        until = day(sheet.until, style) if sheet.until else None
        return {
            "sheet": sheet,
            "english_sheet": self._sheets.make(kind, "en"),
            "own_name": self._sheets.own_name(kind.id.split("/")[2]) if kind.language else None,
            "collected": formatting.month(sheet.collected, style) if sheet.collected else None,
            "until": until,
            "past": sheet.is_past(self._clock()),
            "held": self._knowledge.say("system/held", locale, "web", self._clock()).html if sheet.held else None,
            "qr": self._qr(sheet),
            "number": (formatting.LRM if style.rtl else "") + self._number if self._number else None,
            "reviewed": self._is_reviewed(sheet),
            "copies": COPIES,
        }

    def _is_reviewed(self, sheet: Sheet) -> bool:
        states = [reviews.state(self._knowledge, self._reviews, id_, sheet.locale) for id_ in sheet.answers]
        return all(state == "reviewed" for state in states)

    def address(self, sheet: Sheet) -> str:
        """Where its square code leads: the page of its first answer, in its language, by a code that names no topic."""
        return f"{self._public_url}/{sheet.locale}/a/{code_of(sheet.kind.leads_to)}"

    def _qr(self, sheet: Sheet) -> Markup:
        # Level M: a card lives in a pocket. The light border of 4 squares belongs to the symbol (ISO/IEC 18004).
        drawn = io.BytesIO()
        segno.make(self.address(sheet), error="m", micro=False).save(
            drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, svgclass="qr", lineclass=None, nl=False
        )
        return Markup(drawn.getvalue().decode())

    def _render(self, template: str, locale: str, folder: bool, **values: Any) -> str:
        info, at = self._knowledge.locale(locale), self._clock()

        def word(name: str, locale: str = locale, **filled: str) -> str:
            return self._knowledge.say(f"system/web_{name}", locale, "web", at, **filled).text

        page = self._templates.get_template(template)
        static = ROOT / "web" / "static"
        return page.render(
            info=info,
            info_of=self._knowledge.locale,
            word=word,
            english=partial(word, locale="en"),
            to=_to(locale, folder),
            folder=folder,
            css=Markup((static / "print.css").read_text(encoding="utf-8")) if folder else "",
            script=Markup((static / "print.js").read_text(encoding="utf-8")) if folder else "",
            leave_to=self._leave_to,
            government=self._knowledge.operator.get("kind") == "government",
            tag=_tag,
            **values,
        )


def _to(locale: str, folder: bool) -> Callable[..., str]:
    """Gives the address of a code's sheet, or ("") of the list: in `locale`, or another."""

    def address(code: str, locale: str = locale) -> str:
        if folder:
            return f"{locale}-{code}.html" if code else f"{locale}.html"
        return f"/{locale}/cards/{code}" if code else f"/{locale}/cards"

    return address


def _tag(code: str) -> str:
    return code.replace("_", "-")
