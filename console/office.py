"""Pages for signing in and out, the tallies and the audit log."""

from __future__ import annotations

from starlette.responses import Response

from bot.knowledge.lines import NEW_YORK
from console import accounts, tallies
from console.find import english_name
from console.web import SIGN_IN, Console, Moved, Visit


def sign_in_page(console: Console, visit: Visit) -> Response:
    return console.page(visit, "sign_in.html", locked="locked" in visit.query, refused=False)


def sign_in(console: Console, visit: Visit) -> Response:
    name, password, code = (visit.form.get(field, "") for field in ("name", "password", "code"))
    cookie = accounts.sign_in(console.store, name, password, code, visit.now)
    if cookie is None:
        return console.page(visit, "sign_in.html", status=401, locked=False, refused=True)
    return Moved("/console/", cookie)


def sign_out(console: Console, visit: Visit) -> Response:
    console.store.end_session(visit.who.id)
    console.store.note(visit.who.staff, "signed out", visit.now)
    return Moved(SIGN_IN, "")


def home(console: Console, visit: Visit) -> Response:
    return Moved("/console/open" if visit.who.role == "agent" else "/console/due")


def tally(console: Console, visit: Visit) -> Response:
    today = visit.now.astimezone(NEW_YORK).date()
    since = tallies.whole_weeks(today)[-1]
    topics = list(dict.fromkeys(question.topic for question in console.knowledge.questions.values()))
    served = [info.code for info in console.knowledge.served()]
    by_topic = tallies.table(console.store.tallies("topic", since), topics, today, "other topics")
    by_language = tallies.table(console.store.tallies("language", since), served, today, "other languages")
    unwritten = {key: language.name for key, language in console.knowledge.unwritten.items()}
    names = {code: english_name(code) for code in served} | unwritten
    return console.page(visit, "tallies.html", tables=(("topic", by_topic), ("language", by_language)), names=names)


def audit(console: Console, visit: Visit) -> Response:
    return console.page(visit, "audit.html", acts=console.store.audit())
