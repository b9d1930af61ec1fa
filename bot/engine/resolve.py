"""From what was understood to what is meant, here: danger, follow-ups and options applied to the conversation's ids.

A pure function of its arguments: no text of the person, no model, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.dialogue.state import Conversation
from bot.knowledge.catalogue import Question
from bot.knowledge.flows import LABEL, PAPERS, PREFIX

FALLBACK = "nlu_fallback"
# Chosen on data/thresholds.tsv, which nothing is trained on (docs/understanding.md), never on held-out messages.
URGENT = 0.20  # the urgent ids together with this much of the probability are taken, whatever stands above them
PHRASE = 0.01  # ... or with this much, where a phrase of danger stands in the message
ALARM = 0.06  # less than URGENT, but worth a line of help beside the answer
SURE = 0.85  # the best id is answered at once
CLEAR = 12.0  # ... or when it has this many times the probability of the next, and at least LIKELY
LIKELY = 0.20
OPTION = 0.02  # an id with at least this much is offered as a choice
OPTIONS = 3
HOPELESS = 0.12  # below this the best id is not even worth a question
MEANT = 0.40  # a yes or no, where one is asked for; a finer shade of danger than the phrase's

# After an answer a message that is not plain by itself ("how much?", "and for my son?") is first of all about the same topic.
PLAIN = 0.75
SAME_TOPIC = 8.0

# A short message that seems to ask on ("where?") does so unless the model is as sure as this that it names a topic.
NAMED = 0.95
ASKS_ON = 0.6  # how sure it must be what is asked

NEVER_OFFERED = frozenset({"affirm", "deny", "greet", "goodbye", "thanks", "out_of_scope"})  # nobody asks for these by number

Via = Literal[
    "answer",
    "open",
    "gate_no",
    "repeat",
    "more",
    "source",
    "options",
    "unknown",
    "nothing",
    "foreign",
    "flow",
    "flow_again",
    "papers",
    "back",
    "start_again",
    "skip",
]


# Words that lead on in a guided conversation, also where no choice is labelled so.
_MOVES: dict[str | None, Via] = {"back": "back", "again": "start_again", "skip": "skip", "next": "skip"}


@dataclass(frozen=True)
class Parse:
    """What the NLU pipeline made of a message: `ranking` holds (catalogue id, probability), best first; `number` is the digit that
    the whole message was; `language` a locale, an ISO code, or `und`; `layers` those of the places that it names; `papers` the kinds of
    papers."""

    ranking: tuple[tuple[str, float], ...]
    language: str = "und"
    language_confidence: float = 0.0
    number: int | None = None
    layers: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()  # the numbers that the whole message is, where it is more than one
    option: str | None = None  # the offered option whose name the whole message is
    lead: str | None = None  # where a message that names no topic leads after an answer (its own id: to the rest of it)
    word: str | None = None  # the word for a choice that the whole message is (bot.dialogue.choices.WORDS)

    @property
    def intent(self) -> str | None:
        return self.ranking[0][0] if self.ranking else None

    @property
    def confidence(self) -> float:
        return self.ranking[0][1] if self.ranking else 0.0


@dataclass(frozen=True)
class Decision:
    """`intent` is what Rasa goes on with (a catalogue id, or the fallback); `via` how `id` is to be said; `options` the ids to offer."""

    intent: str
    via: Via
    id: str | None = None
    part: int = 0
    options: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()  # the papers that the person has, by number
    papers: tuple[str, ...] = ()  # ... and by name
    urgent: bool = False
    alarm: bool = False  # something sounded like danger, though not clearly
    outside: str | None = None  # the layer (ny, us) of a place outside the city that the message named


def resolve(
    parse: Parse,
    conversation: Conversation,
    questions: Mapping[str, Question],
    *,
    danger: str | None = None,
    chosen: str | None = None,
) -> Decision:
    """`danger` is the id that the phrase detector found; `chosen` an offered id that was tapped on the page."""
    here = _place(conversation)
    counting = here is not None and here.endswith(PAPERS) and bool(parse.papers) and danger is None
    # "I have my passport" answers the question there; what the model hears in it adds a line of help, as everywhere.
    urgent = None if counting else _urgent(parse, questions, danger)
    picked = chosen or parse.option
    if urgent is not None and parse.number is None and parse.word is None and picked is None:
        return Decision(urgent, "answer", urgent, urgent=True)
    decision = _ordinary(parse, conversation, questions, picked)
    return replace(decision, alarm=not decision.urgent and (danger is not None or _danger(parse, questions) >= ALARM))


def _ordinary(parse: Parse, conversation: Conversation, questions: Mapping[str, Question], chosen: str | None) -> Decision:
    if chosen is not None:
        return _go(chosen, questions)
    waiting = conversation.node if conversation.flow == "gate" else None
    if waiting is not None and waiting in questions:
        said = _yes_or_no(parse)
        if said is True:
            return Decision(waiting, "open", waiting, urgent=questions[waiting].urgent)
        if said is False:
            return Decision("deny", "gate_no")
    here = _place(conversation)
    if here is not None and here.endswith(PAPERS) and (parse.number or parse.numbers or parse.papers):
        picked = (parse.number,) if parse.number else parse.numbers
        return Decision(_owner(here, questions), "papers", here, numbers=picked, papers=parse.papers)
    if parse.number is not None and 1 <= parse.number <= len(conversation.offered):
        return _go(conversation.offered[parse.number - 1], questions)
    if here is not None:
        said = _yes_or_no(parse) if parse.number is None else None
        word = parse.word or {True: "yes", False: "no", None: None}[said]
        option = next((option for option in conversation.offered if option.endswith(f"|{LABEL}{word}")), None)
        if option is not None:
            return _go(option, questions)
        if parse.number is not None or parse.numbers or (parse.word is not None and parse.word not in _MOVES):
            return Decision(_owner(here, questions), "flow_again", here)
    stood = here or (conversation.last_id if (conversation.last_id or "").startswith(PREFIX) else None)
    if stood is not None and parse.word in _MOVES:
        return Decision(_owner(stood, questions), _MOVES[parse.word], stood)
    if parse.number is not None or not parse.ranking:
        return Decision("menu", "answer", "menu")
    if parse.lead is not None and (parse.confidence < NAMED or parse.intent == "out_of_scope"):
        if parse.lead != conversation.last_id:
            return _answer(parse.lead, questions, parse.layers)
        return Decision("tell_me_more", "more", parse.lead, conversation.part + 1)
    parse = _in_context(parse, conversation, questions)
    options = _options(parse)
    if options:
        return Decision(FALLBACK, "options", options=options)
    if parse.confidence < LIKELY:
        return Decision(FALLBACK, "unknown")
    return _follow_up(parse, conversation, questions)


def _answer(id_: str, questions: Mapping[str, Question], layers: tuple[str, ...] = ()) -> Decision:
    outside = layers[0] if layers and "nyc" not in layers else None
    return Decision(id_, "answer", id_, urgent=questions[id_].urgent, outside=outside)


def _place(conversation: Conversation) -> str | None:
    """The node of a guided conversation in which the person stands."""
    return conversation.node if conversation.flow not in (None, "gate") else None


def _go(option: str, questions: Mapping[str, Question]) -> Decision:
    """What an offered option leads to: an answer, a node of a guided conversation (`flow/…/node|label`), or the points of the papers
    that were ticked (`flow/…/papers|paper|paper`)."""
    target, *labels = option.split("|")
    if target.endswith(PAPERS) and "/paper_" in "".join(labels):
        return Decision(_owner(target, questions), "papers", target, papers=tuple(label.split("/paper_")[-1] for label in labels))
    if target.startswith(PREFIX):
        return Decision(_owner(target, questions), "flow", target)
    return _answer(target, questions)


def _owner(node: str, questions: Mapping[str, Question]) -> str:
    """The intent under which Rasa runs a node's action: the first question that starts its flow."""
    flow = node.split("/")[1]
    return next(id_ for id_, question in questions.items() if question.flow == flow and not question.urgent)


