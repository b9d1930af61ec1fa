"""What the console keeps: accounts, sessions, what staff did, and the facts that they looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store import tables as t
from bot.store.store import KEEP_SESSION, Store, _aware, _naive

Role = Literal["agent", "content", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
What = Literal["sign_in", "code"]
TRIES, LOCKED = 5, timedelta(minutes=15)  # so many wrong ones in a row lock for so long
IDLE_LOCK = timedelta(minutes=15)
TOUCH_EVERY = timedelta(seconds=20)  # a session's last use is noted no more often
LONG_AGO = datetime(2000, 1, 1)


@dataclass(frozen=True)
class Staff:
    """An account. `password` is an Argon2id hash; `totp` the secret of the second factor, in base32."""

    name: str
    role: Role
    password: str
    totp: str


@dataclass(frozen=True)
class Session:
    """A session of a signed-in staff member: `csrf` goes into each of its forms; `locale` is the language last shown beside English."""

    id: str
    staff: str
    role: Role
    csrf: str
    locale: str


@dataclass(frozen=True)
class Act:
    """One line of the audit log."""

    at: datetime
    staff: str
    act: str
    object: str


@dataclass(frozen=True)
class Proposal:
    """A fact looked at again on the day `checked`. `value` is the new one as it stands in the file, None for "still true"; it counts once
    `confirmed_by` is somebody."""

    id: int
    fact: str
    how: str
    checked: date
    value: str | None
    by: str
    confirmed_by: str | None


class ConsoleStore(Store):
    """Raises StoreError from every method when the database fails, as Store does."""

    # --- accounts -------------------------------------------------------------------------------------------------------

    def add_staff(self, account: Staff) -> bool:
        """False where the name is taken."""
        row = {"totp_last": 0, "sign_in_wrong": 0, "sign_in_at": LONG_AGO, "code_wrong": 0, "code_at": LONG_AGO}
        with self._begin() as db:
            try:
                with db.begin_nested():
                    db.execute(sa.insert(t.staff).values(**account.__dict__, **row))
            except IntegrityError:
                return False
        return True

    def set_role(self, name: str, role: Role) -> bool:
        """Whether there is such an account. Its sessions end."""
        with self._begin() as db:
            db.execute(sa.delete(t.staff_session).where(t.staff_session.c.staff == name))
            return bool(db.execute(sa.update(t.staff).where(t.staff.c.name == name).values(role=role)).rowcount)

    def remove_staff(self, name: str) -> bool:
        """Whether there was such an account. Its sessions end."""
        with self._begin() as db:
            db.execute(sa.delete(t.staff_session).where(t.staff_session.c.staff == name))
            return bool(db.execute(sa.delete(t.staff).where(t.staff.c.name == name)).rowcount)

    def staff(self, name: str) -> Staff | None:
        with self._begin() as db:
            row = db.execute(sa.select(t.staff).where(t.staff.c.name == name)).mappings().first()
        return Staff(row["name"], row["role"], row["password"], row["totp"]) if row else None

    def all_staff(self) -> list[tuple[str, Role]]:
        """(name, role), by name."""
        with self._begin() as db:
            return [(row[0], row[1]) for row in db.execute(sa.select(t.staff.c.name, t.staff.c.role).order_by(t.staff.c.name))]

    def take_try(self, name: str, what: What, now: datetime) -> bool:
        """Counts a try as wrong before it is looked at, so that many at once are not more than one by one. False: locked, and the try
        is not to be looked at; after five wrong ones, for 15 minutes from the fifth."""
        wrong, at = t.staff.c[f"{what}_wrong"], t.staff.c[f"{what}_at"]
        old = at <= _naive(now - LOCKED)
        values: dict[Any, Any] = {wrong: sa.case((old, 1), else_=wrong + 1), at: _naive(now)}
        where = (t.staff.c.name == name) & (old | (wrong < TRIES))
        with self._begin() as db:
            return bool(db.execute(sa.update(t.staff).where(where).values(values)).rowcount)

    def was_right(self, name: str, what: What) -> None:
        """The try was right after all: the count begins anew."""
        with self._begin() as db:
            db.execute(sa.update(t.staff).where(t.staff.c.name == name).values({t.staff.c[f"{what}_wrong"]: 0}))

    def use_totp(self, name: str, step: int) -> bool:
        """Whether the code of that 30-second step may be used: each once, and none before the one used last."""
        where = (t.staff.c.name == name) & (t.staff.c.totp_last < step)
        with self._begin() as db:
            return bool(db.execute(sa.update(t.staff).where(where).values(totp_last=step)).rowcount)

    # --- sessions -------------------------------------------------------------------------------------------------------

    def begin_session(self, id_: str, name: str, csrf: str, now: datetime) -> None:
        row = {"id": id_, "staff": name, "csrf": csrf, "began": _naive(now), "seen": _naive(now), "locale": "es"}
        with self._begin() as db:
            db.execute(sa.insert(t.staff_session).values(**row))

    def session(self, id_: str, now: datetime) -> Session | None:
        """The session if it is alive: used within 15 minutes, begun within 12 hours, and its account is still there. Using it keeps it."""
        s = t.staff_session.c
        query = sa.select(t.staff_session, t.staff.c.role).join(t.staff, t.staff.c.name == s.staff).where(s.id == id_)
        with self._begin() as db:
            row = db.execute(query).mappings().first()
            if row is None:
                return None
            seen = _aware(row["seen"])
            if now - seen >= IDLE_LOCK or now - _aware(row["began"]) >= KEEP_SESSION:
                db.execute(sa.delete(t.staff_session).where(s.id == id_))
                return None
            if now - seen > TOUCH_EVERY:
                db.execute(sa.update(t.staff_session).where(s.id == id_).values(seen=_naive(now)))
        return Session(row["id"], row["staff"], row["role"], row["csrf"], row["locale"])

    def show_beside(self, id_: str, locale: str) -> None:
        """Remember, for the session, the language that is shown beside English."""
        with self._begin() as db:
            db.execute(sa.update(t.staff_session).where(t.staff_session.c.id == id_).values(locale=locale))

    def end_session(self, id_: str) -> None:
        with self._begin() as db:
            db.execute(sa.delete(t.staff_session).where(t.staff_session.c.id == id_))

    # --- who did what ---------------------------------------------------------------------------------------------------

    def note(self, staff: str, act: str, now: datetime, object_: str = "") -> None:
        """Add to the audit log. `object_`: the id of an answer or fact, or an account's name."""
        with self._begin() as db:
            db.execute(sa.insert(t.audit).values(at=_naive(now), staff=staff, act=act, object=object_))

    def audit(self, limit: int = 500) -> list[Act]:
        """The newest first."""
        query = sa.select(t.audit).order_by(t.audit.c.id.desc()).limit(limit)
        with self._begin() as db:
            return [Act(_aware(row["at"]), row["staff"], row["act"], row["object"]) for row in db.execute(query).mappings()]

    # --- facts looked at again ------------------------------------------------------------------------------------------

    def propose(self, fact: str, how: str, checked: date, by: str, value: str | None = None) -> None:
        """In place of what was proposed for the fact before. Without a value it says "still true", and nobody need confirm it."""
        row = {"fact": fact, "how": how, "checked": checked, "value": value, "by": by}
        with self._begin() as db:
            db.execute(sa.delete(t.proposal).where(t.proposal.c.fact == fact))
            db.execute(sa.insert(t.proposal).values(**row, confirmed_by=by if value is None else None))

    def confirm(self, id_: int, fact: str, value: str, by: str) -> bool:
        """Whether this change of this fact to this value waits for somebody and `by` is not who proposed it. The id alone does not say which
        it is: SQLite gives the last one out again."""
        p = t.proposal.c
        where = (p.id == id_) & (p.fact == fact) & (p.value == value) & (p.by != by) & p.confirmed_by.is_(None)
        with self._begin() as db:
            return bool(db.execute(sa.update(t.proposal).where(where).values(confirmed_by=by)).rowcount)

    def withdraw(self, id_: int, fact: str) -> bool:
        """Whether there was this proposal about this fact."""
        where = (t.proposal.c.id == id_) & (t.proposal.c.fact == fact)
        with self._begin() as db:
            return bool(db.execute(sa.delete(t.proposal).where(where)).rowcount)

    def proposals(self) -> list[Proposal]:
        """By fact."""
        with self._begin() as db:
            return [Proposal(**row) for row in db.execute(sa.select(t.proposal).order_by(t.proposal.c.fact)).mappings()]

    # --- tallies --------------------------------------------------------------------------------------------------------

    def tallies(self, kind: str, since: date) -> dict[tuple[date, str], int]:
        """(Monday of the week, topic or language) -> how many answers."""
        where = (t.tally.c.kind == kind) & (t.tally.c.week >= since)
        with self._begin() as db:
            rows = db.execute(sa.select(t.tally.c.week, t.tally.c.name, t.tally.c.count).where(where))
            return {(row[0], row[1]): row[2] for row in rows}
