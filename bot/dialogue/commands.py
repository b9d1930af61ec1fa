"""What each command does (content/control_words.yml holds the words, bot/dialogue/control.py finds them)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.dialogue import plan as plans
from bot.dialogue.control import Control
from bot.dialogue.languages import in_language
from bot.dialogue.messages import Incoming, Outcome
from bot.dialogue.plan import STAY, Piece, Plan
from bot.dialogue.records import Records
from bot.dialogue.replies import FLAGGED, WAY_BACK, Replies, flagged
from bot.dialogue.state import Conversation

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


async def obey(
    control: Control, incoming: Incoming, conversation: Conversation, at: datetime, replies: Replies, records: Records
) -> Outcome:
    """The outcome of a command. Raises StoreError."""
    name, knowledge, store = control.command, replies.knowledge, records.store
    _, conversation = flagged(conversation)
    word_locale = control.locale if control.locale in replies.served and name != "language" else None
    locale = conversation.locale or word_locale or replies.locale(conversation, incoming.hint)
    conversation = replace(conversation, locale=locale)
    shown_in, erased = locale, False
    last = conversation.last_id
    if name in ("more", "repeat", "why", "wrong") and last is None:
        # After a pause nothing hints at what was asked before.
        plan = Plan(((Piece("system/neutral_opening" if conversation.welcomed else "system/nothing_to_repeat"),),))
    elif name in ("more", "repeat") and last is not None:
        part = conversation.part + (name == "more")
        plan = plans.open_answer(knowledge, last, conversation, part=part, at=at)
        if plan.ids != ["system/no_more"]:
            conversation = replace(conversation, part=part)
    elif name == "why" and last is not None:
        plan = Plan(((Piece(last, "source"),),))
    elif name == "wrong" and last is not None:
        await records.write(store.flag, last, at)
        plan = Plan(((Piece("system/wrong_thanks"), Piece("system/wrong_ask")),))
        if conversation.flow not in knowledge.flows:  # there the place is kept
            conversation = replace(conversation, flow=None, node=None, offered=())
        conversation = replace(conversation, offered=(*conversation.offered, FLAGGED + last))
    elif name in ("english", "language"):
        wanted = "en" if name == "english" else control.locale
        if wanted not in replies.served:
            plan = Plan(((Piece("system/language_unsupported"),),))
        elif (
            last is None
            or wanted == locale
            or {STAY + wanted, WAY_BACK + wanted} & set(conversation.offered)
            or conversation.flow in knowledge.flows
        ):
            return in_language(wanted, conversation, at, replies)
        else:  # the last answer in that language, once: to show it to somebody
            shown_in = wanted
            plan = plans.open_answer(knowledge, last, conversation, part=conversation.part, at=at)
            plan = Plan((*plan.messages[:-1], (*plan.messages[-1], Piece("system/language_stay"))))
            conversation = replace(conversation, offered=(STAY + wanted,))
    elif name in ("menu", "who", "human"):
        id_ = COMMAND_IDS[name]
        plan = plans.open_answer(knowledge, id_, conversation, at=at)
        conversation = replace(conversation, last_id=id_, part=0, offered=plan.options, flow=None, node=None)
        plan, conversation = replies.with_desk(plan, conversation, at)
    elif (
        name == "web"
        and last in knowledge.questions
        and not conversation.private
        and knowledge.questions[last].topic != "conversation"
    ):
        plan = Plan(
            ((Piece(last, "address"),),)
        )  # after a private topic only the plain address: it may be another person's phone
    elif name == "delete":
        plan, erased = Plan(((Piece("delete_my_data"),),)), True
        if incoming.optout is not None and await records.opted_out(incoming.optout):
            plan = Plan((*plan.messages, (Piece("delete_my_data", "part", 1),)))  # STOP stays
    elif name == "zero":
        conversation = replace(conversation, flow=None, node=None, offered=())
        plan = Plan(((Piece("system/flow_left"),),))
    else:  # stop, start, help, web
        if name == "stop" and incoming.optout is not None:
            await records.opt(incoming.optout, at, out=True, locale=locale)
            erased = True
        if name == "start" and incoming.optout is not None:
            await records.opt(incoming.optout, at, out=False, locale=locale)
        plan = Plan(((Piece(COMMAND_IDS[name]),),))
    ranking = ((COMMAND_IDS[name], 1.0),)
    return replies.outcome(plan, shown_in, at, conversation, control.locale, ranking=ranking, erased=erased)
