"""One turn through Rasa, as a library: understand, resolve, decide, act.

Holds nothing of anybody: the conversation comes with each request and goes back with the reply. Rasa is given an empty text with
the parse beside it, so that no message text enters a tracker, and nothing a person types can be one of Rasa's commands.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.privacy import logs

logs.configure()  # before Rasa is imported: see there
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A second pool of spinning threads beside the encoder's made a turn five times as slow; our matrices are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import jsonschema  # noqa: E402
from rasa.core.actions.action import RemoteAction  # noqa: E402
from rasa.core.agent import Agent  # noqa: E402
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage  # noqa: E402
from rasa.core.lock_store import InMemoryLockStore  # noqa: E402
from rasa.core.tracker_store import TrackerStore  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402
from rasa_sdk.executor import ActionExecutor  # noqa: E402

from bot.dialogue.choices import ChoiceWords  # noqa: E402
from bot.dialogue.plan import Plan  # noqa: E402
from bot.dialogue.state import Conversation  # noqa: E402
from bot.engine.exchange import Reply, Request  # noqa: E402
from bot.engine.resolve import ASKS_ON, FALLBACK, Decision, Parse, choose_locale, foreign, resolve  # noqa: E402
from bot.knowledge import Knowledge  # noqa: E402
from bot.knowledge.flows import PREFIX  # noqa: E402
from bot.nlu.text import fold  # noqa: E402
from bot.settings import ROOT  # noqa: E402

MAX_TEXT = 1600  # characters: the longest that Twilio delivers


class ModelMissing(Exception):
    """There is no model to load; `str()` says where one was looked for."""


_LEADING_SLASH = re.compile(r"^[\s/／]+")


class Engine:
    """A loaded model and its actions. Takes one turn at a time."""

    def __init__(self, agent: Agent, knowledge: Knowledge, trackers: _TurnTrackers) -> None:
        self._agent, self._knowledge, self._trackers = agent, knowledge, trackers
        self._served = tuple(info.code for info in knowledge.served())
        self._words = ChoiceWords.load(ROOT / "content" / "choice_words.yml")

    @classmethod
    def load(cls, model: Path, knowledge: Knowledge) -> Engine:
        """Raises ModelMissing when there is no model at the path."""
        if not model.exists():
            raise ModelMissing(f"no model at {model}: run `amparo train`")
        from actions import common

        common.use(knowledge)
        RemoteAction._validate_action_result = _validate_action_result  # type: ignore[method-assign]
        trackers = _TurnTrackers(Domain.empty())
        agent = Agent.load(str(model), tracker_store=trackers, lock_store=InMemoryLockStore(), action_endpoint=_Actions())
        if agent.processor is None:
            raise ModelMissing(f"{model} holds no model that can be used: run `amparo train`")
        trackers.domain = agent.processor.domain
        return cls(agent, knowledge, trackers)

    async def turn(self, request: Request, within: float = 8.0) -> Reply:
        """Understand one message and say what to answer. In this process nothing can be limited in time: `within` is for the
        supervisor's side of the same interface."""
        parse = await self.parse(request)
        conversation = replace(request.conversation, locale=self._locale(parse, request))
        decision = resolve(parse, conversation, self._knowledge.questions, danger=request.danger, chosen=request.chosen)
        code = foreign(parse, request.conversation, self._served) if request.chosen is None else None
        if code is not None and not decision.urgent:
            decision = Decision(FALLBACK, "foreign", code, alarm=decision.alarm)
        plan, after = await self._decide(decision, conversation, request.at)
        return Reply(plan, after, parse.language, parse.ranking, decision.urgent)

    async def parse(self, request: Request) -> Parse:
        """Language and ranking of a message. The text goes no further than this."""
        text = request.text[:MAX_TEXT]
        text = _LEADING_SLASH.sub("", text)  # a command to Rasa
        choice = self._choice(request)
        if choice is not None or not text.strip():
            return choice or Parse((), request.conversation.locale or "und")
        assert self._agent.processor is not None
        message = UserMessage(text, metadata={"locale": request.conversation.locale or request.hint})
        data = await self._agent.processor.parse_message(message)
        ranking = tuple(
            (str(item["name"]), float(item["confidence"]))
            for item in data.get("intent_ranking", [])
            if item["name"] and item["name"] != FALLBACK
        )
        names = data.get("entities", [])
        return Parse(
            ranking,
            str(data.get("language", "und")),
            float(data.get("language_confidence", 0.0)),
            layers=tuple(dict.fromkeys(name["layer"] for name in names if name.get("layer"))),
            lead=self._lead(data, request),
            papers=tuple(name["value"] for name in names if name["entity"] == "papers"),
        )

    def _lead(self, data: dict[str, Any], request: Request) -> str | None:
        """Where a follow-up leads after the last answer (content/follow_ups.yml); where nothing stands there, the last answer itself while it
        has more to say."""
        question = self._knowledge.questions.get(request.conversation.last_id or "")
        if question is None or question.topic == "conversation" or not data.get("aspect") or data["aspect_confidence"] < ASKS_ON:
            return None
        by_answer, by_topic = self._knowledge.leads
        leads = {**by_topic.get(question.topic, {}), **by_answer.get(question.id, {})}
        lead = leads.get(data["aspect"], question.id)
        rest = request.conversation.part + 1 < len(self._knowledge.answer(question.id).parts)
        return lead if lead != question.id or rest else None

    def _choice(self, request: Request) -> Parse | None:
        """What the message picks, where something was asked: numbers, a word for a choice, the name of an option. A number by itself
        is a choice everywhere."""
        conversation = request.conversation
        language = conversation.locale or "und"
        asked = bool(conversation.offered) or conversation.node is not None
        numbers = self._words.numbers(request.text) if request.danger is None else ()
        if numbers and (asked or not any(char.isalpha() for char in request.text)):
            return Parse((), language, 0.0, numbers[0]) if len(numbers) == 1 else Parse((), language, 0.0, numbers=numbers)
        if request.danger is not None:  # it is read as a whole, whatever was asked; but 911 needs no model
            return Parse((), language) if self._words.is_911(request.text, counting=False) else None
        named = self._by_label(request)
        if named is not None:
            return Parse((), language, option=named)
        word = self._words.word(request.text) if conversation.node or (conversation.last_id or "").startswith(PREFIX) else None
        return Parse((), language, word=word) if word in ("yes", "no", "unsure", "skip", "next", "back", "again") else None

    def _by_label(self, request: Request) -> str | None:
        """The option whose label the whole message is ("not sure"), or of the only one whose label holds all its words
        ("la visa U"), in the person's language or in English."""
        words = fold(request.text[:100]).split()
        if not words:
            return None
        options = [option for option in request.conversation.offered if option.split("|")[-1] in self._knowledge.answers]
        for locale in dict.fromkeys((request.conversation.locale or "en", "en")):
            labels = [
                fold(self._knowledge.label(option.split("|")[-1], locale, request.conversation.channel)).split()
                for option in options
            ]
            if words in labels:
                return options[labels.index(words)]
            holding = [i for i, label in enumerate(labels) if set(words) <= set(label)]
            if len(holding) == 1 and sum(map(len, words)) > 3:
                return options[holding[0]]
        return None

    def _locale(self, parse: Parse, request: Request) -> str:
        if request.chosen is not None:
            return request.hint or request.conversation.locale or "en"
        return choose_locale(parse, request.conversation, self._served, request.hint)

    async def _decide(self, decision: Decision, conversation: Conversation, at: datetime) -> tuple[Plan, Conversation]:
        """Let Rasa's policy pick the action for the decision's intent, and run it."""
        turn_id = uuid.uuid4().hex
        output = CollectingOutputChannel()
        self._trackers.seed(turn_id, conversation)
        message = UserMessage(
            text="",
            output_channel=output,
            sender_id=turn_id,
            parse_data={"intent": {"name": decision.intent, "confidence": 1.0}, "entities": [], "text": ""},
            metadata={
                "decision": {**decision.__dict__, "options": list(decision.options), "numbers": list(decision.numbers)},
                "conversation": conversation.as_json(),
                "at": at.isoformat(),
            },
        )
        try:
            await self._agent.handle_message(message)
        finally:
            self._trackers.forget(turn_id)
        said = [item["custom"] for item in output.messages if "custom" in item]
        if len(said) != 1:
            raise RuntimeError(f"{len(said)} replies instead of 1 from the action of {decision.intent}")
        return Plan.from_json(said[0]["plan"]), Conversation.from_json(said[0]["conversation"])


