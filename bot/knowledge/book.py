"""The review book: one HTML file, good to print, in which a lawyer (or a translator) reads every answer beside its facts, and signs."""

from __future__ import annotations

import html
from datetime import date, datetime

from bot.knowledge import formatting
from bot.knowledge.audit import at_noon
from bot.knowledge.facts import Fact
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.reviews import Review, state

# The book is a working paper for reviewers, in English: its own words are not for the public.
_STYLE = """
body { font: 11pt/1.45 Georgia, "Noto Serif", serif; margin: 2cm auto; max-width: 19cm; color: #111; }
h1 { font-size: 18pt } h2 { font-size: 14pt; margin-top: 2em } h3 { font-size: 12pt; margin-bottom: .3em }
article { break-inside: avoid-page; border-top: 1px solid #888; padding-top: .6em; margin-top: 1.6em }
table { border-collapse: collapse; width: 100%; font: 9pt/1.35 system-ui, "Noto Sans", sans-serif }
td, th { border: 1px solid #aaa; padding: .25em .4em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1em } .mark { color: #8a1f00; font-weight: bold }
.sign { font: 9.5pt system-ui, sans-serif; margin-top: .6em } .blank { display: inline-block; min-width: 5cm; border-bottom: 1px solid #111 }
"""


def book(knowledge: Knowledge, reviews: dict[tuple[str, str], Review], locale: str, day: date) -> str:
    """The whole file as text. With a locale other than English, English and translation stand side by side. Raises UnknownLocale."""
    info = knowledge.locale(locale)
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Amparo: review book ({html.escape(info.name)})</title>",
        f"<style>{_STYLE}</style><h1>Amparo: review book, {html.escape(info.name)}</h1>",
        f"<p>Content as of {day}. Facts were read in archived copies unless a row says otherwise. To sign an answer, fill in the line under "
        "it; the clerk records it with <code>amparo sign ID --role ROLE</code>. A signature lapses when a sentence or a value changes.</p>",
    ]
    topic = ""
    for id_, question in knowledge.questions.items():
        if id_ not in knowledge.answers:
            continue
        if question.topic != topic:
            topic = question.topic
            parts.append(f"<h2>{html.escape(topic)}</h2>")
        parts.append(_entry(knowledge, reviews, id_, locale, at_noon(day)))
    return "\n".join(parts) + "\n"


def _entry(knowledge: Knowledge, reviews: dict[tuple[str, str], Review], id_: str, locale: str, at: datetime) -> str:
    answer, question = knowledge.answer(id_), knowledge.questions[id_]
    marks = [mark for mark, yes in (("urgent", question.urgent), ("held", knowledge.is_held(id_))) if yes]
    condition = knowledge.expired(id_, at)
    marks += [condition] if condition != "no" else []
    sides = [_side(knowledge, id_, "en", at)] + ([_side(knowledge, id_, locale, at)] if locale != "en" else [])
    where = f"{answer.path.parent.name}/{answer.path.name}:{answer.line}"
    return (
        f"<article><h3>{html.escape(id_)} <small>({answer.layer}; {html.escape(question.about)}; {where}; "
        f"{state(knowledge, reviews, id_, locale)})</small> <span class='mark'>{html.escape(', '.join(marks))}</span></h3>"
        f"<div class='{'sides' if locale != 'en' else ''}'>{''.join(sides)}</div>"
        + (f"<p>English words to show or say: <b>{html.escape(answer.say)}</b></p>" if answer.say else "")
        + _facts(knowledge, knowledge.facts_of(id_))
        + "<p class='sign'>Right as it stands <span class='blank'>&nbsp;</span> Change <span class='blank'>&nbsp;</span> "
        "Role and date <span class='blank'>&nbsp;</span></p></article>"
    )


def _side(knowledge: Knowledge, id_: str, locale: str, at: datetime) -> str:
    """What is said on each channel in a language: every SMS part, then the text of the page."""
    info = knowledge.locale(locale)
    sms, web = knowledge.say(id_, locale, "sms", at), knowledge.say(id_, locale, "web", at)
    rows = "".join(
        f"<li>{html.escape(part)} <small>({count})</small></li>" for part, count in zip(sms.parts, sms.segments, strict=True)
    )
    return f"<div lang='{info.code}' dir='{info.dir}'><p><small>SMS (segments)</small></p><ol>{rows}</ol><p><small>Web</small></p>{web.html}</div>"


def _facts(knowledge: Knowledge, facts: list[Fact]) -> str:
    style = knowledge.style("en")
    rows = []
    for fact in facts:
        value = fact.value if fact.type == "rule" else formatting.plain(fact, style)
        doubts = " ".join(filter(None, ["volatile." if fact.volatile else "", fact.note]))
        rows.append(
            f"<tr><td>{fact.id}</td><td>{html.escape(str(value))}</td><td>{html.escape(fact.source.title)}<br>{html.escape(fact.source.url)}<br>"
            f"page of {fact.source_date or 'unknown date'}; read {fact.checked}, {fact.how.replace('_', ' ')}</td>"
            f"<td>{fact.kind}, due {fact.due}; {fact.confidence}</td><td>{html.escape(doubts)}</td></tr>"
        )
    if not rows:
        return "<p><small>Rests on no fact.</small></p>"
    head = "<tr><th>fact</th><th>value</th><th>source</th><th>kind, confidence</th><th>to know</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"
