"""What Twilio posts, byte by byte: its published signatures, and a table of form bodies with a reason a row."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from twilio.request_validator import RequestValidator

from bot.channels.http import MAX_BODY
from bot.channels.reactions import Reactions
from bot.channels.sms import Form, signed_by
from bot.knowledge import Knowledge, segments
from tests.conftest import ACCOUNT, NOON, NUMBER, PUBLIC, ROOT, TOKEN
from tests.test_sms_edges import Line

# --- Twilio's own signatures --------------------------------------------------------------------------------------------------

# Of the tests that Twilio publishes with its Python and C# libraries; the token of all is 12345.
CALL = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309"
TWICE = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234"
AT = "mycompany.com/myapp.php?foo=1&bar=2"
SIGNATURES = [
    ("the documented example, with a query", f"https://{AT}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", True),
    ("a port in our address that was not signed", f"https://{AT}".replace(".com", ".com:1234"), CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", True),
    ("a port that was signed", f"https://{AT}".replace(".com", ".com:1234"), CALL, "CYn1h0gLBdNxDGkKJg6hYohgeD8=", True),
    ("signed with 443, as before a proxy that brings TLS", f"https://{AT}", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w=", True),
    ("http with a port", f"http://{AT}".replace(".com", ".com:1234"), CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", True),
    ("http, signed with 80", f"http://{AT}", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4=", True),
    ("https behind a proxy that says http: what was signed counts", f"http://{AT}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", False),
    ("capital letters in the host are signed as they stand", f"https://{AT}".replace("mycompany", "MyCompany"), CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", False),
    ("capital letters in the host, signed so", f"https://{AT}".replace("mycompany", "MyCompany"), CALL, "g9IN/x4Cft2g517EjYvEvM/W7LU=", True),
    ("a name that stands twice", f"https://{AT}", TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", True),
    ("twice with the same value is once", f"https://{AT}", TWICE + b"&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", True),
    ("one of the two is missing", f"https://{AT}", b"Sid=CA123&SidAccount=AC123&Digits=5678", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", False),
    ("a field more", f"https://{AT}", CALL + b"&FromCity=", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", False),
    ("the query is signed too", f"https://{AT}&x=1", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", False),
    ("no signature", f"https://{AT}", CALL, "", False),
    ("no signature at all, in letters of another alphabet", f"https://{AT}", CALL, "подпись=", False),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "url", "body", "signature", "good"), SIGNATURES, ids=[row[0] for row in SIGNATURES])
def test_signatures_that_twilio_publishes(reason: str, url: str, body: bytes, signature: str, good: bool) -> None:
    assert signed_by(("12345",), url, Form(body), signature) is good, reason
    assert signed_by(("another", "12345"), url, Form(body), signature) is good, "the second token, while rotating"
    assert not signed_by(("another",), url, Form(body), signature)


# --- form bodies --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge, engine) -> Line:
    return Line(tmp_path_factory.mktemp("forms"), knowledge, engine)


def form(number: int, **fields: str) -> bytes:
    """An ordinary body; a field of None is left out."""
    sid = f"SM{number:032x}"
    ordinary = {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": f"+1212555{number:04d}",
        "To": NUMBER,
        "Body": "x",
        "NumMedia": "0",
    }
    return urlencode({name: value for name, value in {**ordinary, **fields}.items() if value is not None}).encode()


def send(line: Line, body: bytes, signed: bool = True):
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + "/webhooks/sms", Form(body)) if signed else "x"
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    return line.client.post("/webhooks/sms", content=body, headers=headers)


COST = ("idnyc_cost", "en")
ANY = ("any answer", "")
NOTHING = ("no answer", "")
PICTURES = {f"MediaUrl{n}": f"http://127.0.0.1:9/{n}" for n in range(3)} | {
    f"MediaContentType{n}": "image/jpeg" for n in range(3)
}
PLACE = {"Latitude": "40.712776", "Longitude": "-74.005974", "Label": "Shelter 12", "Address": "1 Example Street"}
# (reason, what replaces or follows the ordinary body, what comes back: an answer in a language, a status, nothing)
BODIES: list[tuple[str, dict[str, str | None], bytes, tuple[str, str] | int]] = [
    ("a plain question", {"Body": "how much is idnyc"}, b"", COST),
    ("blank fields are part of what is signed", {"Body": "how much is idnyc", "FromCity": "", "FromZip": ""}, b"", COST),
    ("a blank written as +", {"Body": None}, b"&Body=how+much+is+idnyc", COST),
    ("a blank written as %20", {"Body": None}, b"&Body=how%20much%20is%20idnyc", COST),
    ("a plus sign that is one", {"Body": "IDNYC + cost? how much is idnyc"}, b"", COST),
    ("UTF-8 that was not escaped", {"Body": None}, "&Body=¿cuánto cuesta el idnyc?".encode(), ("idnyc_cost", "es")),
    ("lower-case escapes", {"Body": None}, b"&Body=%c2%bfcu%c3%a1nto+cuesta+el+idnyc%3f", ("idnyc_cost", "es")),
    ("bytes of latin-1, which are no UTF-8", {"Body": None}, b"&Body=%BFcu%E1nto+cuesta+el+idnyc%3F", ("idnyc_cost", "es")),
    ("an escape that is none", {"Body": None}, b"&Body=100%25+%zz+how+much+is+idnyc", ANY),
    ("no Body at all", {"Body": None}, b"", ANY),
    ("an empty Body", {"Body": ""}, b"", ANY),
    ("a name in lower case is another name", {"Body": None}, b"&body=how+much+is+idnyc", ANY),
    ("Body twice: the first counts", {"Body": None}, b"&Body=how+much+is+idnyc&Body=STOP", COST),
    ("empty pairs and a field without a name", {"Body": "how much is idnyc"}, b"&&=&=x&", COST),
    ("a semicolon parts no fields", {"Body": "how much is idnyc;NumMedia=1"}, b"", COST),
    ("no NumMedia", {"Body": "how much is idnyc", "NumMedia": None}, b"", COST),
    ("three pictures without a word", {"Body": "", "NumMedia": "3", **PICTURES}, b"", ("system/no_pictures", "en")),
    ("three pictures and a question: the words are read", {"Body": "how much is idnyc", "NumMedia": "3", **PICTURES}, b"", COST),
    ("a place on a map, without a word", {"Body": "", **PLACE}, b"", ANY),
    ("a place on a map with a question", {"Body": "how much is idnyc", **PLACE}, b"", COST),
    ("half of an emoji", {"Body": None}, b"&Body=%ED%A0%BD+how+much+is+idnyc", COST),
    ("NUL", {"Body": "\x00how much\x00 is idnyc\x00"}, b"", COST),
    ("nothing but NUL", {"Body": "\x00"}, b"", ANY),
    ("control characters and a byte-order mark", {"Body": "\ufeff\x1b[31mhow much is idnyc\x07"}, b"", COST),
    ("nothing but emoji", {"Body": "🙏🏽❤️‍🔥🇲🇽"}, b"", ANY),
    ("marks that turn the text round", {"Body": "\u202ehow much is idnyc\u202c"}, b"", COST),
    ("1,600 characters", {"Body": ("how much is idnyc " * 100)[:1600]}, b"", ANY),
    ("1,601 characters", {"Body": "a" * 1601}, b"", ("system/too_long", "en")),
    ("1,601 characters with danger in them", {"Body": "he has a gun help me " + "please " * 226}, b"", ("emergency_now", "en")),
    ("1,600 emoji, which a carrier could not deliver", {"Body": "😀" * 1600}, b"", ANY),
    ("fields that Twilio may add tomorrow", {"Body": "how much is idnyc", "MessagingServiceSid": "MG1", "ChannelMetadata": "{}"}, b"", COST),
    ("a thousand fields", {"Body": "how much is idnyc"}, b"".join(b"&X%d=1" % n for n in range(1000)), COST),
    ("more than any message has", {}, b"&X=" + b"1" * MAX_BODY, 413),
    ("no MessageSid: it could not be told from a repeat", {"MessageSid": None}, b"", 400),
    ("nobody sent it", {"From": None}, b"", 400),
    ("another account", {"AccountSid": "AC" + "b" * 32}, b"", 403),
    ("no account", {"AccountSid": None}, b"", 403),
    ("to another number", {"To": "+12125550000"}, b"", 403),
    ("a message id of another form", {"MessageSid": "x' or 1=1 --", "Body": "how much is idnyc"}, b"", COST),
    ("Twilio has opted this person out", {"Body": "STOP", "OptOutType": "STOP"}, b"", NOTHING),
    ("an OptOutType that is new", {"Body": "hm", "OptOutType": "PAUSE"}, b"", NOTHING),
    ("a short code", {"From": "262966"}, b"", NOTHING),
    ("WhatsApp, which we do not serve", {"From": "whatsapp:+12125550123"}, b"", NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "fields", "rest", "expected"), BODIES, ids=[row[0] for row in BODIES])
def test_bodies(
    reason: str, fields: dict, rest: bytes, expected: tuple[str, str] | int, line: Line, knowledge: Knowledge
) -> None:
    number = 1000 + [row[0] for row in BODIES].index(reason)
    body = form(number, **fields) + rest
    assert send(line, body, signed=False).status_code in (403, 413), "not without a signature"
    answer = send(line, body)
    if isinstance(expected, int):
        assert answer.status_code == expected and not answer.text
        return
    messages = [node.text or "" for node in ElementTree.fromstring(answer.content).iter("Message")]
    if expected == NOTHING:
        assert messages == []
        return
    assert messages and all(message.strip() for message in messages)
    assert len(messages) <= 3 and sum(map(segments.count, messages)) <= 8
    if expected != ANY:
        assert messages[0].startswith(knowledge.say(expected[0], expected[1], "sms", NOON).parts[0][:60]), messages


def test_nothing_of_a_place_on_a_map_is_kept(tmp_path: Path, knowledge: Knowledge, engine) -> None:
    line = Line(tmp_path, knowledge, engine)
    assert send(line, form(1, Body="how much is idnyc", **PLACE)).status_code == 200
    line.store.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("db*"))
    assert b"idnyc_cost" in stored and not [value for value in PLACE.values() if value.encode() in stored]


# --- a heart on our message -----------------------------------------------------------------------------------------------------

HEARTS = [
    "Liked “IDNYC is free”", 'Loved "IDNYC is free"', "Laughed at “x”", "Emphasized “two\nlines”", "Reacted 😂 to “x”",
    "Removed a heart from “x”", "Removed an exclamation from “x”", "👍 to “IDNYC is free”", "\u200e Liked “x”",
    "Le gustó “IDNYC es gratis”", "Le dio risa “x”", "Exclamó por “x”", "Reaccionó con 🙏🏽 a “x”",
    "A aimé « IDNYC est gratuit »", "A adoré « x »", "N’a pas aimé « x »", "a attribué la mention « J’aime » à « x »",
    "a réagi avec 🔥 à « x »", "👍 à « x »",
]  # fmt: skip
NO_HEARTS = [
    'Voy a "matarme"', 'Need to "get out" he has a gun', 'fui a "la policía"', "Liked it", "I loved the lawyer",
    'Removed me from "my apartment"', 'He said "I will kill you"', "Liked “x” but what is the cost?", 'Help "police" at my door',
    "“IDNYC is free” is that true?", "«помогите»", 'a "ICE"', "",
    '!! to "911 help he is killing me"', "🆘 to “911 help he is killing me”", "🙏 a “ayuda me esta pegando mi esposo”", '!! to "court"',
]  # fmt: skip


def test_hearts_are_told_from_messages() -> None:
    reactions = Reactions.load(ROOT / "content" / "reactions.yml")
    assert [text for text in HEARTS if not reactions.find(text)] == []
    assert [text for text in NO_HEARTS if reactions.find(text)] == []
    assert reactions.find("Loved “In danger, call 911”"), "the words before it are a telephone's, and the quotation is ours"


def test_a_heart_gets_no_answer_and_its_copy_goes(line: Line) -> None:
    answer = send(line, form(2001, Body=HEARTS[0]))
    assert answer.status_code == 200 and "Message" not in answer.text
    assert f"SM{2001:032x}" in line.store.to_clean_up(line.now.replace(year=2027), 1000)
