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
