"""The database: SQLite by default, PostgreSQL by URL. Every call is short and synchronous; the public process runs it in a thread."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from bot.dialogue.plan import HANDOFF_LASTS, Plan
from bot.dialogue.state import IDLE_PRIVATE, Conversation
from bot.knowledge.lines import NEW_YORK
from bot.privacy.logs import logger
from bot.store import tables as t

KEEP_CONVERSATION = timedelta(hours=24)
KEEP_ANSWERED = timedelta(hours=48)
KEEP_CLEANUP = timedelta(hours=24)
DRAWS = 20  # of a code, until one is free
KEEP_HANDOFF = HANDOFF_LASTS
KEEP_COUNTS = timedelta(days=90)
KEEP_AUDIT = timedelta(days=365)
KEEP_TALLIES = timedelta(days=2 * 365)
KEEP_SESSION = timedelta(hours=12)

# A database that hangs must not hold a thread for ever: 2 s to connect (libpq's least), 2 s for a statement or a lock, 3 s for the network.
_POSTGRESQL = {
    "connect_timeout": 2,
    "options": "-c statement_timeout=2000 -c lock_timeout=2000",
    "tcp_user_timeout": 3000,
}

S = TypeVar("S", bound="Store")

REPORT_EVERY = timedelta(hours=1)
LIMITS = {
    "conversation": KEEP_CONVERSATION,
    "answered": KEEP_ANSWERED,
    "handoff": KEEP_HANDOFF,
    "twilio_cleanup": KEEP_CLEANUP,
}


class StoreError(Exception):
    """The database did not do what was asked. Its own message is left out: it would print the parameters."""


@dataclass(frozen=True)
class Answered:
    """The reply that a message got: `plan` in `locale` at the instant `at`."""

    plan: Plan
    locale: str
    at: datetime


@dataclass(frozen=True)
class Handoff:
    """What a code stands for: a language, the id of what it is about, the ids of the answers given, oldest first, and the language that
    an interpreter is wanted for (a key of content/languages.yml) where that is not the one written."""

    locale: str
    topic: str
    given: tuple[str, ...] = ()
    interpreter: str | None = None


class Store:
    """Raises StoreError from every method when the database fails; nothing is then half written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reported: datetime | None = None

    @classmethod
    def open(cls: type[S], url: str) -> S:
        """Connect and bring the schema up to date. Raises StoreError: better not to start than to forget."""
        options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
        if url.startswith("sqlite"):
            options["connect_args"] = {"timeout": 2, "check_same_thread": False}  # seconds to wait for a lock
            # Kept open: the last one that closes folds the write-ahead log into the file, which took 10 ms of each call.
            options["poolclass"] = QueuePool
        else:
            options["connect_args"] = _POSTGRESQL
        try:
            engine = sa.create_engine(url, **options)
            if engine.dialect.name == "sqlite":
                sa.event.listen(engine, "connect", _secure_sqlite)
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":  # a migration takes the time that it takes
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                config = Config()
                config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"cannot open the database ({type(error).__name__})") from None
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the database failed ({type(error).__name__})") from None

    # --- conversations --------------------------------------------------------------------------------------------------

    def conversation(self, ids: tuple[str, ...]) -> Conversation | None:
        """The conversation under the first of these ids that has one (the current key's, then the previous one's)."""
        with self._begin() as db:
            for id_ in ids:
                row = db.execute(sa.select(t.conversation).where(t.conversation.c.id == id_)).mappings().first()
                if row is not None:
                    lists = {key: _listed(row[key]) for key in ("offered", "given")}
                    return Conversation(**{**row, "seen": _aware(row["seen"]), **lists})
        return None

    def save(self, conversation: Conversation, *, replaces: str | None = None, message: str | None = None,
             answered: Answered | None = None) -> None:  # fmt: skip
        """Write a conversation, in place of the row `replaces` if its id has changed; and with it that the message (by its keyed
        hash) got the reply `answered`: both or neither."""
        row = {
            **conversation.__dict__,
            "seen": _naive(conversation.seen),
            "offered": ",".join(conversation.offered),
            "given": ",".join(conversation.given),
        }
        with self._begin() as db:
            for id_ in {conversation.id, replaces} - {None}:
                db.execute(sa.delete(t.conversation).where(t.conversation.c.id == id_))
            db.execute(sa.insert(t.conversation).values(**row))
            if message is not None and answered is not None:
                _answered(db, message, answered)

    def erase(self, ids: tuple[str, ...], *, message: str | None = None, answered: Answered | None = None) -> None:
        """Remove conversations at once, and remember that the message was answered."""
        with self._begin() as db:
            db.execute(sa.delete(t.conversation).where(t.conversation.c.id.in_(ids)))
            if message is not None and answered is not None:
                _answered(db, message, answered)

    def answered(self, message: str) -> Answered | None:
        """The reply that a message got, if it got one in the last 48 hours."""
        with self._begin() as db:
            row = db.execute(sa.select(t.answered).where(t.answered.c.id == message)).mappings().first()
        return Answered(Plan.from_json(json.loads(row["plan"])), row["locale"], _aware(row["at"])) if row else None

    # --- opting out, flags, copies at Twilio ----------------------------------------------------------------------------

    def opt_out(self, id_: str, now: datetime, locale: str) -> None:
        """Remember STOP until START."""
        with self._begin() as db:
            db.execute(sa.delete(t.optout).where(t.optout.c.id == id_))
            db.execute(sa.insert(t.optout).values(id=id_, on=now.date(), locale=locale))

    def opt_in(self, id_: str) -> None:
        with self._begin() as db:
            db.execute(sa.delete(t.optout).where(t.optout.c.id == id_))

    def opted_out(self, id_: str) -> bool:
        with self._begin() as db:
            return db.execute(sa.select(t.optout.c.id).where(t.optout.c.id == id_)).first() is not None

    def flag(self, id_: str, now: datetime, reason: int = 0) -> None:
        """Count that an answer was called wrong today. With a `reason` (1 to 4), the flag that was set without one gets it."""
        with self._begin() as db:
            if reason:
                where = (t.flag.c.id == id_) & (t.flag.c.on == now.date()) & (t.flag.c.reason == 0) & (t.flag.c.count > 0)
                db.execute(sa.update(t.flag).where(where).values(count=t.flag.c.count - 1))
            _add(db, t.flag, {"id": id_, "on": now.date(), "reason": reason}, 1)

    def flags(self) -> list[tuple[str, date, int, int]]:
        """(answer's id, day, reason, count), newest day first."""
        query = sa.select(t.flag).where(t.flag.c.count > 0).order_by(t.flag.c.on.desc(), t.flag.c.id, t.flag.c.reason)
        with self._begin() as db:
            return [(row["id"], row["on"], row["reason"], row["count"]) for row in db.execute(query).mappings()]

    def count(self, name: str, now: datetime, by: int = 1) -> int:
        """Add to a count of today, and return it."""
        key = {"name": name, "on": now.date()}
        with self._begin() as db:
            _add(db, t.counter, key, by)
            where = (t.counter.c.name == name) & (t.counter.c.on == now.date())
            return int(db.execute(sa.select(t.counter.c.count).where(where)).scalar_one())

    def counts(self, since: date) -> list[tuple[str, date, int]]:
        """(name, day, count) from that day on."""
        query = sa.select(t.counter).where(t.counter.c.on >= since).order_by(t.counter.c.on, t.counter.c.name)
        with self._begin() as db:
            return [(row["name"], row["on"], row["count"]) for row in db.execute(query).mappings()]

    def tally(self, topic: str, language: str, now: datetime) -> None:
        """Count an answer for its topic and, apart from it, for its language, in the week of New York."""
        today = now.astimezone(NEW_YORK).date()
        week = today - timedelta(days=today.weekday())
        with self._begin() as db:
            for kind, name in (("topic", topic), ("language", language)):
                _add(db, t.tally, {"week": week, "kind": kind, "name": name}, 1)

    def clean_up_later(self, sid: str, due: datetime) -> None:
        """Note a message at Twilio for deletion."""
        with self._begin() as db:
            db.execute(sa.delete(t.twilio_cleanup).where(t.twilio_cleanup.c.sid == sid))
            db.execute(sa.insert(t.twilio_cleanup).values(sid=sid, due=_naive(due)))

    def to_clean_up(self, now: datetime, limit: int = 1000) -> list[str]:
        """Message ids whose deletion is due, the longest due first."""
        due = t.twilio_cleanup.c.due
        query = sa.select(t.twilio_cleanup.c.sid).where(due <= _naive(now)).order_by(due, t.twilio_cleanup.c.sid).limit(limit)
        with self._begin() as db:
            return [row[0] for row in db.execute(query)]

    def cleaned_up(self, sid: str) -> None:
        with self._begin() as db:
            db.execute(sa.delete(t.twilio_cleanup).where(t.twilio_cleanup.c.sid == sid))

    # --- codes between here and 311 -------------------------------------------------------------------------------------

    def hand_off(self, digits: int, handoff: Handoff, now: datetime) -> str:
        """A new code of so many digits, which opens once, for 24 hours. Raises StoreError where hardly any is free."""
        lowest = 10 ** (digits - 1)
        row = {"made": _naive(now), "locale": handoff.locale, "topic": handoff.topic}
        row |= {"given": ",".join(handoff.given), "interpreter": handoff.interpreter}
        with self._begin() as db:
            for _ in range(DRAWS):
                code = str(lowest + secrets.randbelow(9 * lowest))
                try:
                    with db.begin_nested():
                        db.execute(sa.insert(t.handoff).values(code=code, **row))
                    return code
                except IntegrityError:  # taken
                    continue
        raise StoreError("no code is free")

    def open_handoff(self, code: str, now: datetime) -> Handoff | None:
        """What the code stands for, and the code is spent; None for one that never was, is spent, or is older than 24 hours."""
        with self._begin() as db:
            row = db.execute(sa.select(t.handoff).where(t.handoff.c.code == code)).mappings().first()
            spent = db.execute(sa.delete(t.handoff).where(t.handoff.c.code == code)).rowcount
        if row is None or not spent or _aware(row["made"]) < now - KEEP_HANDOFF:
            return None
        return Handoff(row["locale"], row["topic"], _listed(row["given"]), row["interpreter"])

    # --- what the content owner holds back ------------------------------------------------------------------------------

    def hold(self, target: str, why: str, now: datetime) -> None:
        """Take an answer, or all that rest on a fact, out of service until released."""
        with self._begin() as db:
            db.execute(sa.delete(t.hold).where(t.hold.c.target == target))
            db.execute(sa.insert(t.hold).values(target=target, why=why[:400], since=_naive(now)))

    def release(self, target: str) -> bool:
        """Whether the target was held."""
        with self._begin() as db:
            return bool(db.execute(sa.delete(t.hold).where(t.hold.c.target == target)).rowcount)

    def holds(self) -> dict[str, tuple[str, datetime]]:
        """What is held: target -> (why, since)."""
        with self._begin() as db:
            rows = db.execute(sa.select(t.hold).order_by(t.hold.c.since))
            return {row["target"]: (row["why"], _aware(row["since"])) for row in rows.mappings()}

    # --- forgetting -----------------------------------------------------------------------------------------------------

    def forget(self, now: datetime) -> int:
        """Erase what is past its time: conversations after 24 hours (private ones once idle), replies after 48. Returns how many rows
        went. On SQLite the freed pages are overwritten (secure_delete) and the write-ahead log is emptied. The log says how old the oldest
        row of each kind is: whenever rows went, and once an hour."""
        c, a, w = t.conversation.c, t.answered.c, t.twilio_cleanup.c
        gone: int = 0
        with self._begin() as db:
            idle = c.private & (c.seen < _naive(now - IDLE_PRIVATE))
            gone += db.execute(sa.delete(t.conversation).where(idle | (c.seen < _naive(now - KEEP_CONVERSATION)))).rowcount
            gone += db.execute(sa.delete(t.answered).where(a.at < _naive(now - KEEP_ANSWERED))).rowcount
            db.execute(sa.delete(t.counter).where(t.counter.c.on < (now - KEEP_COUNTS).date()))
            db.execute(sa.delete(t.tally).where(t.tally.c.week < (now - KEEP_TALLIES).date()))
            db.execute(sa.delete(t.audit).where(t.audit.c.at < _naive(now - KEEP_AUDIT)))
            db.execute(sa.delete(t.staff_session).where(t.staff_session.c.began < _naive(now - KEEP_SESSION)))
            gone += db.execute(sa.delete(t.handoff).where(t.handoff.c.made < _naive(now - KEEP_HANDOFF))).rowcount
            gone += db.execute(sa.delete(t.twilio_cleanup).where(w.due < _naive(now - KEEP_CLEANUP))).rowcount
        if gone and self._engine.dialect.name == "sqlite":
            try:
                with self._engine.connect() as db:
                    db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            except SQLAlchemyError as error:
                raise StoreError(f"the database failed ({type(error).__name__})") from None
        if gone or self._reported is None or now - self._reported >= REPORT_EVERY:
            self._reported = now
            for kind, age in self.oldest(now).items():
                late = age > LIMITS[kind] + REPORT_EVERY
                (logger().error if late else logger().info)("oldest", id=kind, seconds=round(age.total_seconds()))
        return gone

    def oldest(self, now: datetime) -> dict[str, timedelta]:
        """How long ago the oldest row of each kind that is to be forgotten was last used (a deletion at Twilio: was due). Kinds without rows
        are left out."""
        times = {"conversation": t.conversation.c.seen, "answered": t.answered.c.at, "handoff": t.handoff.c.made, "twilio_cleanup": t.twilio_cleanup.c.due}  # fmt: skip
        with self._begin() as db:
            first = {kind: db.execute(sa.select(sa.func.min(column))).scalar() for kind, column in times.items()}
        return {kind: now - _aware(at) for kind, at in first.items() if at is not None}

    def ready(self) -> bool:
        """Whether the database answers and holds our tables."""
        try:
            with self._begin() as db:
                db.execute(sa.select(t.conversation.c.id).limit(1)).first()
        except StoreError:
            return False
        return True


def _add(db: Connection, table: sa.Table, key: dict[str, Any], by: int) -> None:
    """Add to the count of a row, which is made if there is none."""
    where = sa.and_(*(table.c[name] == value for name, value in key.items()))
    more = sa.update(table).where(where).values(count=table.c.count + by)
    if db.execute(more).rowcount:
        return
    try:
        with db.begin_nested():
            db.execute(sa.insert(table).values(**key, count=by))
    except IntegrityError:  # another process made the row in between
        db.execute(more)


def _answered(db: Connection, message: str, reply: Answered) -> None:
    db.execute(sa.delete(t.answered).where(t.answered.c.id == message))
    plan = json.dumps(reply.plan.as_json(), separators=(",", ":"))
    db.execute(sa.insert(t.answered).values(id=message, at=_naive(reply.at), locale=reply.locale, plan=plan))


def _secure_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "secure_delete=ON", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)
