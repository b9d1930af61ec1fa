"""Pages for somebody with a caller on the line: open a code, start one, look up an answer."""

from __future__ import annotations

import re

from starlette.responses import Response

from bot.dialogue.handoff import PERSON_DIGITS, STAFF_DIGITS
from bot.knowledge import formatting
from bot.store import Handoff
from console import find, handing
from console.web import CONTENT, Console, Visit


def open_page(console: Console, visit: Visit) -> Response:
    return console.page(visit, "open.html", problem=None)


def open_code(console: Console, visit: Visit) -> Response:
    """Shows what a person's code stands for, once. One that never was, one of another kind, one that is spent and one that is too old
    look alike."""
    store, who = console.store, visit.who
    code = re.sub(r"[\s-]", "", visit.form.get("code", ""))
    if not re.fullmatch(rf"[0-9]{{{PERSON_DIGITS}}}", code):
        return console.page(visit, "open.html", problem="digits")
    if not store.take_try(who.staff, "code", visit.now):
        return console.page(visit, "open.html", problem="locked")
    found = store.open_handoff(code, visit.now)
    if found is None:
        store.note(who.staff, "a code did not open", visit.now)
        return console.page(visit, "open.html", problem="wrong")
    store.was_right(who.staff, "code")
    store.note(who.staff, "opened a code", visit.now)
    return console.page(visit, "opened.html", shown=handing.opened(console.knowledge, found, visit.now))


def start_page(console: Console, visit: Visit) -> Response:
    return console.page(visit, "start.html", problem=None)


def start(console: Console, visit: Visit) -> Response:
    """Six digits for a language and a topic: the topic by its id, or by the first letters of its words."""
    locale, topic, typed = (visit.form.get(name, "") for name in ("locale", "topic", "typed"))
    if locale not in [info.code for info in console.knowledge.served()]:
        return console.page(visit, "start.html", problem="language")
    if topic not in console.knowledge.questions:
        found = find.answers(console.knowledge, typed) if typed.strip() else find.answers(console.knowledge, "menu")[:1]
        if len(found) != 1:
            if not found:
                return console.page(visit, "start.html", problem="topic")
            language = find.english_name(locale)
            return console.page(visit, "start_choose.html", locale=locale, language=language, found=found)
        topic = found[0].id
    code = console.store.hand_off(STAFF_DIGITS, Handoff(locale, topic), visit.now)
    console.store.note(visit.who.staff, "started a code", visit.now)
    return console.page(
        visit,
        "started.html",
        code=" ".join(re.findall("...", code)),
        language=find.english_name(locale),
        title=console.knowledge.title(topic, "en", "web"),
        number=formatting.telephone(console.number) if console.number else None,
        address=re.sub(r"^https?://", "", console.address),
    )


def look_page(console: Console, visit: Visit) -> Response:
    return console.page(visit, "look.html", found=None, chosen=visit.who.locale)


def look(console: Console, visit: Visit) -> Response:
    """Answers by the first letters of their words; if there is one, that one."""
    locale = visit.form.get("locale", "")
    if locale in [info.code for info in console.knowledge.served()]:
        console.store.show_beside(visit.who.id, locale)
    else:
        locale = visit.who.locale
    found = find.answers(console.knowledge, visit.form.get("typed", ""))
    if len(found) == 1:
        return _answer(console, visit, found[0].id, locale)
    return console.page(visit, "look.html", found=found, chosen=locale)


def answer(console: Console, visit: Visit) -> Response:
    id_ = visit.path["id"]
    if id_ not in console.knowledge.questions or id_ not in console.knowledge.answers:
        return console.page(visit, "look.html", status=404, found=[], chosen=visit.who.locale)
    return _answer(console, visit, id_, visit.who.locale)


def _answer(console: Console, visit: Visit, id_: str, locale: str) -> Response:
    knowledge, now = console.knowledge, visit.now
    return console.page(
        visit,
        "answer.html",
        id=id_,
        title=knowledge.title(id_, "en", "web"),
        sides=[(code, knowledge.locale(code).dir, find.english_name(code)) for code in ("en", locale)],
        web={code: knowledge.say(id_, code, "web", now) for code in ("en", locale)},
        sms={code: knowledge.say(id_, code, "sms", now) for code in ("en", locale)},
        say=knowledge.to_say(id_, "en") if knowledge.answer(id_).say else None,
        spelled=knowledge.spelled(id_, locale),
        next=[(other, knowledge.title(other, "en", "web")) for other in knowledge.answer(id_).next],
        held=knowledge.is_held(id_),
        facts=knowledge.facts_of(id_) if visit.who.role in CONTENT else [],
        lines=handing.next_lines(knowledge, [id_], now),
    )