class _TurnTrackers(TrackerStore):
    """A tracker for the length of a turn, started with the conversation's place in its flow; nothing is kept."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._seeds: dict[str, list[Any]] = {}

    def seed(self, turn_id: str, conversation: Conversation) -> None:
        slots = [SlotSet("flow", conversation.flow), SlotSet("node", conversation.node)]
        self._seeds[turn_id] = [
            ActionExecuted("action_session_start"),
            SessionStarted(),
            *slots,
            ActionExecuted("action_listen"),
        ]

    def forget(self, turn_id: str) -> None:
        self._seeds.pop(turn_id, None)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        if sender_id not in self._seeds:
            return None
        return DialogueStateTracker.from_events(sender_id, self._seeds[sender_id], self.domain.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Nothing of a turn outlives it."""

    async def keys(self) -> Iterable[str]:
        return list(self._seeds)


class _Actions(EndpointConfig):
    """The custom actions, run in this process: what Rasa would post to an action server goes to the same executor directly."""

    def __init__(self) -> None:
        super().__init__("in-process", enable_selective_domain=True)
        self._executor = ActionExecutor()
        self._executor.register_package("actions")

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        result = await self._executor.run(kwargs["json"])
        return result or {"events": [], "responses": []}


# Rasa compiles and checks this schema anew for each action it runs, which was half of a turn's time.
_ACTION_RESULT = jsonschema.Draft202012Validator(RemoteAction.action_response_format_spec())


def _validate_action_result(self: RemoteAction, result: dict[str, Any]) -> bool:
    _ACTION_RESULT.validate(result)
    return True
