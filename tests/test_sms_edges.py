"""What telephones, carriers and frightened people do to a webhook: the real channel over the real assistant, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import random
import sqlite3
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from twilio.request_validator import RequestValidator

from bot import doctor
from bot.channels.http import MAX_BODY
from bot.channels.sms import CODES, TWILIO_ANSWERED, SmsChannel, fallbacks
from bot.dialogue.assistant import Assistant
from bot.dialogue.control import ControlWords
from bot.dialogue.limits import FLOOD, HOUR, MINUTE, Limits
from bot.knowledge import Knowledge, segments
from bot.privacy.keys import Keys
from bot.settings import SettingsError, Twilio, read
from bot.store import Handoff, Store, StoreError
from tests.conftest import ACCOUNT, NOON, NUMBER, PUBLIC, ROOT, TOKEN
from tests.test_dialogues import words

PHONE = "+12125550123"


class Line:
    """A webhook with a database of its own and a clock that stands where it is put."""

    def __init__(
        self, folder: Path, knowledge: Knowledge, engine, segments_a_day: int | None = None, voice_dir: Path | None = None
    ):
        self.now = NOON
        self.store = Store.open(f"sqlite:///{folder / 'db'}")
        self.engine = engine
        self.assistant = Assistant(knowledge, self.store, engine.engine, *words(), None, lambda: self.now, segments_a_day)
        twilio = Twilio(ACCOUNT, (TOKEN,), NUMBER, "http://127.0.0.1:9")
        channel = SmsChannel(
            self.assistant, knowledge, self.store, Keys(b"k" * 32), twilio, PUBLIC, False, lambda: self.now, voice_dir
        )
        self.client = TestClient(Starlette(routes=channel.routes))
        self.count = 0

    def post(self, path: str, **fields: str):
        signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, fields)
        return self.client.post(path, data=fields, headers={"x-twilio-signature": signature})

    def sms(self, body: str, sender: str = PHONE, **fields: str) -> list[str]:
        self.count += 1
        sid = fields.pop("MessageSid", f"SM{self.count:032x}")
        form = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": sender, "To": NUMBER, "Body": body, "NumMedia": "0", **fields}
        answer = self.post("/webhooks/sms", **form)
        assert answer.status_code == 200
        return [node.text or "" for node in ElementTree.fromstring(answer.content).iter("Message")]


@pytest.fixture
def line(tmp_path: Path, knowledge: Knowledge, engine) -> Line:
    return Line(tmp_path, knowledge, engine)


def said(knowledge: Knowledge, id_: str, locale: str = "en") -> str:
    return knowledge.say(id_, locale, "sms", NOON).parts[0]


def test_a_picture_is_not_opened(line: Line, knowledge: Knowledge) -> None:
    sid = "MM" + "1" * 32
    (first,) = line.sms("", NumMedia="1", MediaUrl0="http://127.0.0.1:9/never", MediaContentType0="image/jpeg", MessageSid=sid)
    assert first == said(knowledge, "system/no_pictures")
    line.sms("¿cuánto cuesta el IDNYC?")
    (second, *_) = line.sms("", NumMedia="1", MediaUrl0="http://127.0.0.1:9/never")
    assert second == said(knowledge, "system/no_pictures", "es"), "in the language of the conversation"
    assert line.sms("what is idnyc", "+12125550124", NumMedia="1")[0].startswith(said(knowledge, "idnyc_what")), (
        "its words are read"
    )
    line.now += timedelta(minutes=3)
    assert sid in line.store.to_clean_up(line.now), "and its copy at Twilio goes"


@pytest.mark.parametrize(
    "text",
    [
        "Liked “IDNYC is free”",
        'Loved "IDNYC is free"',
        "👍 to “IDNYC is free”",
        "Le gustó “IDNYC es gratis”",
        "Removed a heart from “x”",
    ],
)
def test_a_heart_on_our_message_asks_nothing(text: str, line: Line) -> None:
    assert line.sms(text) == []


@pytest.mark.parametrize("sender", ["262966", "AMTRAK", "+1", "whatsapp:+12125550123"])
def test_machines_are_not_answered(sender: str, line: Line) -> None:
    assert line.sms("what is idnyc", sender) == []


def test_when_twilio_has_answered_a_keyword_we_are_silent(line: Line) -> None:
    assert line.sms("STOP", OptOutType="STOP") == []
    assert line.sms("what is idnyc") == [], "and it is remembered"
    assert line.sms("HELP", OptOutType="HELP") == []
    assert line.sms("START", OptOutType="START") == []
    assert line.store.counts(NOON.date()) == [(TWILIO_ANSWERED, NOON.date(), 3)]
    assert line.sms("what is idnyc")


@pytest.mark.parametrize(
    "body", ["", " ", "\x00", "\x00\x01 what is idnyc \x07", "\ud83d what is idnyc", "a" * 1600, "\u202e\u2066idnyc", "0" * 300]
)
def test_any_body_gets_an_answer(body: str, line: Line) -> None:
    encoded = body.encode("utf-8", "replace").decode()
    messages = line.sms(encoded)
    assert messages and all(messages) and sum(map(segments.count, messages)) <= 8


def test_a_text_longer_than_any_message(line: Line, knowledge: Knowledge) -> None:
    assert line.sms("word " * 400) == [said(knowledge, "system/too_long")]
    assert "911" in line.sms("he has a gun help me " + "word " * 400)[0], "but danger in it is answered"


# --- limits -----------------------------------------------------------------------------------------------------------------


def test_too_many_messages_get_one_word_about_it_and_then_silence(line: Line, knowledge: Knowledge) -> None:
    for number in range(MINUTE):
        assert line.sms(f"how much is idnyc {'?' * number} {number}"), number
    assert line.sms("and now") == [said(knowledge, "system/too_fast")]
    assert line.sms("and again now") == []
    assert "911" in line.sms("ice is at my door right now")[0], "danger is answered"
    assert line.sms("he is going to kill me tonight i think he bought something"), "what only the model hears, too"
    assert line.sms("STOP") == [said(knowledge, "system/stop")], "and so is STOP"
    line.now += timedelta(minutes=2)
    assert line.sms("START")
    assert line.sms("what is idnyc")[0].startswith(said(knowledge, "idnyc_what"))


def test_the_same_text_again_and_again(line: Line) -> None:
    assert line.sms("I am driving and will answer later.") and line.sms("I am driving and will answer later.")
    assert line.sms("I am driving and will answer later.") == []
    for _ in range(5):
        assert line.sms("ICE is here help") != [], "a person who sends the same cry is answered each time"


def test_paces() -> None:
    limits, at = Limits(), NOON
    paces = [limits.pace("a", f"text {n}", at + timedelta(seconds=n)) for n in range(FLOOD + 2)]
    assert (
        paces[:MINUTE] == ["ok"] * MINUTE
        and paces[MINUTE] == "slow"
        and set(paces[MINUTE + 1 : FLOOD]) == {"silent"}
        and paces[-1] == "flood"
    )
    assert limits.pace("b", "text", at) == "ok", "one sender's pace is nobody else's"
    slow = [limits.pace("c", f"text {n}", at + timedelta(seconds=50 * n)) for n in range(HOUR + 2)]
    assert slow[:HOUR] == ["ok"] * HOUR and slow[HOUR] == "slow" and slow[HOUR + 1] == "silent"
    assert limits.pace("c", "later", at + timedelta(hours=3)) == "ok"


def test_the_days_budget_never_stops_an_urgent_answer(tmp_path: Path, knowledge: Knowledge, engine) -> None:
    line = Line(tmp_path, knowledge, engine, segments_a_day=4)
    assert line.sms("how much is idnyc")[0].startswith(said(knowledge, "idnyc_cost"))
    assert line.sms("what is idnyc", "+12125550124") == [said(knowledge, "system/human_route_basic")]
    for number in range(5):
        line.sms("who can get idnyc", f"+1212555013{number}")
    assert line.sms("who can get idnyc", "+12125550140") == []
    assert "911" in line.sms("ice is at my door right now", "+12125550141")[0]
    line.now += timedelta(days=1)
    assert line.sms("what is idnyc", "+12125550142")[0].startswith(said(knowledge, "idnyc_what")), "the next day"


# --- WRONG, status reports, calls ---------------------------------------------------------------------------------------------


def test_wrong_asks_why_and_counts_it(line: Line, knowledge: Knowledge) -> None:
    line.sms("how much is idnyc")
    (asked,) = line.sms("WRONG")
    assert said(knowledge, "system/wrong_ask") in asked
    assert line.store.flags() == [("idnyc_cost", NOON.date(), 0, 1)]
    assert line.sms("two") == [said(knowledge, "system/wrong_noted")]
    assert line.store.flags() == [("idnyc_cost", NOON.date(), 2, 1)]
    line.sms("WRONG")
    assert line.sms("what is idnyc")[0].startswith(said(knowledge, "idnyc_what")), "nobody must say why"
    assert sorted(reason for _, _, reason, _ in line.store.flags()) == [0, 2]


def test_status_reports_are_counted_by_code_and_the_copy_goes(line: Line) -> None:
    for number, code in enumerate([*CODES, "99999", ""]):
        sid = f"SM{number + 500:032x}"
        fields = {"ErrorCode": code} if code else {}
        status = "undelivered" if code else "delivered"
        answer = line.post(
            "/webhooks/sms/status", MessageSid=sid, AccountSid=ACCOUNT, From=NUMBER, To=PHONE, MessageStatus=status, **fields
        )
        assert answer.status_code == 204
    counted = {name: count for name, _, count in line.store.counts(NOON.date())}
    assert counted == {f"status {code}": 1 for code in CODES} | {"status other": 1, "status delivered": 1}
    assert len(line.store.to_clean_up(line.now)) == len(CODES) + 2
    assert line.post("/webhooks/sms/status", MessageSid="SM" + "9" * 32, MessageStatus="sent").status_code == 403, "not for us"


def test_a_copy_without_a_delivery_report_goes_after_an_hour(line: Line) -> None:
    sid = "SM" + "7" * 32
    fields = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": NUMBER, "To": PHONE}
    assert line.post("/webhooks/sms/status", **fields, MessageStatus="sent").status_code == 204
    assert line.store.to_clean_up(line.now + timedelta(minutes=59)) == []
    assert line.store.to_clean_up(line.now + timedelta(minutes=61)) == [sid]
    line.post("/webhooks/sms/status", **fields, MessageStatus="delivered")
    assert line.store.to_clean_up(line.now) == [sid], "a report after all: now"
    assert [name for name, _, _ in line.store.counts(NOON.date())] == ["status delivered"]


def test_the_number_rings(tmp_path: Path, knowledge: Knowledge, engine) -> None:
    (tmp_path / "bn.mp3").write_bytes(b"ID3 a recording")
    line = Line(tmp_path, knowledge, engine, voice_dir=tmp_path)
    fields = {"CallSid": "CA1", "AccountSid": ACCOUNT, "From": PHONE, "To": NUMBER}
    answer = line.post("/webhooks/voice", **fields)
    tree = ElementTree.fromstring(answer.content)
    spoken = [node.text or "" for node in tree.iter("Say")]
    assert len(spoken) == 2 and all("9 1 1" in text and "3 1 1" in text for text in spoken)
    assert [node.text for node in tree.iter("Play")] == [f"{PUBLIC}/voice/bn.mp3"]
    assert not list(tree.iter("Record")) and not list(tree.iter("Gather"))
    assert line.client.get("/voice/bn.mp3").content == b"ID3 a recording"
    for path in ("/voice/es.mp3", "/voice/..%2Fdb.mp3", "/voice/db.mp3"):
        assert line.client.get(path).status_code == 404
    assert line.client.post("/webhooks/voice", data=fields).status_code == 403


def test_the_static_fallback_is_what_the_content_says(knowledge: Knowledge) -> None:
    for name, text in fallbacks(knowledge).items():
        assert (ROOT / "deploy" / "twilio" / name).read_text().strip() == text, "run: amparo fallback"
        assert {part for part in ElementTree.fromstring(text).itertext() if part}
    assert "311" in fallbacks(knowledge)["fallback-sms.xml"] and "911" in fallbacks(knowledge)["fallback-sms.xml"]


# --- commands ---------------------------------------------------------------------------------------------------------------


def test_ordinary_sentences_are_no_commands() -> None:
    commands = ControlWords.load(ROOT / "content" / "control_words.yml")
    with (ROOT / "tests" / "data" / "not_commands.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len(rows) >= 300 and len({row["locale"] for row in rows}) >= 6
    taken = [(row["text"], found.command) for row in rows if (found := commands.find(row["text"], row["locale"]))]
    assert taken == []


# --- a thousand wrong ways ----------------------------------------------------------------------------------------------------

GOOD = {
    "MessageSid": "SM" + "0" * 32,
    "AccountSid": ACCOUNT,
    "From": PHONE,
    "To": NUMBER,
    "Body": "hola",
    "NumMedia": "0",
    "FromCity": "",
}


def fuzzed(pick: random.Random) -> tuple[str, bytes, dict[str, str], int]:
    """(class, raw body, headers, expected status) of one request that Twilio never sent."""
    from urllib.parse import urlencode

    form = {**GOOD, "MessageSid": f"SM{pick.getrandbits(128):032x}"}
    right = RequestValidator(TOKEN).compute_signature(PUBLIC + "/webhooks/sms", form)
    kind = pick.choice(
        ["unsigned", "wrong token", "garbled signature", "changed field", "added field", "dropped field", "noise", "too long"]
    )
    body, headers, status = urlencode(form).encode(), {"x-twilio-signature": right}, 403
    if kind == "unsigned":
        headers = {}
    elif kind == "wrong token":
        headers["x-twilio-signature"] = RequestValidator(str(pick.random())).compute_signature(PUBLIC + "/webhooks/sms", form)
    elif kind == "garbled signature":
        headers["x-twilio-signature"] = "".join(chr(pick.randrange(33, 126)) for _ in range(pick.randrange(1, 60)))
    elif kind == "changed field":
        name = pick.choice(list(form))
        body = urlencode({**form, name: form[name] + pick.choice("x 0é\n")}).encode()
    elif kind == "added field":
        body = urlencode({**form, f"X{pick.randrange(99)}": pick.choice(["", "1"])}).encode()
    elif kind == "dropped field":
        body = urlencode(
            {name: value for name, value in form.items() if name != pick.choice(list(form)[:5])} | {"Z": ""}
        ).encode()
    elif kind == "noise":
        body = bytes(pick.randrange(256) for _ in range(pick.randrange(0, 400)))
    else:
        body, status = b"Body=" + b"a" * (MAX_BODY + pick.randrange(1, 500)), 413
    return kind, body, {"content-type": "application/x-www-form-urlencoded", **headers}, status


def test_ten_thousand_requests_that_twilio_never_sent(line: Line) -> None:
    """Each class gets its status; nothing unsigned is accepted, nothing is stored, nothing fails."""
    pick = random.Random(11)
    seen: Counter[str] = Counter()

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=line.client.app), base_url=PUBLIC) as client:
            for _ in range(10_000):
                kind, body, headers, status = fuzzed(pick)
                answer = await client.post("/webhooks/sms", content=body, headers=headers)
                assert answer.status_code == status, (kind, answer.status_code)
                seen[kind] += 1

    asyncio.run(run())
    assert min(seen.values()) > 1000
    assert line.store.counts(NOON.date()) == [] and line.store.to_clean_up(NOON + timedelta(days=1)) == []


# --- whether it is set up -------------------------------------------------------------------------------------------------------


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    missing = doctor.examine({"AMPARO_DATA_DIR": str(tmp_path)}, "production")
    assert [finding.good for finding in missing] == [False] and "production needs" in missing[0].what
    key = tmp_path / "key"
    key.write_bytes(b"k" * 64)
    key.chmod(0o600)
    (tmp_path / "operator.yml").write_text("name: x\nkind: nonprofit\ncontact: y\n")
    environ = {
        "AMPARO_DATA_DIR": str(tmp_path / "data"), "AMPARO_PUBLIC_URL": "https://amparo.example", "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_NUMBER": NUMBER, "AMPARO_HASH_KEY_FILE": str(key),
        "AMPARO_OPERATOR_FILE": str(tmp_path / "operator.yml"),
    }  # fmt: skip
    found = doctor.examine(environ, "production")
    bad = [finding.what for finding in found if not finding.good]
    assert len(found) > 10 and all("fact" in what or "telephone" in what for what in bad), bad
    key.chmod(0o644)
    worse = doctor.examine({**environ, "TWILIO_NUMBER": "2125550199"}, "production")
    assert len([finding for finding in worse if not finding.good]) == len(bad) + 2
    said = "\n".join(finding.what for finding in found)
    assert "redaction ON" in said and "Advanced Opt-Out OFF" in said, "the choice that cannot be seen from here is named"
    assert "/en/privacy" in said and "/en/terms" in said and "600 seconds" in said
    store = Store.open(f"sqlite:///{tmp_path / 'data' / 'amparo.sqlite'}")
    store.count(TWILIO_ANSWERED, datetime.now(timezone.utc))
    store.close()
    assert len([finding for finding in doctor.examine(environ, "production") if not finding.good]) >= len(bad) + 1


def test_a_booking_class_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    environ = {"AMPARO_DATA_DIR": str(tmp_path)}
    assert read({**environ, "AMPARO_BOOKING": "bot.dialogue.booking:Hotline"}).booking == "bot.dialogue.booking:Hotline"
    assert read(environ).booking is None
    with pytest.raises(SettingsError, match="AMPARO_BOOKING"):
        read({**environ, "AMPARO_BOOKING": "no.such:Thing"})


def test_datetime_of_the_budget_is_the_stores_own(line: Line) -> None:
    assert line.store.count("segments", datetime(2026, 11, 24, 23, 59, tzinfo=NOON.tzinfo), 3) == 3
    assert line.store.count("segments", datetime(2026, 11, 25, 0, 1, tzinfo=NOON.tzinfo), 3) == 3


@pytest.mark.parametrize("text", ['Voy a "matarme"', 'Need to "get out" he has a gun', 'fui a "la policía"'])
def test_a_sentence_with_quotation_marks_is_no_heart(text: str, line: Line) -> None:
    assert line.sms(text)


def test_after_stop_a_question_about_danger_hears_its_answer(line: Line, knowledge: Knowledge) -> None:
    line.sms("STOP")
    (gate,) = line.sms("my husband is beating me right now")
    if gate == said(knowledge, "system/gate"):
        assert line.sms("1")[0].startswith(said(knowledge, "domestic_violence"))
    assert line.sms("how much is idnyc") == []


def test_after_stop_danger_that_no_phrase_shows_is_answered(line: Line, knowledge: Knowledge) -> None:
    """The phrases know a part of what people write in danger; the model is asked too, and what it does not find urgent stays unanswered."""
    text = "a man in a grey hoodie been behind me for ten blocks"
    assert line.assistant._danger.alone(text) is None, "or the test shows nothing"
    line.sms("STOP")
    assert "911" in line.sms(text)[0]
    for ordinary in ("how much is idnyc", "MENU", "thank you", "STOP"):
        assert line.sms(ordinary) == [], ordinary


def test_after_stop_only_the_answer_to_the_gate_is_heard(line: Line, knowledge: Knowledge) -> None:
    line.sms("STOP")
    assert line.sms("my boyfriend hits me") == [said(knowledge, "system/gate")]
    assert line.sms("how much is idnyc") == [] and line.sms("MENU") == []


def test_codes_cannot_be_guessed(line: Line, knowledge: Knowledge) -> None:
    """After five wrong codes even the right one is not looked at, for a quarter of an hour; and it is not spent."""
    code = line.store.hand_off(6, Handoff("es", "idnyc_cost"), NOON)
    wrong = [other for other in ("100001", "100002", "100003", "100004", "100005", "100006") if other != code]
    assert all(line.sms(other) == [said(knowledge, "system/handoff_gone")] for other in wrong[:5])
    assert line.sms(code) == [said(knowledge, "system/handoff_gone")]
    line.now += timedelta(minutes=16)
    assert said(knowledge, "idnyc_cost", "es")[:40] in line.sms(code)[0]


def test_a_number_space_that_is_full_is_said(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'db'}")
    for _ in range(9):
        try:
            store.hand_off(1, Handoff("en", "menu"), NOON)
        except StoreError:  # by chance one of nine was not drawn in twenty tries
            break
    with pytest.raises(StoreError):
        for _ in range(9):
            store.hand_off(1, Handoff("en", "menu"), NOON)


def test_two_processes_may_count_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stores = [Store.open(f"sqlite:///{tmp_path / 'db'}") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stores[n % 2].count("segments", NOON, 1), range(200)))
    assert stores[0].counts(NOON.date()) == [("segments", NOON.date(), 200)]


# --- opting out -------------------------------------------------------------------------------------------------------------

REFUSALS = {"en": "stop texting me", "es": "deja de escribirme", "zh_Hans": "别再发了", "zh_Hant": "唔好再send", "ru": "не пишите мне",
            "bn": "বন্ধ করুন", "ht": "sispann ekri m", "ko": "그만 보내세요", "ar": "توقف عن مراسلتي", "ur": "بند کریں", "fr": "arrêtez de m'écrire",
            "pl": "przestań pisać"}  # fmt: skip


@pytest.mark.parametrize("locale", REFUSALS)
def test_a_refusal_in_other_words_opts_out_with_one_confirmation(locale: str, line: Line, knowledge: Knowledge) -> None:
    assert line.sms(f"{REFUSALS[locale]}!") == [said(knowledge, "system/stop", locale)], "in that language"
    assert line.sms("STOP") == [] and line.sms(REFUSALS[locale]) == [], "one confirmation, and no more"
    assert line.sms("how much is idnyc") == []
    assert line.sms("START")


@pytest.mark.parametrize(
    "word", ["STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "opt out", "Stop. Thank you"]
)
def test_the_carriers_words_opt_out(word: str, line: Line, knowledge: Knowledge) -> None:
    assert line.sms(word) == [said(knowledge, "system/stop")]
    assert line.sms("how much is idnyc") == []


def test_an_opt_out_survives_new_keys_and_delete_which_says_so(line: Line, knowledge: Knowledge) -> None:
    line.sms("how much is idnyc")
    line.sms("STOP")
    line.now += timedelta(days=30)
    assert line.sms("how much is idnyc") == [], "after the conversation keys have changed four times"
    erased = line.sms("DELETE")
    assert erased == [knowledge.say("delete_my_data", "en", "sms", NOON).parts[n] for n in (0, 1)] and "STOP" in erased[1]
    assert line.sms("how much is idnyc") == []
    assert line.sms("START") == [said(knowledge, "system/start")]
    assert line.sms("how much is idnyc")


@pytest.mark.parametrize("trouble", ["BEGIN EXCLUSIVE", "ALTER TABLE conversation RENAME TO away"])
@pytest.mark.parametrize("by_twilio", [False, True])
def test_stop_holds_while_the_database_is_locked_or_cannot_be_read(
    trouble: str, by_twilio: bool, line: Line, knowledge: Knowledge, tmp_path: Path
) -> None:
    line.sms("how much is idnyc")
    keyword = {"OptOutType": "STOP"} if by_twilio else {}
    with contextlib.closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as other:
        other.execute(trouble)
        assert line.sms("STOP", **keyword) == ([] if by_twilio else [said(knowledge, "system/stop")])
        if trouble.startswith("BEGIN"):
            assert line.sms("how much is idnyc") == [] and line.sms("STOP") == []
        other.execute("ROLLBACK" if other.in_transaction else "ALTER TABLE away RENAME TO conversation")
    assert line.sms("how much is idnyc") == []
    asyncio.run(line.assistant.records.flush(line.now))
    again = Line(tmp_path, knowledge, line.engine)
    again.count = line.count
    assert again.sms("how much is idnyc") == [], "written, for every process and after a restart"
    assert again.sms("START") == [said(knowledge, "system/start")] and again.sms("how much is idnyc")


# --- time, restarts -----------------------------------------------------------------------------------------------------------


def test_a_conversation_ends_after_half_an_hour(line: Line, knowledge: Knowledge) -> None:
    line.sms("¿cuánto cuesta el IDNYC?")
    line.now += timedelta(minutes=29)
    assert line.sms("REPETIR")[0].startswith(said(knowledge, "idnyc_cost", "es"))
    line.now += timedelta(minutes=31)
    assert line.sms("REPETIR") == [said(knowledge, "system/neutral_opening", "es")], "the language is all that is left"


def test_a_message_is_handled_once_across_restarts_and_processes(tmp_path: Path, knowledge: Knowledge, engine) -> None:
    first, second = Line(tmp_path, knowledge, engine), Line(tmp_path, knowledge, engine)
    sid = "SM" + "7" * 32
    answer = first.sms("¿qué es el IDNYC?", MessageSid=sid)
    assert second.sms("¿qué es el IDNYC?", MessageSid=sid) == answer, "by another process"
    assert second.sms("MÁS")[0].startswith(knowledge.say("idnyc_what", "es", "sms", NOON).parts[1]), "which goes on from there"
    first.store.close()
    assert Line(tmp_path, knowledge, engine).sms("¿qué es el IDNYC?", MessageSid=sid) == answer, "and after a restart"


# --- the first turn of every kind -----------------------------------------------------------------------------------------------


def test_every_first_turn_is_within_its_budget(tmp_path: Path, knowledge: Knowledge, engine) -> None:
    """The turns that docs/first-turns.md prints (`make first-turns`)."""
    from bench.first_turns import answer, first_messages

    assistant = Assistant(knowledge, Store.open(f"sqlite:///{tmp_path / 'db'}"), engine.engine, *words(), None, lambda: NOON)
    printed = (ROOT / "docs" / "first-turns.md").read_text(encoding="utf-8")
    kinds: Counter[str] = Counter()
    for number, (kind, language, text) in enumerate(first_messages(knowledge)):
        outcome = answer(assistant, number, kind, language, text)
        counts = [segments.count(message.text) for message in outcome.messages]
        assert 0 < len(counts) <= 3 and sum(counts) <= 8, (kind, language, counts)
        assert f"### {language}: {text or '(a picture)'}" in printed, "run: make first-turns"
        kinds[kind] += 1
        if kind in ("urgent", "behind the gate"):
            assert "911" in outcome.messages[0].text and "system/welcome" not in outcome.plan.ids, (kind, language)
    assert len(kinds) == 6 and min(kinds.values()) >= 7 and sum(count == 12 for count in kinds.values()) == 5
