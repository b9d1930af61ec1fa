"""A message in, a reply out: what the public process does itself, and when it asks the engine.

Control words, danger phrases, the welcome and every failure answer are done here, without Rasa and without a model, so that they
work when the engine does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from bot.dialogue import plan as plans
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.control import Control, ControlWords, normalise
from bot.dialogue.danger import DangerDetector
from bot.dialogue.languages import LanguageNames
from bot.dialogue.limits import Limits, Pace
from bot.dialogue.plan import STAY, Piece, Plan, Rendered, render
from bot.dialogue.state import GIVEN, Conversation, is_private
from bot.engine.exchange import EngineClient, EngineUnavailable, Reply, Request
from bot.knowledge import Knowledge, segments
from bot.knowledge.flows import PAPERS, PREFIX, flow_of
from bot.nlu.language import LanguageIdentifier, script_of
from bot.nlu.mask import mask
from bot.privacy.logs import logger
from bot.store import Answered, Handoff, StoreError

T = TypeVar("T")
ANSWER_WITHIN = 8.0  # seconds from a message's arrival to its answer, whatever fails
DANGER_WITHIN = 3.0
FRAGMENTS = timedelta(seconds=30)  # messages of one sender that are also read together for danger
MAX_TEXT = 1600
HAND_OFF = "handoff"  # the `flow` of a conversation that was offered a code for a desk; its `node` is the desk's number
PERSON_DIGITS, STAFF_DIGITS = 8, 6  # of a code that a person gives to a desk, and of one that a desk gives to a person
WRONG = "wrong"  # the `flow` of a conversation that flagged the answer `node` and may say why, by one of the REASONS' numbers
REASONS = 4
EMERGENCY = "emergency_now"  # what somebody means who writes 911
PRIVATE = "private"  # the topic of a code that names none
WAY_BACK = "language-back/"  # + a locale: no option, but the language to which its own name leads back

# What each command is called where messages are measured: its catalogue id, or a system text.
COMMAND_IDS = {
    "stop": "system/stop",
    "start": "system/start",
    "help": "system/help",
    "menu": "menu",
    "more": "tell_me_more",
    "repeat": "repeat_that",
    "why": "where_is_this_from",
    "wrong": "complaint_about_bot",
    "who": "are_you_a_person",
    "web": "system/web_address",
    "english": "change_language",
    "language": "change_language",
    "delete": "delete_my_data",
    "human": "human_agent",
    "zero": "system/flow_left",
}
# Commands that carriers require of text messages; on the page the words mean nothing special.
SMS_ONLY = frozenset({"stop", "start", "help", "web"})
# However many messages came before: these act.
ALWAYS = frozenset({"stop", "start", "help", "delete"})
# ... and these are answered whatever the day's budget.
BUDGET_FREE = frozenset({"system/stop", "system/start", "system/help", "delete_my_data"})


class ConversationStore(Protocol):
    """The part of bot.store.Store that a turn uses."""

    def conversation(self, ids: tuple[str, ...]) -> Conversation | None: ...
    def save(self, conversation: Conversation, *, replaces: str | None = None, message: str | None = None,
             answered: Answered | None = None) -> None: ...  # fmt: skip
    def erase(self, ids: tuple[str, ...], *, message: str | None = None, answered: Answered | None = None) -> None: ...
    def answered(self, message: str) -> Answered | None: ...
    def opt_out(self, id_: str, now: datetime, locale: str) -> None: ...
    def opt_in(self, id_: str) -> None: ...
    def opted_out(self, id_: str) -> bool: ...
    def flag(self, id_: str, now: datetime, reason: int = 0) -> None: ...
    def count(self, name: str, now: datetime, by: int = 1) -> int: ...
    def hand_off(self, digits: int, handoff: Handoff, now: datetime) -> str: ...
    def open_handoff(self, code: str, now: datetime) -> Handoff | None: ...


@dataclass(frozen=True)
class Incoming:
    """One message; `media`: with a picture or a recording, which nobody opens. `ids` are the conversation's id by the current key and by the previous one; `message` the keyed hash of the
    message's own id; `optout` that of the sender; `chosen` an offered id that was tapped; `hint` the page's language."""

    channel: Literal["sms", "web"]
    ids: tuple[str, ...]
    text: str
    message: str | None = None
    optout: str | None = None
    chosen: str | None = None
    hint: str | None = None
    media: bool = False


@dataclass(frozen=True)
class Outcome:
    """What is sent, and what was understood. `silent`: nothing is sent (an opted-out sender). `ranking` is empty where the engine was
    not asked; `conversation` as stored."""

    plan: Plan
    locale: str
    at: datetime
    conversation: Conversation
    messages: list[Rendered]
    language: str
    ranking: tuple[tuple[str, float], ...] = ()
    urgent: bool = False
    failed: bool = False
    repeated: bool = False
    erased: bool = False

    @property
    def silent(self) -> bool:
        return not self.messages


class Assistant:
    """Handles messages one at a time for each sender. `clock` gives the present instant (aware)."""

    def __init__(
        self,
        knowledge: Knowledge,
        store: ConversationStore,
        engine: EngineClient,
        control: ControlWords,
        choices: ChoiceWords,
        danger: DangerDetector,
        languages: LanguageIdentifier | None,
        clock: Callable[[], datetime],
        segments_a_day: int | None = None,
    ) -> None:
        self._knowledge, self._store, self._engine = knowledge, store, engine
        self._control, self._choices, self._danger = control, choices, danger
        self._languages, self._clock = languages, clock
        self._unwritten = LanguageNames(knowledge.unwritten, knowledge.frames)
        self._served = tuple(info.code for info in knowledge.served())
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._fragments: dict[str, deque[tuple[datetime, str]]] = {}
        self._limits = Limits()
        self._segments_a_day = segments_a_day

    async def respond(self, incoming: Incoming) -> Outcome:
        """The reply to one message, already stored. Never raises for a failure of the engine or the database: the person then gets
        the urgent answer if the phrases show danger, else the human route."""
        deadline = asyncio.get_running_loop().time() + ANSWER_WITHIN
        try:
            await asyncio.wait_for(self._lock(incoming.ids[0]).acquire(), ANSWER_WITHIN)
        except asyncio.TimeoutError:  # this sender's message before is still being answered
            self._unlock(incoming.ids[0], held=False)
            return self._without_store(incoming, self._clock())
        except asyncio.CancelledError:
            self._unlock(incoming.ids[0], held=False)
            raise
        try:
            return await self._respond(incoming, deadline)
        finally:
            self._unlock(incoming.ids[0], held=True)

    async def erase(self, ids: tuple[str, ...]) -> None:
        """Erase a conversation once a turn of it that is under way has ended. Raises StoreError."""
        await self._lock(ids[0]).acquire()
        try:
            self._fragments.pop(ids[0], None)
            await _in_thread(self._store.erase, ids)
        finally:
            self._unlock(ids[0], held=True)

    async def _respond(self, incoming: Incoming, deadline: float) -> Outcome:
        at = self._clock()
        try:
            if incoming.message is not None:
                known = await _in_thread(self._store.answered, incoming.message)
                if known is not None:
                    return self._repeated(incoming, known)
            before = await _in_thread(self._store.conversation, incoming.ids)
        except StoreError:
            logger().error("store", reason="read", channel=incoming.channel)
            return self._without_store(incoming, at)
        conversation = (before or Conversation(incoming.ids[0], incoming.channel, at)).resumed(at)
        if before is not None and before.id != incoming.ids[0]:
            conversation = replace(conversation, id=incoming.ids[0])
        pace = self._limits.pace(incoming.ids[0], incoming.chosen or incoming.text, at)
        try:
            outcome = await self._turn(incoming, conversation, at, deadline, pace)
        except StoreError:
            logger().error("store", reason="turn", channel=incoming.channel)
            return self._without_store(incoming, at, conversation)
        try:
            outcome = await self._within_budget(incoming, outcome)
        except StoreError:  # what cannot be counted is sent
            logger().error("store", reason="count", channel=incoming.channel)
        try:
            await self._remember(incoming, outcome, before)
        except StoreError:  # what was found out for the person is not thrown away with it
            logger().error("store", reason="write", channel=incoming.channel)
        return outcome

    # --- a turn ---------------------------------------------------------------------------------------------------------

    async def _turn(
        self, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float, pace: Pace = "ok"
    ) -> Outcome:
        text = clean(incoming.text)
        danger = self._find_danger(incoming, text, at, conversation)
        command = None if incoming.chosen else self._control.find(text, conversation.locale or incoming.hint)
        if command is not None and incoming.channel == "web" and command.command in SMS_ONLY:
            command = None
        opted_out = incoming.optout is not None and await _in_thread(self._store.opted_out, incoming.optout)
        if opted_out:
            asked = conversation.flow == "gate"  # danger brought the question: its answer is heard
            allowed = danger is not None or asked or (command is not None and command.command in ("start", "help", "stop"))
            if not allowed:
                return Outcome(Plan(), conversation.locale or "en", at, conversation, [], "und")
        heard = pace == "ok" or danger is not None
        if command is not None and (command.command != "help" or danger is None) and (heard or command.command in ALWAYS):
            return await self._command(command, incoming, conversation, at)
        if not heard:
            return await self._held_back(pace, incoming, conversation, at, deadline)
        if not text and incoming.media:
            return self._said("no_pictures", incoming, conversation, at)
        if len(incoming.text) > MAX_TEXT and danger is None:
            return self._said("too_long", incoming, conversation, at)
        if conversation.flow == WRONG:
            reason = self._choices.numbers(text) if danger is None and incoming.chosen is None else ()
            if len(reason) == 1 and 1 <= reason[0] <= REASONS and conversation.node is not None:
                await _in_thread(self._store.flag, conversation.node, at, reason[0])
                return self._said("wrong_noted", incoming, replace(conversation, flow=None, node=None), at)
        picked = self._picked_language(conversation, text) if incoming.chosen is None and danger is None else None
        if picked is not None:
            return self._in_language(picked, conversation, at)
        counting = (conversation.node or "").endswith(PAPERS)
        if incoming.chosen is None and danger is None and not counting and (code := _staff_code(incoming.text)) is not None:
            return await self._taken_over(code, incoming, conversation, at)
        if conversation.flow == HAND_OFF or (incoming.chosen or "").startswith("handoff/"):
            said = self._yes_or_no(incoming, text) if danger is None else None
            if said is not None:
                return await self._hand_off(said, conversation, at)
        named = self._unwritten.find(text, conversation.locale) if incoming.chosen is None and danger is None else None
        if named is not None:
            return self._interpreter(named, conversation, incoming.hint, at)
        conversation = _for_engine(conversation)
        request = Request(text, conversation, at, danger=danger, chosen=incoming.chosen, hint=incoming.hint)
        within = deadline - asyncio.get_running_loop().time()
        if danger is not None:
            within = min(within, DANGER_WITHIN)  # the answer is known: the engine may only refine it
        try:
            reply = await self._engine.turn(request, within)
        except EngineUnavailable:
            return self._failure(conversation, self._guess(text, conversation, incoming.hint), danger, at)
        if (
            opted_out and not reply.urgent and conversation.flow != "gate"
        ):  # the phrase alone: nothing but its answer may go to who has sent STOP
            return replace(self._failure(conversation, reply.conversation.locale or "en", danger, at), failed=False)
        in_latin = script_of(text) is None and incoming.channel == "sms"
        return self._finish(reply, at, in_latin=in_latin, before=conversation.locale if incoming.chosen is None else None)

    def _said(self, name: str, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        """One system text, in the person's language as far as it is known."""
        locale = conversation.locale or (incoming.hint if incoming.hint in self._served else None) or "en"
        return self._outcome(Plan(((Piece(f"system/{name}"),),)), locale, at, conversation, locale)

    async def _held_back(
        self, pace: Pace, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float
    ) -> Outcome:
        """A message beyond the limits: nothing is sent, or a word about it; but what the model finds urgent is answered."""
        if pace != "flood" and incoming.chosen is None:
            request = Request(clean(incoming.text), _for_engine(conversation), at, hint=incoming.hint)
            with contextlib.suppress(EngineUnavailable):
                reply = await self._engine.turn(request, deadline - asyncio.get_running_loop().time())
                if reply.urgent:
                    return self._finish(reply, at, in_latin=False, before=None)
        if pace == "slow" or incoming.channel == "web":
            return self._said("too_fast", incoming, conversation, at)
        return self._outcome(Plan(), conversation.locale or "en", at, conversation, "und")

    async def _within_budget(self, incoming: Incoming, outcome: Outcome) -> Outcome:
        """Counts the segments of a reply; beyond the day's budget an ordinary answer gives way to the way to a person, and then to nothing.
        Urgent answers always go."""
        if self._segments_a_day is None or incoming.channel != "sms" or outcome.silent:
            return outcome
        cost = sum(segments.count(message.text) for message in outcome.messages)
        spent = await _in_thread(self._store.count, "segments", outcome.at, cost)
        known = self._knowledge.questions
        urgent = outcome.urgent or outcome.erased or any(known[id_].urgent for id_ in outcome.plan.ids if id_ in known)
        if spent <= self._segments_a_day or urgent or (outcome.ranking[:1] and outcome.ranking[0][0] in BUDGET_FREE):
            return outcome
        logger().error("sms budget", reason="spent", count=spent)
        plan = Plan(((Piece("system/human_route_basic"),),)) if spent <= 2 * self._segments_a_day else Plan()
        return self._outcome(plan, outcome.locale, outcome.at, outcome.conversation, outcome.language)

    def _find_danger(self, incoming: Incoming, text: str, at: datetime, conversation: Conversation | None = None) -> str | None:
        if incoming.chosen is not None:
            return None
        for id_ in [key for key, parts in self._fragments.items() if at - parts[-1][0] > FRAGMENTS]:
            del self._fragments[id_]
        parts = self._fragments.setdefault(incoming.ids[0], deque(maxlen=5))
        recent = [part for when, part in parts if at - when <= FRAGMENTS]
        parts.append((at, text[:300]))
        counting = False if conversation is None else (conversation.node or "").endswith(PAPERS)
        if self._choices.is_911(text, counting=counting):
            return EMERGENCY
        found = self._danger.find(text) or (self._danger.find(" ".join([*recent, text])) if recent else None)
        if found is not None:
            parts.clear()  # answered: the next message is not read as part of it again
            parts.append((at, ""))
        return found

    def _finish(self, reply: Reply, at: datetime, *, in_latin: bool, before: str | None) -> Outcome:
        """The outcome of an engine's reply. `before` is the language of the conversation until this message."""
        conversation = reply.conversation
        locale = conversation.locale or "en"
        plan = plans.with_latin(self._knowledge, reply.plan, locale) if in_latin and reply.language == locale else reply.plan
        if reply.urgent and reply.language not in self._served:
            plan = plans.with_first_line(self._knowledge, plan, reply.language)
        plan, conversation = self._with_desk(plan, conversation, at)
        if before is not None and before != locale and not reply.urgent:
            plan = plans.with_way_back(plan, before)
            conversation = replace(conversation, offered=(*conversation.offered, WAY_BACK + before))
        plan, welcomed = plans.with_welcome(self._knowledge, plan, locale, conversation, at)
        if welcomed:
            conversation = replace(conversation, welcomed=True)
        erased = plan.ids[:1] in (["delete_my_data"], ["system/gate_no"])  # what ends a conversation
        if erased:
            self._fragments.pop(conversation.id, None)
        return self._outcome(
            plan, locale, at, conversation, reply.language, ranking=reply.ranking, urgent=reply.urgent, erased=erased
        )

    def _failure(
        self, conversation: Conversation, locale: str, danger: str | None, at: datetime, say_more: bool = True
    ) -> Outcome:
        """What the person gets when the engine does not answer."""
        conversation = replace(conversation, locale=locale)
        if danger is not None:
            plan = plans.answer(self._knowledge, danger, conversation, at=at)
            gated = plan.ids == ["system/gate"]
            conversation = replace(
                conversation,
                last_id=None if gated else danger,
                part=0,
                flow="gate" if gated else None,
                node=danger if gated else None,
                private=conversation.private or is_private(danger, self._knowledge.questions),
            )
        else:
            plan = Plan(((Piece("system/human_route_basic"),),))
        return self._outcome(plan, locale, at, conversation, locale, urgent=danger is not None, failed=True)

    def _without_store(self, incoming: Incoming, at: datetime, conversation: Conversation | None = None) -> Outcome:
        text = clean(incoming.text)
        conversation = conversation or Conversation(incoming.ids[0], incoming.channel, at, welcomed=True)
        return self._failure(conversation, self._guess(text, conversation, incoming.hint), self._danger.find(text), at)

    def _repeated(self, incoming: Incoming, known: Answered) -> Outcome:
        conversation = Conversation(incoming.ids[0], incoming.channel, known.at, locale=known.locale)
        outcome = self._outcome(known.plan, known.locale, known.at, conversation, known.locale)
        return replace(outcome, repeated=True)

    def _guess(self, text: str, conversation: Conversation, hint: str | None) -> str:
        """The language of a failure answer: the conversation's, else what the message looks like, else the page's."""
        if conversation.locale in self._served:
            return conversation.locale
        if self._languages is not None and text:
            found, confidence = self._languages.identify(text, hint)
            if found in self._served and confidence >= 0.6:
                return found
        return hint if hint in self._served else "en"

    def _outcome(self, plan: Plan, locale: str, at: datetime, conversation: Conversation, language: str, **more: Any) -> Outcome:
        plan = plans.fitted(self._knowledge, plan, locale, conversation.channel, at)
        messages = render(self._knowledge, plan, locale, conversation.channel, at)
        answers = list(dict.fromkeys(id_ for said in plan.ids if (id_ := self._answer_of(said)) is not None))
        conversation = replace(
            conversation, given=(*[id_ for id_ in conversation.given if id_ not in answers], *answers)[-GIVEN:]
        )
        return Outcome(plan, locale, at, conversation, messages, language, **more)

    def _answer_of(self, id_: str) -> str | None:
        """The catalogue id of an answer that a desk would want to know of. Of a guided conversation the question that begins it: its places
        would tell what was chosen."""
        questions = self._knowledge.questions
        if id_.startswith(PREFIX):
            return next(
                (key for key, question in questions.items() if question.flow == flow_of(id_) and not question.urgent), None
            )
        return id_ if id_ in questions and questions[id_].topic != "conversation" else None

    # --- a code between here and 311 ------------------------------------------------------------------------------------

    def _with_desk(self, plan: Plan, conversation: Conversation, at: datetime) -> tuple[Plan, Conversation]:
        """After the way to a person: the offer of a code, where a desk is open now."""
        plan, desk = plans.with_desk(self._knowledge, plan, conversation.channel, at)
        if desk is None:
            return plan, conversation
        return plan, replace(conversation, flow=HAND_OFF, node=str(desk), offered=())

    def _yes_or_no(self, incoming: Incoming, text: str) -> bool | None:
        if incoming.chosen is not None:
            return {"handoff/yes": True, "handoff/no": False}.get(incoming.chosen.split("|")[0])
        numbers = self._choices.numbers(text)
        if numbers in ((1,), (2,)):
            return numbers == (1,)
        return {"yes": True, "no": False}.get(self._choices.word(text) or "")

    async def _hand_off(self, agreed: bool, conversation: Conversation, at: datetime) -> Outcome:
        """After the offer: a code that carries the language, the topic and which answers were given, or none."""
        offered = conversation.flow == HAND_OFF
        locale, desk = conversation.locale or "en", int(conversation.node or 0) if offered else 0
        conversation = replace(conversation, flow=None, node=None)
        if agreed and offered and desk < len(self._knowledge.desks):
            topic = next((id_ for id_ in reversed(conversation.given) if id_ in self._knowledge.questions), "human_agent")
            # After a safety or victim topic a desk is told the language, and no more: staff never read one back.
            private = conversation.private or any(is_private(id_, self._knowledge.questions) for id_ in conversation.given)
            handoff = Handoff(locale, PRIVATE) if private else Handoff(locale, topic, conversation.given)
            code = await _in_thread(self._store.hand_off, PERSON_DIGITS, handoff, at)
            plan = Plan(((Piece("system/handoff_code", "code", int(code) * 100 + desk),),))
        else:
            plan = plans.open_answer(self._knowledge, "human_agent", conversation, at=at)
        return self._outcome(plan, locale, at, conversation, locale)

    async def _taken_over(self, code: str, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        """Somebody sent a code that a desk gave them: their conversation starts in that language, at that topic."""
        found = await _in_thread(self._store.open_handoff, code, at)
        if found is None or found.topic not in self._knowledge.questions or found.locale not in self._served:
            locale = conversation.locale or (incoming.hint if incoming.hint in self._served else None) or "en"
            return self._outcome(Plan(((Piece("system/handoff_gone"),),)), locale, at, conversation, locale)
        started = Conversation(conversation.id, conversation.channel, at, locale=found.locale, welcomed=conversation.welcomed)
        request = Request("", started, at, chosen=found.topic, hint=found.locale)
        try:
            reply = await self._engine.turn(request)
        except EngineUnavailable:
            return self._failure(started, found.locale, None, at)
        return self._finish(reply, at, in_latin=False, before=None)

    # --- the language ---------------------------------------------------------------------------------------------------

    def _picked_language(self, conversation: Conversation, text: str) -> str | None:
        """The language to stay in, where that was offered and the message takes it up by its number or in words."""
        numbers = self._choices.numbers(text)
        number = numbers[0] if len(numbers) == 1 else 1 if self._choices.word(text) == "stay" else 0
        option = conversation.offered[number - 1] if 0 < number <= len(conversation.offered) else ""
        return option.removeprefix(STAY) if option.startswith(STAY) else None

    def _in_language(self, locale: str, conversation: Conversation, at: datetime) -> Outcome:
        """From now on in this language. In a guided conversation its place is shown again."""
        conversation = replace(_for_engine(conversation), locale=locale)
        plan = Plan(((Piece("system/language_changed"),),))
        if conversation.flow in self._knowledge.flows and conversation.node is not None:
            node = plans.shown(self._knowledge, conversation.node)
            here = plans.node(self._knowledge, node, conversation, at)
            plan = Plan((*plan.messages, *here.messages), here.options)
            conversation = replace(conversation, node=node, offered=here.options)
        return self._outcome(plan, locale, at, conversation, locale, ranking=(("change_language", 1.0),))

    # --- commands -------------------------------------------------------------------------------------------------------

    async def _command(self, control: Control, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        name = control.command
        word_locale = control.locale if control.locale in self._served and name != "language" else None
        locale = conversation.locale or word_locale or (incoming.hint if incoming.hint in self._served else None) or "en"
        conversation = replace(conversation, locale=locale)
        shown_in, erased = locale, False
        ranking = ((COMMAND_IDS[name], 1.0),)
        last = conversation.last_id
        if name in ("more", "repeat", "why", "wrong") and last is None:
            # After a pause nothing hints at what was asked before.
            plan = Plan(((Piece("system/neutral_opening" if conversation.welcomed else "system/nothing_to_repeat"),),))
        elif name in ("more", "repeat") and last is not None:
            part = conversation.part + (name == "more")
            plan = plans.open_answer(self._knowledge, last, conversation, part=part, at=at)
            if plan.ids != ["system/no_more"]:
                conversation = replace(conversation, part=part)
        elif name == "why" and last is not None:
            plan = Plan(((Piece(last, "source"),),))
        elif name == "wrong" and last is not None:
            await _in_thread(self._store.flag, last, at)
            plan = Plan(((Piece("system/wrong_thanks"), Piece("system/wrong_ask")),))
            conversation = replace(conversation, flow=WRONG, node=last, offered=())
        elif name in ("english", "language"):
            wanted = "en" if name == "english" else control.locale
            if wanted not in self._served:
                plan = Plan(((Piece("system/language_unsupported"),),))
            elif (
                last is None
                or wanted == locale
                or {STAY + wanted, WAY_BACK + wanted} & set(conversation.offered)
                or conversation.flow in self._knowledge.flows
            ):
                return self._in_language(wanted, conversation, at)
            else:  # the last answer in that language, once: to show it to somebody
                shown_in = wanted
                plan = plans.open_answer(self._knowledge, last, conversation, part=conversation.part, at=at)
                plan = Plan((*plan.messages[:-1], (*plan.messages[-1], Piece("system/language_stay"))))
                conversation = replace(conversation, offered=(STAY + wanted,))
        elif name in ("menu", "who", "human"):
            id_ = COMMAND_IDS[name]
            plan = plans.open_answer(self._knowledge, id_, conversation, at=at)
            conversation = replace(conversation, last_id=id_, part=0, offered=plan.options, flow=None, node=None)
            plan, conversation = self._with_desk(plan, conversation, at)
        elif name == "delete":
            plan, erased = Plan(((Piece("delete_my_data"),),)), True
            self._fragments.pop(conversation.id, None)
            self._limits.forget(conversation.id)
        elif name == "zero":
            conversation = replace(conversation, flow=None, node=None, offered=())
            plan = Plan(((Piece("system/flow_left"),),))
        else:  # stop, start, help, web
            if name == "stop":
                self._fragments.pop(conversation.id, None)
            if name == "stop" and incoming.optout is not None:
                await _in_thread(self._store.opt_out, incoming.optout, at, locale)
                erased = True
            if name == "start" and incoming.optout is not None:
                await _in_thread(self._store.opt_in, incoming.optout)
            plan = Plan(((Piece(COMMAND_IDS[name]),),))
        return self._outcome(plan, shown_in, at, conversation, control.locale, ranking=ranking, erased=erased)

    def _interpreter(self, key: str, conversation: Conversation, hint: str | None, at: datetime) -> Outcome:
        """Somebody named a language that we do not write: the English words that get its interpreter."""
        language = self._knowledge.unwritten[key]
        reads = [code for code in (conversation.locale, hint, *language.may_read) if code in self._served]
        locale = reads[0] if reads else "en"
        plan = Plan(((Piece(key, "language"),),))
        ranking = (("change_language", 1.0),)
        return self._outcome(plan, locale, at, conversation, language.code, ranking=ranking)

    # --- storing and ordering -------------------------------------------------------------------------------------------

    async def _remember(self, incoming: Incoming, outcome: Outcome, before: Conversation | None) -> None:
        reply = Answered(outcome.plan.to_keep, outcome.locale, outcome.at)
        if outcome.erased or (outcome.silent and before is None):
            await _in_thread(lambda: self._store.erase(incoming.ids, message=incoming.message, answered=reply))
            return
        replaces = before.id if before is not None and before.id != outcome.conversation.id else None
        await _in_thread(
            lambda: self._store.save(outcome.conversation, replaces=replaces, message=incoming.message, answered=reply)
        )

    def _lock(self, id_: str) -> asyncio.Lock:
        """The sender's lock, and note that somebody waits for it: `_unlock` must follow."""
        lock, waiting = self._locks.get(id_, (asyncio.Lock(), 0))
        self._locks[id_] = (lock, waiting + 1)
        return lock

    def _unlock(self, id_: str, *, held: bool) -> None:
        lock, waiting = self._locks[id_]
        if held:
            lock.release()
        if waiting == 1:
            del self._locks[id_]
        else:
            self._locks[id_] = (lock, waiting - 1)


def _for_engine(conversation: Conversation) -> Conversation:
    """The conversation without what only this process knows, and what holds for one message: languages to go on in or back to, and the
    questions why an answer was wrong and whether a code is wanted."""
    offered = tuple(option for option in conversation.offered if not option.startswith((STAY, WAY_BACK)))
    if conversation.flow in (HAND_OFF, WRONG):
        conversation = replace(conversation, flow=None, node=None)
    return replace(conversation, offered=offered)


def _staff_code(text: str) -> str | None:
    """The six digits that the whole message is, in any script, or None."""
    plain = normalise(text)
    return plain.replace(" ", "") if re.fullmatch(r"[0-9]{6}|[0-9]{3} [0-9]{3}", plain) else None


def clean(text: str) -> str:
    """A message as it is read: at most 1,600 characters, no control characters, no unpaired surrogates, no outer blanks, and what people
    must not send (numbers, addresses, names) masked."""
    text = text[:MAX_TEXT].encode("utf-8", "ignore").decode()
    printable = "".join(char if char.isprintable() or char.isspace() or char in "\u200c\u200d" else " " for char in text)
    return mask(printable.strip())


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    """A database call off the event loop, so that a slow disk does not stop everybody."""
    return await asyncio.to_thread(call, *args)
