"""What is kept, for how long, and that it is then gone. The same tests on SQLite and, in `make test-full`, on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.channels import app
from bot.dialogue.plan import Piece, Plan
from bot.dialogue.records import Records
from bot.dialogue.state import Conversation
from bot.knowledge import Knowledge
from bot.privacy.keys import utc_now
from bot.settings import read
from bot.store import Answered, Handoff, Store, StoreError
from tests.conftest import NOON, free_port

PLAN = Plan(((Piece("idnyc_cost"), Piece("system/more_hint")),), ("idnyc_apply",))
FULL = Conversation("a" * 64, "sms", NOON, "es", "idnyc_cost", 1, ("idnyc_apply", "idnyc_what"), "gate", "vawa", True, True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of our own in a temporary folder, on loopback."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert binaries, "PostgreSQL is not installed: run make system"
    folder, port = Path(tempfile.mkdtemp()), free_port()
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    subprocess.run([*user, binaries[-1] / "initdb", "-D", data, "-A", "trust", "-U", "amparo"], check=True, capture_output=True)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    start = [*user, binaries[-1] / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"]
    subprocess.run(start, check=True, capture_output=True)
    yield f"postgresql+psycopg2://amparo@127.0.0.1:{port}/postgres"
    subprocess.run([*user, binaries[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=True, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'db.sqlite'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = Store.open(url)
    yield opened
    with opened._begin() as db:  # one PostgreSQL serves all tests
        from bot.store.tables import metadata

        for table in metadata.sorted_tables:
            db.execute(table.delete())
    opened.close()


def test_a_conversation_comes_back_whole(store: Store) -> None:
    store.save(FULL)
    assert store.conversation((FULL.id,)) == FULL
    assert store.conversation(("b" * 64, FULL.id)) == FULL, "under the previous key"
    assert store.conversation(("b" * 64,)) is None


def test_a_new_key_moves_the_conversation(store: Store) -> None:
    store.save(FULL)
    moved = Conversation(**{**FULL.__dict__, "id": "b" * 64})
    store.save(moved, replaces=FULL.id)
    assert store.conversation((FULL.id,)) is None and store.conversation((moved.id,)) == moved


def test_a_reply_is_remembered_with_its_conversation(store: Store) -> None:
    store.save(FULL, message="m" * 64, answered=Answered(PLAN, "es", NOON))
    assert store.answered("m" * 64) == Answered(PLAN, "es", NOON)
    assert store.answered("n" * 64) is None


def test_erase(store: Store) -> None:
    store.save(FULL)
    store.erase((FULL.id,), message="m" * 64, answered=Answered(PLAN, "es", NOON))
    assert store.conversation((FULL.id,)) is None and store.answered("m" * 64) is not None


def test_forgetting(store: Store) -> None:
    ordinary = Conversation("c" * 64, "sms", NOON)
    store.save(ordinary, message="m" * 64, answered=Answered(PLAN, "es", NOON))
    store.save(FULL)  # private
    store.clean_up_later("SM" + "0" * 32, NOON)
    steps = [
        (timedelta(minutes=9), True, True, True, True),
        (timedelta(minutes=11), False, True, True, True),
        (timedelta(hours=23), False, True, True, True),
        (timedelta(hours=25), False, False, True, False),
        (timedelta(hours=49), False, False, False, False),
    ]
    for later, private, conversation, reply, cleanup in steps:
        store.forget(NOON + later)
        left = (
            store.conversation((FULL.id,)) is not None,
            store.conversation((ordinary.id,)) is not None,
            store.answered("m" * 64) is not None,
            bool(store.to_clean_up(NOON + later)),
        )
        assert left == (private, conversation, reply, cleanup), later


def test_opting_out(store: Store) -> None:
    store.opt_out("o" * 64, NOON, "es")
    store.opt_out("o" * 64, NOON, "en")
    assert store.opted_out("o" * 64)
    store.forget(NOON + timedelta(days=400))
    assert store.opted_out("o" * 64), "STOP is not forgotten with the conversation"
    store.opt_in("o" * 64)
    assert not store.opted_out("o" * 64)


def test_flags_are_counted(store: Store) -> None:
    for _ in range(3):
        store.flag("idnyc_cost", NOON)
    with store._begin() as db:
        assert [tuple(row) for row in db.exec_driver_sql("select id, count from flag")] == [("idnyc_cost", 3)]


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot open the database"):
        Store.open(f"sqlite:///{tmp_path}/no/such/folder/db.sqlite")
    with pytest.raises(StoreError):
        Store.open("postgresql+psycopg2://nobody@127.0.0.1:9/none")


def test_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from bot.store.tables import metadata

    Store.open(f"sqlite:///{tmp_path / 'db.sqlite'}").close()
    with sa.create_engine(f"sqlite:///{tmp_path / 'db.sqlite'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_codes_open_once_and_end(store: Store) -> None:
    made = Handoff("zh_Hant", "u_visa_certification_denied", ("idnyc_cost",) * 5)
    code, other = store.hand_off(8, made, NOON), store.hand_off(6, made, NOON)
    assert len(code) == 8 and len(other) == 6
    assert store.open_handoff(code, NOON + timedelta(hours=23)) == made
    assert store.open_handoff(code, NOON) is None and store.open_handoff("00000000", NOON) is None
    assert store.open_handoff(other, NOON + timedelta(hours=25)) is None


def test_counts_and_flags(store: Store) -> None:
    assert store.count("segments", NOON, 3) == 3 and store.count("segments", NOON, 2) == 5
    assert store.counts(NOON.date()) == [("segments", NOON.date(), 5)]
    store.flag("idnyc_cost", NOON)
    store.flag("idnyc_cost", NOON)
    store.flag("idnyc_cost", NOON, 3)
    assert store.flags() == [("idnyc_cost", NOON.date(), 0, 1), ("idnyc_cost", NOON.date(), 3, 1)]
    store.forget(NOON + timedelta(days=100))
    assert store.counts(NOON.date()) == []


def test_the_longest_conversation_fits(store: Store, knowledge: Knowledge) -> None:
    """A place with many choices, and the longest ids: PostgreSQL refuses what does not fit, SQLite does not."""
    papers = "flow/idnyc_documents/papers"
    options = tuple(f"{papers}|{paper.label}" for paper in knowledge.flows["idnyc_documents"].papers)
    longest = tuple(sorted(knowledge.questions, key=len)[-5:])
    node = max((id_ for flow in knowledge.flows.values() for id_ in flow.nodes), key=len)
    whole = Conversation(
        "a" * 64, "web", NOON, locale="zh_Hant", last_id=node, offered=options, given=longest, flow="idnyc_documents", node=node
    )
    store.save(whole)
    assert store.conversation(("a" * 64,)) == whole


@pytest.mark.full
def test_postgresql_gives_up_in_time_but_not_on_a_migration(postgres_url: str) -> None:
    store, other = Store.open(postgres_url), Store.open(postgres_url)
    started = time.monotonic()
    with pytest.raises(StoreError), store._begin() as db:
        db.exec_driver_sql("select pg_sleep(8)")
    with other._begin() as lock:
        lock.exec_driver_sql("lock table conversation in access exclusive mode")
        with pytest.raises(StoreError):
            store.conversation((FULL.id,))
    assert time.monotonic() - started < 6
    store.close()
    other.close()


class Fails(Store):
    """A database that fails in a way that nobody foresaw: `forget` the first time, and whatever is written of `poison`."""

    times, poison = 0, ""

    def forget(self, now: datetime) -> int:
        self.times += 1
        if self.times == 1:
            raise OverflowError
        return super().forget(now)

    def save(self, conversation: Conversation, *, replaces: str | None = None, message: str | None = None,
             answered: Answered | None = None) -> None:  # fmt: skip
        if conversation.id == self.poison:
            raise OverflowError
        super().save(conversation, replaces=replaces, message=message, answered=answered)


def test_the_job_that_forgets_outlives_any_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FORGET_EVERY", 0.01)
    store = Fails.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    store.save(replace(FULL, seen=utc_now() - timedelta(days=2)))

    async def run() -> None:
        job = asyncio.create_task(app._forget(store, read({"AMPARO_DATA_DIR": str(tmp_path)}, profile="development")))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if store.conversation((FULL.id,)) is None:
                break
        assert not job.done()
        job.cancel()

    asyncio.run(run())
    assert store.times > 1 and store.conversation((FULL.id,)) is None, "long past its time"
    store.close()


def test_what_waits_is_found_under_each_id_and_written_when_nobody_writes(tmp_path: Path) -> None:
    store = Fails.open(f"sqlite:///{tmp_path / 'db.sqlite'}")
    store.poison = "p" * 64
    old, new, late = "c" * 64, "d" * 64, NOON + timedelta(minutes=20)
    reply = Answered(PLAN, "es", NOON)

    async def run() -> None:
        records = Records(store)
        records.note((store.poison,), Conversation(store.poison, "sms", NOON), NOON)
        records.note((FULL.id,), FULL, NOON)  # private
        records.note((old,), Conversation(old, "sms", NOON), NOON)
        records.note_reply(old, "m" * 64, reply)
        assert await records.conversation((new, old)) == Conversation(old, "sms", NOON), "the key has turned"
        assert await records.answered((new, old), "m" * 64) == reply
        records.note((new, old), Conversation(new, "sms", late), late)
        assert await records.conversation((old,)) is None, "it stands once, under its new id"
        with contextlib.closing(sqlite3.connect(tmp_path / "db.sqlite", isolation_level=None)) as blocker:
            blocker.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreError):
                await records.put(new)
            blocker.execute("ROLLBACK")
        await records.flush(late)

    asyncio.run(run())
    assert store.conversation((new,)) == Conversation(new, "sms", late), "behind a row that cannot be written"
    assert store.answered("m" * 64) == reply
    assert store.conversation((FULL.id,)) is None, "what is past its time is not written"
    store.close()
