"""A message in, a reply out: what the public process does itself, and when it asks the engine.

Control words, danger phrases, the welcome and every failure answer are done here, without Rasa and without a model, so that they
work when the engine does not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.dialogue import handoff
from bot.dialogue.choices import ChoiceWords
from bot.dialogue.commands import ALWAYS, BUDGET_FREE, SMS_ONLY, obey
from bot.dialogue.control import Control, ControlWords
from bot.dialogue.danger import DangerDetector, Listener
from bot.dialogue.handoff import PERSON_DIGITS, PRIVATE, STAFF_DIGITS
from bot.dialogue.languages import LanguageNames, guessed, in_language, interpreter, picked
from bot.dialogue.limits import Limits, Pace, Tries
from bot.dialogue.messages import MAX_TEXT, Incoming, Outcome, clean
from bot.dialogue.order import Queue
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.records import WRITE_WITHIN, ConversationStore, Records
from bot.dialogue.replies import HAND_OFF, Replies, flagged, for_engine
from bot.dialogue.state import Conversation
from bot.dialogue.tallied import tallied
from bot.engine.exchange import EngineClient, EngineUnavailable, Reply, Request
from bot.knowledge import Knowledge, segments
from bot.knowledge.flows import PAPERS
from bot.nlu.language import LanguageIdentifier, script_of
from bot.privacy.logs import logger
from bot.store import Answered, StoreError

__all__ = ["PRIVATE", "STAFF_DIGITS", "Assistant", "Incoming", "Outcome", "clean"]

ANSWER_WITHIN = 8.0  # seconds from a message's arrival until its answer is known, whatever fails
STORED_WITHIN = 9.0  # ... and until it is sent, stored or not
DANGER_WITHIN = 3.0
REASONS = 4  # why an answer may be wrong, by number
EMERGENCY = "emergency_now"  # what somebody means who writes 911


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
        self._control, self._choices, self._danger = control, choices, Listener(danger)
        self._identifier, self._clock = languages, clock
        self._replies = Replies(knowledge)
        self.records = self._records = Records(store)
        self._unwritten = LanguageNames(knowledge.unwritten, knowledge.frames)
        self._senders = Queue()
        self._under_way: dict[str, asyncio.Task[Outcome]] = {}
        self._limits, self._codes = Limits(), Tries()
        self._segments_a_day = segments_a_day

    async def respond(self, incoming: Incoming) -> Outcome:
        """The reply to one message, already stored, or noted to be stored. Never raises for a failure of the engine or the database:
        the person then gets the urgent answer if the phrases show danger, else the human route. The same message sent again while it is
        being answered gets the same reply."""
        if incoming.message is None:
            return await self._in_time(incoming)
        first = self._under_way.get(incoming.message)
        if first is not None:
            return replace(await asyncio.shield(first), repeated=True)
        # A task of its own: who hangs up does not break a turn off in the middle.
        task = self._under_way[incoming.message] = asyncio.create_task(self._in_time(incoming))
        task.add_done_callback(lambda _: self._under_way.pop(incoming.message or "", None))
        return await asyncio.shield(task)

    async def _in_time(self, incoming: Incoming) -> Outcome:
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        try:
            # Waits while this sender's message before is still being answered.
            async with self._senders.turn(incoming.ids[0], ANSWER_WITHIN):
                turn = self._respond(incoming, arrived + ANSWER_WITHIN)
                return await asyncio.wait_for(turn, arrived + STORED_WITHIN - loop.time())
        except asyncio.TimeoutError:
            logger().error("turn", reason="not in time", channel=incoming.channel)
            return self._without_store(incoming, self._clock())

    async def erase(self, ids: tuple[str, ...]) -> None:
        """Erase a conversation once a turn of it that is under way has ended. Raises StoreError: then it is erased later."""
        async with self._senders.turn(ids[0]):
            self._danger.forget(ids[0])
            self._records.note(ids, None, self._clock())
            await self._records.put(ids[0])

    async def _respond(self, incoming: Incoming, deadline: float) -> Outcome:
        at = self._clock()
        try:
            if incoming.message is not None:
                known = await self._records.answered(incoming.ids, incoming.message)
                if known is not None:
                    return self._replies.repeated(incoming, known)
            before = await self._records.conversation(incoming.ids)
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
        return await self._kept(incoming, outcome, before, deadline)

    async def _kept(self, incoming: Incoming, outcome: Outcome, before: Conversation | None, deadline: float) -> Outcome:
        """The outcome, counted and stored; or, where the database takes nothing, noted to be stored later: what was found out for the
        person is not thrown away with it."""
        id_, loop = incoming.ids[0], asyncio.get_running_loop()
        until = min(loop.time() + WRITE_WITHIN, deadline + 0.7)
        stored = True
        try:
            outcome = await self._within_budget(incoming, outcome, until - loop.time())
        except StoreError:  # what cannot be counted is sent
            stored = False
        gone = outcome.erased or (outcome.silent and before is None)
        self._records.note(incoming.ids, None if gone else outcome.conversation, outcome.at)
        self._records.note_reply(id_, incoming.message, Answered(outcome.plan.to_keep, outcome.locale, outcome.at))
        if stored:
            try:
                await self._records.put(id_, until - loop.time())
            except StoreError:
                stored = False
        if stored:
            counted = tallied(outcome, before, self._knowledge)
            if counted is not None:
                with contextlib.suppress(StoreError):
                    await self._records.write(self._store.tally, *counted, outcome.at, within=until - loop.time())
            return outcome
        logger().error("store", reason="write", channel=incoming.channel)
        if outcome.erased and outcome.plan.ids[:1] == ["delete_my_data"]:  # nothing is called erased that is not
            self._records.take_back(id_, incoming.message)
            return self._without_store(incoming, outcome.at, outcome.conversation)
        return outcome

    # --- a turn ---------------------------------------------------------------------------------------------------------

    async def _turn(
        self, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float, pace: Pace = "ok"
    ) -> Outcome:
        text = clean(incoming.text)
        counting = (conversation.node or "").endswith(PAPERS)
        danger = self._find_danger(incoming, text, at, counting=counting)
        command = None if incoming.chosen else self._control.find(text, conversation.locale or incoming.hint)
        if command is not None and incoming.channel == "web" and command.command in SMS_ONLY:
            command = None
        opted_out = incoming.optout is not None and await self._records.opted_out(incoming.optout)
        if opted_out:
            # Danger brought the question about this phone: its answer is heard.
            asked = conversation.flow == "gate" and handoff.agreed(incoming, text, self._choices) is not None
            # STOP has its one confirmation: another gets none.
            allowed = danger is not None or asked or (command is not None and command.command in ("start", "help", "delete"))
            if not allowed:
                return await self._only_if_urgent(incoming, conversation, at, deadline, ask=command is None)
        heard = pace == "ok" or danger is not None
        if command is not None and (command.command != "help" or danger is None) and (heard or command.command in ALWAYS):
            return await self._command(command, incoming, conversation, at)
        if not heard:
            return await self._held_back(pace, incoming, conversation, at, deadline)
        if not text and incoming.media:
            return self._replies.said("no_pictures", incoming, conversation, at)
        if len(incoming.text) > MAX_TEXT and danger is None:
            return self._replies.said("too_long", incoming, conversation, at)
        plain = danger is None and incoming.chosen is None  # words that may answer a question
        wrong, conversation = flagged(conversation)
        reason = self._choices.numbers(text) if wrong is not None and plain else ()
        if wrong is not None and len(reason) == 1 and 1 <= reason[0] <= REASONS:
            await self._records.write(self._store.flag, wrong, at, reason[0])
            return self._replies.wrong_noted(conversation, at)
        language = picked(conversation, text, self._choices) if plain else None
        if language is not None:
            return in_language(language, conversation, at, self._replies)
        code = handoff.staff_code(incoming.text) if plain and not counting else None
        if code is not None:
            return await self._taken_over(code, incoming, conversation, at, deadline)
        if conversation.flow == HAND_OFF or (incoming.chosen or "").startswith("handoff/"):
            said = handoff.agreed(incoming, text, self._choices) if danger is None else None
            if said is not None:
                return await self._hand_off(said, conversation, at)
        named = self._unwritten.find(text, conversation.locale) if plain else None
        if named is not None:
            return interpreter(named, conversation, incoming.hint, at, self._replies)
        conversation = for_engine(conversation)
        request = Request(text, conversation, at, danger=danger, chosen=incoming.chosen, hint=incoming.hint)
        within = deadline - asyncio.get_running_loop().time()
        if danger is not None:
            within = min(within, DANGER_WITHIN)  # the answer is known: the engine may only refine it
        try:
            reply = await self._engine.turn(request, within)
        except EngineUnavailable:
            return self._replies.failure(conversation, self._guessed(text, conversation, incoming.hint), danger, at)
        if (
            opted_out and not reply.urgent and conversation.flow != "gate"
        ):  # the phrase alone: nothing but its answer may go to who has sent STOP
            return replace(self._replies.failure(conversation, reply.conversation.locale or "en", danger, at), failed=False)
        in_latin = script_of(text) is None and incoming.channel == "sms"
        return self._finished(reply, at, in_latin=in_latin, before=conversation.locale if incoming.chosen is None else None)

    async def _held_back(
        self, pace: Pace, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float
    ) -> Outcome:
        """A message beyond the limits: nothing is sent, or a word about it; but what the model finds urgent is answered."""
        outcome = await self._only_if_urgent(incoming, conversation, at, deadline, ask=pace != "flood")
        if outcome.silent and (pace == "slow" or incoming.channel == "web"):
            return self._replies.said("too_fast", incoming, conversation, at)
        return outcome

    async def _only_if_urgent(
        self, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float, *, ask: bool = True
    ) -> Outcome:
        """The urgent answer, if the model finds the message urgent; else nothing is sent."""
        text = clean(incoming.text)
        if ask and text and incoming.chosen is None:
            request = Request(text, for_engine(conversation), at, hint=incoming.hint)
            with contextlib.suppress(EngineUnavailable):
                reply = await self._engine.turn(request, deadline - asyncio.get_running_loop().time())
                if reply.urgent:
                    return self._finished(reply, at, in_latin=False, before=None)
        return self._replies.outcome(Plan(), conversation.locale or "en", at, conversation, "und")

    async def _within_budget(self, incoming: Incoming, outcome: Outcome, within: float) -> Outcome:
        """Counts the segments of a reply; beyond the day's budget an ordinary answer gives way to the way to a person, and then to nothing.
        Urgent answers always go. Raises StoreError."""
        if self._segments_a_day is None or incoming.channel != "sms" or outcome.silent:
            return outcome
        cost = sum(segments.count(message.text) for message in outcome.messages)
        spent = await self._records.write(self._store.count, "segments", outcome.at, cost, within=within)
        known = self._knowledge.questions
        urgent = outcome.urgent or outcome.erased or any(known[id_].urgent for id_ in outcome.plan.ids if id_ in known)
        if spent <= self._segments_a_day or urgent or (outcome.ranking[:1] and outcome.ranking[0][0] in BUDGET_FREE):
            return outcome
        logger().error("sms budget", reason="spent", count=spent)
        plan = Plan(((Piece("system/human_route_basic"),),)) if spent <= 2 * self._segments_a_day else Plan()
        return self._replies.outcome(plan, outcome.locale, outcome.at, outcome.conversation, outcome.language)

    def _find_danger(self, incoming: Incoming, text: str, at: datetime, *, counting: bool) -> str | None:
        """`counting`: papers are counted by number, and 9 and 11 are two of them."""
        if incoming.chosen is not None:
            return None
        found = self._danger.find(incoming.ids[0], text, at)
        return EMERGENCY if self._choices.is_911(text, counting=counting) else found

    def _without_store(self, incoming: Incoming, at: datetime, conversation: Conversation | None = None) -> Outcome:
        """What the person gets when the database fails: the urgent answer that the phrases show, else the way to a person. It is not stored:
        the same message sent again is read anew."""
        text, id_ = clean(incoming.text), incoming.ids[0]
        if conversation is None:
            last = self._records.last_locale(id_, at)
            conversation = Conversation(id_, incoming.channel, at, locale=last, welcomed=True)
        command = self._control.find(text, conversation.locale or incoming.hint)
        if command is not None and command.command in ("stop", "start") and incoming.optout is not None:
            return self._opted(command, incoming, conversation, at)
        danger = self._danger.alone(text)
        outcome = self._replies.failure(conversation, self._guessed(text, conversation, incoming.hint), danger, at)
        if danger is not None:  # its question about this phone must find its answer
            self._records.note(incoming.ids, outcome.conversation, at)
        return outcome

    def _opted(self, control: Control, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        """STOP or START while the database cannot be read: noted, to be written when it is back."""
        assert incoming.optout is not None
        out, again = control.command == "stop", self._records.waiting_choice(incoming.optout)
        conversation = replace(conversation, locale=conversation.locale or control.locale)
        self._records.note_choice(incoming.optout, at, out=out, locale=self._replies.locale(conversation, incoming.hint))
        if out:
            self._danger.forget(conversation.id)
            self._records.note(incoming.ids, None, at)
            if again:  # STOP has its one confirmation
                return Outcome(Plan(), conversation.locale or "en", at, conversation, [], "und")
        return self._replies.said(control.command, incoming, conversation, at)

    async def _command(self, control: Control, incoming: Incoming, conversation: Conversation, at: datetime) -> Outcome:
        if control.command in ("stop", "delete"):
            self._danger.forget(conversation.id)
        if control.command == "delete":
            self._limits.forget(conversation.id)
        return await obey(control, incoming, conversation, at, self._replies, self._records)

    def _finished(self, reply: Reply, at: datetime, *, in_latin: bool, before: str | None) -> Outcome:
        outcome = self._replies.finished(reply, at, in_latin=in_latin, before=before)
        if outcome.erased:
            self._danger.forget(outcome.conversation.id)
        return outcome

    def _guessed(self, text: str, conversation: Conversation, hint: str | None) -> str:
        return guessed(text, conversation, hint, self._replies.served, self._identifier)

    async def _hand_off(self, agreed: bool, conversation: Conversation, at: datetime) -> Outcome:
        """After the offer of a code: the code, or without it the way to a person."""
        desk = handoff.desk_offered(conversation, self._knowledge)
        conversation, code = replace(conversation, flow=None, node=None), None
        if agreed and desk is not None:
            code = await self._records.write(
                self._store.hand_off, PERSON_DIGITS, handoff.contents(conversation, self._knowledge), at
            )
        plan = handoff.answered(code, desk or 0, conversation, self._knowledge, at)
        locale = conversation.locale or "en"
        return self._replies.outcome(plan, locale, at, conversation, locale)

    async def _taken_over(
        self, code: str, incoming: Incoming, conversation: Conversation, at: datetime, deadline: float
    ) -> Outcome:
        """Somebody sent a code that a desk gave them: their conversation starts in that language, at that topic."""
        if not self._codes.may_try(incoming.ids[0], incoming.channel, at):
            return self._replies.said("handoff_gone", incoming, conversation, at)
        found = await self._records.write(self._store.open_handoff, code, at)
        if found is None:
            self._codes.wrong(incoming.ids[0], incoming.channel, at)
        started = handoff.taken_over(found, conversation, self._knowledge, at)
        if started is None or found is None:
            return self._replies.said("handoff_gone", incoming, conversation, at)
        try:
            request = Request("", started, at, chosen=found.topic, hint=found.locale)
            reply = await self._engine.turn(request, deadline - asyncio.get_running_loop().time())
        except EngineUnavailable:
            return self._replies.failure(started, found.locale, None, at)
        return self._finished(reply, at, in_latin=False, before=None)
