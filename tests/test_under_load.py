"""The engine is killed, its queue is filled and the database is locked while ten people in ten languages are in the middle of a conversation.

Each is compared with a twin who wrote the same to the same server when nothing was broken.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from bot.engine.supervisor import AT_ONCE, WAITING
from bot.knowledge import Knowledge
from tests.conftest import NOON, Server, texts

pytestmark = pytest.mark.slow  # servers of their own

ALWAYS_WITHIN = 10.0  # seconds
ASKED = {  # who needs a lawyer, in the words of data/held_out; then two questions are asked
    "es": "cita actionnyc", "bn": "ফ্রি উকিল চাই", "ar": "ابغى محامي ببلاش", "ru": "нужен бесплатный адвокат",
    "ht": "pran randevou ActionNYC", "zh_Hans": "预约律师", "ko": "변호사 예약", "fr": "rdv avocat gratuit", "ur": "مفت وکیل چاہیے",
    "pl": "chcę zrobić appointment z ActionNYC",
}  # fmt: skip
THEN = ("1", "2")


@dataclass(frozen=True)
class Sent:
    """One message and what came back; `again` sends it as Twilio does when it repeats itself."""

    sender: str
    body: str
    sid: str
    messages: list[str]
    seconds: float


class People:
    """Ten people who write at once."""

    def __init__(self, server: Server, knowledge: Knowledge) -> None:
        self.server = server
        self.human = {code: knowledge.say("system/human_route_basic", code, "sms", NOON).text for code in ASKED}
        self._numbers = itertools.count()
        self._sids = itertools.count(1)
        self._pool = ThreadPoolExecutor(len(ASKED))

    def new(self) -> dict[str, str]:
        """A telephone for each language."""
        return {code: f"+1{212 + next(self._numbers)}5550123" for code in ASKED}

    def send(self, sender: str, body: str, sid: str | None = None) -> Sent:
        sid = sid or f"SM{next(self._sids):032x}"
        started = time.monotonic()
        messages = texts(self.server.sms(body, sender, sid))
        return Sent(sender, body, sid, messages, time.monotonic() - started)

    def all_send(self, phones: dict[str, str], bodies: dict[str, str]) -> dict[str, Sent]:
        """All at once."""
        return dict(zip(phones, self._pool.map(lambda code: self.send(phones[code], bodies[code]), phones), strict=True))

    def all_repeat(self, sent: dict[str, Sent]) -> dict[str, list[str]]:
        """The same messages once more."""
        again = self._pool.map(lambda one: self.send(one.sender, one.body, one.sid).messages, sent.values())
        return dict(zip(sent, again, strict=True))

    def expect_in_time(self, sent: dict[str, Sent]) -> None:
        assert max(one.seconds for one in sent.values()) < ALWAYS_WITHIN, {code: one.seconds for code, one in sent.items()}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> Iterator[People]:
    server = Server(tmp_path_factory.mktemp("load")).wait()
    yield People(server, knowledge)
    server.stop()


@pytest.fixture(scope="module")
def twin(people: People) -> dict[str, list[list[str]]]:
    """What each gets, message by message, when nothing is broken."""
    phones = people.new()
    turns = [people.all_send(phones, bodies) for bodies in (ASKED, *(dict.fromkeys(ASKED, then) for then in THEN))]
    replies = {code: [turn[code].messages for turn in turns] for code in ASKED}
    for code, said in replies.items():
        assert len({str(one) for one in said}) == 3 and not any(people.human[code] in one for one in said), code
    return replies


@contextlib.contextmanager
def locked(server: Server) -> Iterator[None]:
    """Nobody else can write."""
    blocker = sqlite3.connect(server.data / "amparo.sqlite", isolation_level=None, timeout=5)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()


def stored(server: Server, table: str) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{server.data / 'amparo.sqlite'}?mode=ro", uri=True)) as db:
        return int(db.execute(f"select count(*) from {table}").fetchone()[0])


def bodies(text: str) -> dict[str, str]:
    return dict.fromkeys(ASKED, text)


def test_the_database_is_locked_in_the_middle(people: People, twin: dict[str, list[list[str]]]) -> None:
    """Everybody is answered all the same; what was answered is remembered, and written when the database is back."""
    phones = people.new()
    people.all_send(phones, ASKED)
    before = stored(people.server, "answered")
    with locked(people.server):
        during = people.all_send(phones, bodies(THEN[0]))
        people.expect_in_time(during)
        assert {code: one.messages for code, one in during.items()} == {code: said[1] for code, said in twin.items()}
        assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}, "a repeat gets the same"
        last = people.all_send({"es": phones["es"]}, bodies(THEN[1]))
        assert last["es"].messages == twin["es"][2], "the place that was reached counts, though it could not be written"
        refused = people.send(phones["pl"], "DELETE")
        assert refused.messages == [people.human["pl"]], "nothing is called erased that is not"
        assert stored(people.server, "answered") == before
    after = people.all_send({code: phones[code] for code in ASKED if code not in ("es", "pl")}, bodies(THEN[1]))
    assert {code: one.messages for code, one in after.items()} == {code: twin[code][2] for code in after}
    assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}, "also once it is back"
    deadline = time.monotonic() + 5
    while stored(people.server, "answered") < before + 10 + 9 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert stored(people.server, "answered") == before + 10 + 9, "each message that was answered is in the database, once"
    erased = people.send(refused.sender, refused.body, refused.sid)
    assert erased.messages != refused.messages, "the same DELETE again, now that it can be done"


def test_the_database_cannot_be_read(people: People, twin: dict[str, list[list[str]]]) -> None:
    """The way to a person comes in the language in which each was answered last, though "1" shows none."""
    phones = people.new()
    people.all_send(phones, ASKED)
    file = people.server.data / "amparo.sqlite"
    with contextlib.closing(sqlite3.connect(file, timeout=5)) as db:
        db.execute("alter table conversation rename to away")
    try:
        during = people.all_send(phones, bodies(THEN[0]))
    finally:
        with contextlib.closing(sqlite3.connect(file, timeout=5)) as db:
            db.execute("alter table away rename to conversation")
    assert {code: one.messages for code, one in during.items()} == {code: [text] for code, text in people.human.items()}
    people.expect_in_time(during)
    assert people.all_repeat(during) == {code: said[1] for code, said in twin.items()}, "read anew, at the place that was kept"


def test_the_engine_is_killed_in_the_middle(people: People, twin: dict[str, list[list[str]]]) -> None:
    """Each gets the answer or the way to a person, in time; a repeat gets the same; and the conversation goes on where it was."""
    phones = people.new()
    people.all_send(phones, ASKED)
    with ThreadPoolExecutor(1) as other:
        sending = other.submit(people.all_send, phones, bodies(THEN[0]))
        time.sleep(0.1)
        os.kill(people.server.child(), signal.SIGKILL)
        during = sending.result()
    people.expect_in_time(during)
    for code, one in during.items():
        assert one.messages in (twin[code][1], [people.human[code]]), code
    assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}
    people.server.until_ready_again()
    assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}, "never another answer"
    unanswered = {code: phones[code] for code, one in during.items() if one.messages == [people.human[code]]}
    again = people.all_send(unanswered, bodies(THEN[0]))
    assert {code: one.messages for code, one in again.items()} == {code: twin[code][1] for code in unanswered}
    after = people.all_send(phones, bodies(THEN[1]))
    assert {code: one.messages for code, one in after.items()} == {code: said[2] for code, said in twin.items()}


def test_the_engine_hangs_with_its_queue_full_and_the_database_locked(people: People, twin: dict[str, list[list[str]]]) -> None:
    """The engine takes eight turns at a time and forty may wait: a crowd of strangers fills that, and the ten do not even get in. They are told
    at once. And nothing can be written."""
    phones = people.new()
    people.all_send(phones, ASKED)
    child = people.server.child()
    os.kill(child, signal.SIGSTOP)
    strangers = [f"+1{area}5550155" for area in range(500, 500 + AT_ONCE + WAITING)]
    try:
        with locked(people.server), ThreadPoolExecutor(len(strangers)) as crowd:
            crowding = [crowd.submit(people.send, stranger, "how much is idnyc") for stranger in strangers]
            time.sleep(2)
            during = people.all_send(phones, bodies(THEN[0]))
            assert max(one.seconds for one in during.values()) < 6, "they do not wait 8 seconds to be told"
            assert {code: one.messages for code, one in during.items()} == {code: [text] for code, text in people.human.items()}
            danger = people.send("+19175550123", "la migra esta en mi puerta")
            assert danger.seconds < 6 and danger.messages != [people.human["es"]], "danger needs no engine"
            assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}
            assert max(one.result().seconds for one in crowding) < ALWAYS_WITHIN
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGCONT)
    people.server.until_ready_again()
    assert people.all_repeat(during) == {code: one.messages for code, one in during.items()}, "never another answer"
    for number, then in enumerate(THEN, 1):
        after = people.all_send(phones, bodies(then))
        assert {code: one.messages for code, one in after.items()} == {code: said[number] for code, said in twin.items()}