def _danger(parse: Parse, questions: Mapping[str, Question]) -> float:
    """The probability of the urgent ids together."""
    return sum(share for id_, share in parse.ranking if id_ in questions and questions[id_].urgent)


def _urgent(parse: Parse, questions: Mapping[str, Question], danger: str | None) -> str | None:
    likely = [(share, id_) for id_, share in parse.ranking if id_ in questions and questions[id_].urgent]
    best = max(likely, default=(0.0, ""))
    if danger is not None and (not parse.ranking or _danger(parse, questions) >= PHRASE):
        # The model knows finer shades than the phrases, where it is sure that the message is urgent at all.
        return best[1] if best[0] >= MEANT else danger
    return best[1] if _danger(parse, questions) >= URGENT else None


def _yes_or_no(parse: Parse) -> bool | None:
    if parse.number in (1, 2):
        return parse.number == 1
    if parse.word is not None:
        return {"yes": True, "no": False}.get(parse.word)
    if parse.intent in ("affirm", "deny") and parse.confidence >= MEANT:
        return parse.intent == "affirm"
    return None


def _in_context(parse: Parse, conversation: Conversation, questions: Mapping[str, Question]) -> Parse:
    """The ranking with the other questions of the last answer's topic made likelier, where the message leaves it open."""
    last = questions.get(conversation.last_id or "")
    if last is None or last.topic in ("conversation", "safety") or parse.confidence >= PLAIN:
        return parse
    shares = {
        id_: share * (SAME_TOPIC if id_ != last.id and id_ in questions and questions[id_].topic == last.topic else 1.0)
        for id_, share in parse.ranking
    }
    total = sum(shares.values())
    ranking = sorted(((id_, share / total) for id_, share in shares.items()), key=lambda pair: -pair[1])
    return replace(parse, ranking=tuple(ranking))


