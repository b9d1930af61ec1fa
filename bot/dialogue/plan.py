"""What a turn says, as content ids: a plan holds no sentence, can be stored for a repeat, and is written out by `render`."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from bot.dialogue.state import Conversation
from bot.knowledge import HANDOFF, Knowledge, Said, formatting, segments
from bot.knowledge.catalogue import GATED
from bot.knowledge.codes import code_of
from bot.knowledge.flows import PAPERS, Choice, flow_of
from bot.knowledge.languages import Unwritten

Form = Literal[
    "part",
    "basic",
    "closed",
    "option",
    "source",
    "address",
    "latin",
    "language",
    "foreign",
    "first",
    "points",
    "desk",
    "code",
    "back",
    "say",
    "tongue",
]
HANDOFF_LASTS = timedelta(hours=24)  # a code, and its row
PART, URGENT_PART = 4, 3  # segments of one text message, in any language
MAX_MESSAGES, MAX_SEGMENTS = 3, 8  # of a whole turn on SMS (design, "What a turn on SMS looks like")


@dataclass(frozen=True)
class Piece:
    """A piece of a message: part `number` of an answer, its basic form, the notice that its line is closed, its title as the option
    `number`, where it is from, its `address` on the web, or its form in Latin letters. For languages that we do not write: how to get an interpreter for a `language`
    (key) that was named, or for the `foreign` one (ISO code) that was written; the `first` line of an urgent answer in it (`pt/ID`). `points`: a text
    that says how many points of identity and residency were counted (`number` is 100 times the first and the second). `desk`: a text about
    the desk of that number; `code`: and a code for it (100 times the code and the desk's number). `back`: in the language before (`id`), how to
    get back to it. `say`: the English words of an answer, to show or say. `tongue`: a language (`id`) as the option `number`."""

    id: str
    form: Form = "part"
    number: int = 0


Message = tuple[Piece, ...]


@dataclass(frozen=True)
class Plan:
    """What a turn says. `messages` go out in order, each as one SMS or one bubble. `options` are ids offered as choices."""

    messages: tuple[Message, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def ids(self) -> list[str]:
        """The content ids in the order in which they are sent, each once; options are not among them."""
        found = [_said_id(piece) for message in self.messages for piece in message if piece.form in _WHOLE]
        return list(dict.fromkeys(id_ for id_ in found if id_ not in _HINTS))

    @property
    def to_keep(self) -> Plan:
        """The plan as it may be stored for a repeat. A count of papers, which was worked out from what a person has, is not, nor is a code that
        opens once: whoever sends the same message again gets the question again, or is told to ask for a new code."""
        pieces = [piece for message in self.messages for piece in message]
        if any(piece.form == "code" for piece in pieces):
            return Plan(((Piece("system/handoff_gone"),),))
        counted = next((piece.id for piece in pieces if piece.form == "points"), None)
        return self if counted is None else Plan(((Piece(counted.rsplit("/", 1)[0] + PAPERS),),))

    def as_json(self) -> dict[str, Any]:
        return {
            "messages": [[[p.id, p.form, p.number] for p in message] for message in self.messages],
            "options": list(self.options),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Raises KeyError, TypeError or ValueError for what as_json did not write."""
        messages = tuple(tuple(Piece(i, f, n) for i, f, n in message) for message in data["messages"])
        return cls(messages, tuple(data["options"]))


# Pieces that are an answer, not an addition to one.
_WHOLE = ("part", "basic", "source", "address", "language", "foreign", "points", "desk", "code", "back", "say")
_INTERPRETER = "system/language_unsupported_named"


def _said_id(piece: Piece) -> str:
    return {"language": _INTERPRETER, "foreign": _INTERPRETER, "back": "system/language_back"}.get(piece.form, piece.id)


# Lines that belong to the message they stand in, and are no reply of their own.
_HINTS = frozenset(
    f"system/{name}"
    for name in ("more_hint", "machine_draft", "not_government", "flow_words", "flow_on_web", "language_stay", "language_back")
)


def answer(knowledge: Knowledge, id_: str, conversation: Conversation, *, part: int = 0, at: datetime) -> Plan:
    """The plan that gives part `part` of an answer: behind the gate on SMS where the id is gated and not yet let through.

    A part beyond the last says that there is no more.
    """
    if conversation.channel == "sms" and id_ in GATED and part == 0 and conversation.last_id != id_:
        return Plan(((Piece("system/gate"),),))
    return open_answer(knowledge, id_, conversation, part=part, at=at)


def open_answer(knowledge: Knowledge, id_: str, conversation: Conversation, *, part: int = 0, at: datetime) -> Plan:
    """As `answer`, without the gate."""
    source = knowledge.answer(id_)
    if conversation.channel == "web":
        return Plan(((*_closed(knowledge, id_, at), Piece(id_)),), source.next)
    count = _parts(knowledge, id_)
    if part >= count:
        return Plan(((Piece("system/no_more"),),))
    pieces: Message = (Piece(id_, "part", part) if part < len(source.parts) else Piece(id_, "say"),)
    if part + 1 < count:
        pieces += (Piece("system/more_hint"),)
    notice = _closed(knowledge, id_, at) if part == 0 else ()
    return Plan((notice, pieces) if notice else (pieces,))


def _parts(knowledge: Knowledge, id_: str) -> int:
    """How many text messages an answer has: its parts, and the English words to show or say where there are some."""
    source = knowledge.answer(id_)
    return len(source.parts) + (source.say is not None and not knowledge.is_held(id_))


def _closed(knowledge: Knowledge, id_: str, at: datetime) -> Message:
    """The notice that an answer's line is closed now; on SMS a message of its own, which stands in any order."""
    question = knowledge.questions.get(id_)
    urgent = question is not None and question.urgent  # stands alone, and names lines that are always open
    return (Piece(id_, "closed"),) if not urgent and knowledge.closed_line(id_, at) else ()


def node(knowledge: Knowledge, id_: str, conversation: Conversation, at: datetime, points: int | None = None) -> Plan:
    """A place in a guided conversation, with its choices: by number on SMS, as buttons on the page; after an end what its flow says
    there, and whether that line is open. `points`: see Piece."""
    flow = knowledge.flows[flow_of(id_)]
    id_ = id_ if points is not None else shown(knowledge, id_)
    here, start = flow.nodes[id_], flow.start[conversation.channel]
    message: Message = (Piece(id_) if points is None else Piece(id_, "points", points),)
    options = tuple(map(str, here.choices))
    if conversation.channel == "sms":
        if _parts(knowledge, id_) > 1:
            message += (Piece("system/more_hint"),)
        names = [paper.label for paper in flow.papers] if id_.endswith(PAPERS) else [choice.label for choice in here.choices]
        message += tuple(Piece(name, "option", number) for number, name in enumerate(names, 1))
        if id_ == start:
            message += (Piece("system/flow_on_web"),) * flow.private + (Piece("system/flow_words"),)
    else:
        if id_.endswith(PAPERS):
            options = tuple(f"{id_}|{paper.label}" for paper in flow.papers) + options
        if id_ != start:  # a node that both channels use may have a "back" that is right for text messages only
            options = tuple(option for option in options if not option.endswith("|system/choice_back"))
            moves = (Choice(flow.before("web", id_), "system/choice_back"), Choice(start, "system/choice_again"))
            options += tuple(map(str, moves))
    if not here.choices and flow.end is not None:
        closed: tuple[Message, ...] = ((Piece(flow.end, "closed"),),) if knowledge.closed_line(flow.end, at) else ()
        return Plan((message, *closed, (Piece(flow.end),)), options)
    return Plan((message,), options)


def shown(knowledge: Knowledge, id_: str) -> str:
    """The node as it can be shown again: in place of a count, which is not kept, the question about papers."""
    counts = "{identity}" in knowledge.answer(id_).texts["short"]
    return id_.rsplit("/", 1)[0] + PAPERS if counts else id_


def begun(knowledge: Knowledge, given: Plan, first: str, conversation: Conversation, at: datetime) -> tuple[Plan, bool]:
    """An answer with the first node of its guided conversation after it, and whether that was shown: where both are too long for one turn
    of text messages, the answer comes alone, and 1 leads on."""
    started = node(knowledge, first, conversation, at)
    both = Plan((*given.messages, *started.messages), started.options)
    if conversation.channel == "web":
        return both, True
    parts = [segments.count(text) for text, _ in _texts(knowledge, both, conversation.locale or "en", "sms", at)]
    if len(parts) <= MAX_MESSAGES and sum(parts) <= MAX_SEGMENTS:
        return both, True
    on = "system/choice_next"
    return Plan((*given.messages[:-1], (*given.messages[-1], Piece(on, "option", 1))), (f"{first}|{on}",)), False


def with_layer(knowledge: Knowledge, plan: Plan, id_: str, outside: str | None) -> Plan:
    """The plan with a word before it, where the answer states a rule of the city (or the state) and the person named a place `outside`
    (`ny`: the state beyond the city, `us`: beyond the state). Urgent answers are true everywhere and stand alone."""
    layer, question = knowledge.answer(id_).layer, knowledge.questions.get(id_)
    if (
        outside is None
        or plan.ids[:1] != [id_]
        or (question is not None and (question.urgent or question.topic == "conversation"))
    ):
        return plan
    if layer == "nyc":
        notice = "system/outside_nyc"
    elif layer == "ny" and outside == "us":
        notice = "system/outside_ny"
    else:
        return plan
    first, *rest = plan.messages
    if rest and first[0].form == "closed":  # two notices are one message: a turn has three
        return Plan(((*first, Piece(notice)), *rest), plan.options)
    return Plan(((Piece(notice),), *plan.messages), plan.options)


STAY = "language/"  # + a locale: an option that goes on in that language


def with_languages(knowledge: Knowledge, plan: Plan) -> Plan:
    """The answer on changing the language, as text messages, with the languages that are written here by number."""
    codes = [info.code for info in knowledge.served()]
    names = tuple(Piece(code, "tongue", number) for number, code in enumerate(codes, 1))
    return Plan((*plan.messages[:-1], (*plan.messages[-1], *names)), tuple(STAY + code for code in codes))


def with_desk(knowledge: Knowledge, plan: Plan, channel: str, at: datetime) -> tuple[Plan, int | None]:
    """The plan that gives the way to a person, with the offer of a code for a desk that is open now, and that desk's number."""
    desk = knowledge.open_desk(at)
    if desk is None or "human_agent" not in plan.ids or len(plan.messages) >= MAX_MESSAGES:
        return plan, None
    options = plan.options if channel == "sms" else tuple(f"{option}|{label}" for option, label in HANDOFF.items())
    plan = _without(plan, "system/flow_kept")  # one question at a time
    return Plan((*plan.messages, (Piece("system/handoff_ask", "desk", desk),)), options), desk


def with_way_back(plan: Plan, before: str) -> Plan:
    """The plan with a line, in the language before, on how to get back to it."""
    return Plan((*plan.messages, (Piece(before, "back"),)), plan.options) if len(plan.messages) < MAX_MESSAGES else plan


# What may be left out of a turn that is too long, in this order; the rest is the answer, and help in danger.
_DISPENSABLE = (
    "system/language_back",
    "system/flow_kept",
    "system/flow_words",
    "system/flow_on_web",
    "system/option_not_there",
    "closed",
)


def fitted(knowledge: Knowledge, plan: Plan, locale: str, channel: Literal["sms", "web"], at: datetime) -> Plan:
    """The plan without what makes a turn of text messages longer than it may be (design: 3 messages, 8 segments)."""
    for name in _DISPENSABLE if channel == "sms" else ():
        counts = [segments.count(text) for text, _ in _texts(knowledge, plan, locale, channel, at)]
        if len(counts) <= MAX_MESSAGES and sum(counts) <= MAX_SEGMENTS:
            break
        plan = _without(plan, name)
    return plan


def _without(plan: Plan, name: str) -> Plan:
    """The plan without the pieces of that id or form."""
    messages = [tuple(p for p in message if name not in (_said_id(p), p.form)) for message in plan.messages]
    return Plan(tuple(message for message in messages if message), plan.options)


def with_danger_line(plan: Plan) -> Plan:
    """The plan with a line of help for danger after it. The gate says that itself, and after its no nothing more is said."""
    if plan.ids[:1] in (["system/gate"], ["system/gate_no"]):
        return plan
    line, (first, *rest) = Piece("system/danger_line"), plan.messages
    if len(rest) > 1 and first[0].form == "closed":  # a turn has three messages: this notice stands with the other
        return Plan(((*first, line), *rest), plan.options)
    return Plan((*plan.messages, (line,)), plan.options)


def choices(knowledge: Knowledge, ids: tuple[str, ...], conversation: Conversation) -> Plan:
    """Ask which of two or three topics is meant."""
    message: Message = (Piece("system/unsure"),)
    if conversation.channel == "sms":
        message += tuple(Piece(id_, "option", number) for number, id_ in enumerate(ids, 1))
    return Plan((message,), ids)


def with_welcome(knowledge: Knowledge, plan: Plan, locale: str, conversation: Conversation, at: datetime) -> tuple[Plan, bool]:
    """The plan with the welcome after it, and whether it was added: only on SMS, once a conversation, never beside an urgent
    answer or the gate, and only where the turn stays within its messages and segments (then the next turn brings it)."""
    if conversation.welcomed or conversation.channel == "web" or not plan.messages:
        return plan, False
    if any(_stands_alone(knowledge, id_) for id_ in plan.ids):
        return plan, False
    pieces: Message = (Piece("system/welcome"),)
    if knowledge.operator.get("kind") != "government":
        pieces += (Piece("system/not_government"),)
    if locale != "en":
        pieces += (Piece("system/machine_draft"),)
    longer = Plan((*plan.messages, pieces), plan.options)
    parts = [text for text, _ in _texts(knowledge, longer, locale, "sms", at)]
    if len(parts) > MAX_MESSAGES or sum(segments.count(part) for part in parts) > MAX_SEGMENTS:
        return plan, False
    return longer, True


def _stands_alone(knowledge: Knowledge, id_: str) -> bool:
    question = knowledge.questions.get(id_)
    return id_ in ("system/gate", "system/gate_no") or (question is not None and question.urgent)


def with_latin(knowledge: Knowledge, plan: Plan, locale: str) -> Plan:
    """For somebody who wrote a language of another script in Latin letters: an urgent answer also in those letters, as a message of its
    own; beside any other a line that says how to get English."""
    if locale not in knowledge.latin or not plan.messages or not plan.ids or knowledge.is_held(plan.ids[0]):
        return plan
    first = plan.ids[0]
    if first in knowledge.latin[locale]:
        return Plan((*plan.messages, (Piece(first, "latin"),)), plan.options)
    head = (*plan.messages[0], Piece("system/cannot_read_latin", "latin"))
    return Plan((head, *plan.messages[1:]), plan.options)


@dataclass(frozen=True)
class Rendered:
    """One message as it is sent: `text` for SMS, `html` for the page; `ids` the content in it."""

    text: str
    html: str
    ids: tuple[str, ...]
    said: Said
    say: str | None = field(default=None)


def render(knowledge: Knowledge, plan: Plan, locale: str, channel: Literal["sms", "web"], at: datetime) -> list[Rendered]:
    """The plan's messages in a language. The same plan at the same instant gives the same messages."""
    out = []
    for text, message in _texts(knowledge, plan, locale, channel, at):
        main = next((p for p in message if p.form in _WHOLE), message[0])
        said = knowledge.say(_said_id(main), locale, channel, at)
        markup = ""
        if channel == "web" and main.form != "part":
            markup = f"<p>{html.escape(text)}</p>"
        elif channel == "web":
            notice = knowledge.closed_notice(main.id, locale, channel, at) if any(p.form == "closed" for p in message) else None
            markup = (f"<p><strong>{html.escape(notice)}</strong></p>" if notice else "") + said.html
        out.append(Rendered(text, markup, tuple(p.id for p in message), said, said.say))
    return out


def _texts(
    knowledge: Knowledge, plan: Plan, locale: str, channel: Literal["sms", "web"], at: datetime
) -> list[tuple[str, Message]]:
    """The text of each message, with its pieces. Before an answer that is not translated yet stands a message that says so."""
    out: list[tuple[str, Message]] = []
    for message in plan.messages:
        if any(p.form == "part" and p.number == 0 and not knowledge.is_translated(p.id, locale) for p in message):
            notice = Piece("system/english_only")
            out.append((_text(knowledge, notice, locale, channel, at), (notice,)))
        lines: list[str] = []
        replaced = any(p.form == "part" and knowledge.say(p.id, locale, channel, at).expired == "withheld" for p in message)
        for piece in message:
            if replaced and piece.id == "system/more_hint":
                continue  # what stands in an answer's place has no further part
            text = _text(knowledge, piece, locale, channel, at)
            # A hint belongs to the sentence before it; everything else starts a line of its own.
            if piece.id == "system/more_hint" and lines:
                lines[-1] += _hint(knowledge, lines[-1], text, message[0].number, locale, channel, at)
            else:
                lines.append(text)
        if channel == "web":
            out.append(("\n".join(lines), message))
        else:
            question = knowledge.questions.get(message[0].id)
            most = URGENT_PART if question is not None and question.urgent else PART
            split = [segments.simplify(line) for text in lines for line in text.split("\n")]
            out += [(text, message) for text in _packed(split, most)]
    return out


def _hint(
    knowledge: Knowledge, line: str, hint: str, part: int, locale: str, channel: Literal["sms", "web"], at: datetime
) -> str:
    """The hint that there is more, as long as it costs no further segment: else a short one, else (after the first part) none."""
    cost = segments.count(segments.simplify(line))
    short = knowledge.say("system/more_short", locale, channel, at).parts[0]
    for text in (f" {hint}", f" {short}"):
        if segments.count(segments.simplify(line + text)) <= cost:
            return text
    return f" {short}" if part == 0 else ""


def _packed(lines: list[str], most: int) -> list[str]:
    """Lines as text messages of at most so many segments each: a long list goes in two."""
    texts = [lines[0]]
    for line in lines[1:]:
        longer = f"{texts[-1]}\n{line}"
        if segments.count(longer) <= most:
            texts[-1] = longer
        else:
            texts.append(line)
    return texts


def _text(knowledge: Knowledge, piece: Piece, locale: str, channel: Literal["sms", "web"], at: datetime) -> str:
    if piece.form == "option":
        return f"{piece.number} {knowledge.label(piece.id, locale, channel)}"
    if piece.form == "points":
        values = {"identity": str(piece.number // 100), "residency": str(piece.number % 100)}
        return knowledge.say(piece.id, locale, channel, at, **values).parts[0]
    if piece.form == "tongue":
        return f"{piece.number} {knowledge.locale(piece.id).name}"
    if piece.form == "desk":
        return knowledge.of_desk(piece.id, piece.number, locale, at)
    if piece.form == "code":
        return knowledge.of_desk(piece.id, piece.number % 100, locale, at + HANDOFF_LASTS, str(piece.number // 100))
    if piece.form == "back":
        return knowledge.way_back(piece.id, locale)
    if piece.form == "address":
        address = f"{knowledge.operator['web']}/{locale}/a/{code_of(piece.id)}"
        return knowledge.say("system/answer_address", locale, channel, at, address=address).parts[0]
    if piece.form == "say" and not knowledge.is_held(piece.id):
        return knowledge.to_say(piece.id, locale)
    if piece.form == "latin":
        return knowledge.in_latin(piece.id, locale)
    if piece.form == "closed":
        return knowledge.closed_notice(piece.id, locale, channel, at) or ""
    if piece.form == "language":
        return _interpreter(knowledge, knowledge.unwritten[piece.id], locale, channel, at)
    if piece.form == "foreign":
        return _foreign(knowledge, piece.id, locale, channel, at)
    if piece.form == "first":
        return knowledge.in_unserved(*piece.id.split("/", 1)) or ""
    if piece.form == "basic":
        return knowledge.basic(piece.id, locale, channel, at)
    said = knowledge.say(piece.id, locale, channel, at, language__name=knowledge.locale(locale).name)
    if piece.form == "source":
        return _source(knowledge, said, locale, channel, at)
    parts = said.parts
    if piece.form == "say":
        return parts[0]  # held: the engine, which made the plan, knows nothing of holds
    if said.expired == "notice" and channel == "sms" and piece.number == 0 and len(parts) > 1:
        return parts[0] + "\n" + parts[-1]
    return parts[min(piece.number, len(parts) - 1)]


def _interpreter(knowledge: Knowledge, language: Unwritten, locale: str, channel: Literal["sms", "web"], at: datetime) -> str:
    """How to get an interpreter for a language, and the English words to show or say."""
    line = knowledge.say(_INTERPRETER, locale, channel, at, language__name=language.name).parts[0]
    intro = knowledge.say("system/say_intro", locale, channel, at).parts[0]
    return f'{line}\n{intro} "{language.say}"'


def _foreign(knowledge: Knowledge, code: str, locale: str, channel: Literal["sms", "web"], at: datetime) -> str:
    own = knowledge.in_unserved(code, "interpreter")
    if own is not None:
        return own
    language = knowledge.unwritten_by_code(code)
    if language is not None:
        return _interpreter(knowledge, language, "en", channel, at)
    return knowledge.say("system/language_unsupported", locale, channel, at).parts[0]


def with_first_line(knowledge: Knowledge, plan: Plan, code: str) -> Plan:
    """An urgent answer (in English) with its first line in the language that was written, where we have one."""
    if not plan.messages or not plan.ids or knowledge.in_unserved(code, plan.ids[0]) is None:
        return plan
    return Plan(((Piece(f"{code}/{plan.ids[0]}", "first"), *plan.messages[0]), *plan.messages[1:]), plan.options)


def _source(knowledge: Knowledge, said: Said, locale: str, channel: Literal["sms", "web"], at: datetime) -> str:
    """Where an answer is from, as a sentence: its first source (the page lists them all)."""
    if not said.sources:
        return knowledge.say("system/source_none", locale, channel, at).parts[0]
    source = said.sources[0]
    day = formatting.month(date.fromisoformat(source["checked"]), knowledge.style(locale))
    values = {"source__title": source["title"], "source__url": source["url"], "date": day}
    return knowledge.say("system/source_line", locale, channel, at, **values).parts[0]
