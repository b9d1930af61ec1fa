"""The tables. No column holds a phone number or a word of a message; `twilio_cleanup.sid` is the only raw id from outside."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

conversation = sa.Table(
    "conversation",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # keyed hash
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("seen", sa.DateTime, nullable=False),  # UTC
    sa.Column("locale", sa.String(16)),
    sa.Column("last_id", sa.String(64)),
    sa.Column("part", sa.Integer, nullable=False, default=0),
    sa.Column("offered", sa.Text, nullable=False, default=""),  # ids by comma
    sa.Column("given", sa.String(400), nullable=False, default=""),  # ids by comma, oldest first
    sa.Column("flow", sa.String(64)),
    sa.Column("node", sa.String(64)),
    sa.Column("private", sa.Boolean, nullable=False, default=False),
    sa.Column("welcomed", sa.Boolean, nullable=False, default=False),
    sa.Column("interpreter", sa.String(32)),  # key in content/languages.yml
    sa.Index("conversation_seen", "seen"),
)

# A message that was answered: the same message id gets the same reply (a Twilio signature has no time in it).
answered = sa.Table(
    "answered",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # keyed hash of the message id
    sa.Column("at", sa.DateTime, nullable=False),  # UTC
    sa.Column("locale", sa.String(16), nullable=False),
    sa.Column("plan", sa.Text, nullable=False),  # content ids as JSON
    sa.Index("answered_at", "at"),
)

optout = sa.Table(
    "optout",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # keyed hash, by the key that never changes
    sa.Column("on", sa.Date, nullable=False),
    sa.Column("locale", sa.String(16), nullable=False),
)

# Copies of messages at Twilio that are to be deleted there.
twilio_cleanup = sa.Table(
    "twilio_cleanup",
    metadata,
    sa.Column("sid", sa.String(34), primary_key=True),
    sa.Column("due", sa.DateTime, nullable=False),  # UTC
    sa.Index("twilio_cleanup_due", "due"),
)

# WRONG: how often an answer was flagged, by day and reason (0 none given, 1 not true, 2 too old, 3 not what was asked, 4 not understood).
flag = sa.Table(
    "flag",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("on", sa.Date, primary_key=True),
    sa.Column("reason", sa.Integer, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False, default=0),
)

# A code between here and 311: copied when it is made, not linked to any conversation, gone once opened. Eight digits go to a desk,
# six come from one.
handoff = sa.Table(
    "handoff",
    metadata,
    sa.Column("code", sa.String(8), primary_key=True),
    sa.Column("made", sa.DateTime, nullable=False),  # UTC
    sa.Column("locale", sa.String(16), nullable=False),
    sa.Column("topic", sa.String(64), nullable=False),  # an answer's id
    sa.Column("given", sa.String(400), nullable=False),  # ids by comma, oldest first
    sa.Column("interpreter", sa.String(32)),  # key in content/languages.yml
)

# Counts of a day that belong to nobody: segments sent, status codes from Twilio.
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("on", sa.Date, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

# An answer, or a fact with all answers that rest on it, taken out of service by the content owner.
hold = sa.Table(
    "hold",
    metadata,
    sa.Column("target", sa.String(64), primary_key=True),  # an answer's or a fact's id
    sa.Column("why", sa.String(400), nullable=False),
    sa.Column("since", sa.DateTime, nullable=False),  # UTC
)

# Who may use the console. Both pairs of columns count wrong tries: how many, and when the last one was.
staff = sa.Table(
    "staff",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("password", sa.String(200), nullable=False),  # Argon2id, with its own parameters and salt
    sa.Column("totp", sa.String(64), nullable=False),  # base32
    sa.Column("totp_last", sa.BigInteger, nullable=False),  # the 30-second step of the code used last
    sa.Column("sign_in_wrong", sa.Integer, nullable=False),
    sa.Column("sign_in_at", sa.DateTime, nullable=False),  # UTC
    sa.Column("code_wrong", sa.Integer, nullable=False),
    sa.Column("code_at", sa.DateTime, nullable=False),  # UTC
)

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # SHA-256 of the cookie
    sa.Column("staff", sa.String(32), nullable=False),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("began", sa.DateTime, nullable=False),  # UTC
    sa.Column("seen", sa.DateTime, nullable=False),  # UTC
    sa.Column("locale", sa.String(16), nullable=False),  # the language last shown beside English
)

# Which staff member did what. The object is the id of an answer or fact, or an account's name; never a code or anything typed.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),  # UTC
    sa.Column("staff", sa.String(32), nullable=False),
    sa.Column("act", sa.String(32), nullable=False),
    sa.Column("object", sa.String(64), nullable=False),
    sa.Index("audit_at", "at"),
)

# A fact that somebody has looked at again: still true (no value), or changed to `value`, which a second person confirms.
proposal = sa.Table(
    "proposal",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("fact", sa.String(64), nullable=False),
    sa.Column("how", sa.String(16), nullable=False),
    sa.Column("checked", sa.Date, nullable=False),
    sa.Column("value", sa.Text),  # as it stands in the file, such as {count: 5, unit: year}
    sa.Column("by", sa.String(32), nullable=False),
    sa.Column("confirmed_by", sa.String(32)),
    sa.Index("proposal_fact", "fact", unique=True),
)

# How many answers were given in a week, by topic and by language: never both at once, and no time finer than the week.
tally = sa.Table(
    "tally",
    metadata,
    sa.Column("week", sa.Date, primary_key=True),  # its Monday
    sa.Column("kind", sa.String(8), primary_key=True),  # topic, language
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)