def _options(parse: Parse) -> tuple[str, ...]:
    """The ids to choose from when the best is not clear, or () when it is, or when none is worth a question."""
    shares = [share for _, share in parse.ranking] + [0.0, 0.0]
    if shares[0] >= SURE or (shares[0] >= LIKELY and shares[0] >= CLEAR * shares[1]) or shares[0] < HOPELESS:
        return ()
    near = tuple(id_ for id_, share in parse.ranking[:OPTIONS] if share >= OPTION and id_ not in NEVER_OFFERED)
    return near if len(near) > 1 else ()


def _follow_up(parse: Parse, conversation: Conversation, questions: Mapping[str, Question]) -> Decision:
    id_, last = parse.ranking[0][0], conversation.last_id
    if id_ == "tell_me_more" or (id_ == "affirm" and last is not None):
        return Decision(id_, "more", last, conversation.part + 1) if last else Decision(id_, "nothing")
    if id_ == "repeat_that":
        return Decision(id_, "repeat", last, conversation.part) if last else Decision(id_, "nothing")
    if id_ == "where_is_this_from" and last is not None:
        return Decision(id_, "source", last)
    return _answer(id_, questions, parse.layers)


FOREIGN = 0.9  # confidence from which a language that we do not write is believed


def foreign(parse: Parse, conversation: Conversation, served: tuple[str, ...]) -> str | None:
    """The ISO code of the language that the message is in, if it is clearly one that we do not write. Not in the middle of a conversation
    in one of ours: a person who writes Spanish does not turn Portuguese in one short message."""
    if parse.language in served or parse.language == "und" or parse.language_confidence < FOREIGN:
        return None
    return parse.language if conversation.locale is None or parse.language_confidence >= 1.0 else None


def choose_locale(parse: Parse, conversation: Conversation, served: tuple[str, ...], hint: str | None) -> str:
    """The language to answer in: what the message is in, where we write it and it is clear; else the conversation's; else the
    page's or browser's (`hint`); else English."""
    before = conversation.locale or hint
    if parse.language in served and (before is None or parse.language_confidence >= 0.8):
        return parse.language
    return before if before in served else "en"
