"""Names and telephone numbers typed into every field of the console are nowhere afterwards: not in its output, the audit log, the tallies or
any other row. Searched for as tests/test_privacy.py does."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.console_rig import PASSWORD, Process
from tests.test_privacy import forms

NAME, NUMBER = "Wilhelmina Quixotecanary", "+1 (718) 555-0142"
PLANTED = f"{NAME} {NUMBER}"
MARKS = ["Quixotecanary", "Wilhelmina", "555-0142", "5550142"]
# Each form of the console: who sees it, where it goes, and its fields with what they hold otherwise.
FORMS = [
    ("agent", "/console/open", {"code": "12345678"}),
    ("agent", "/console/start", {"locale": "es", "topic": "", "typed": "idnyc"}),
    ("agent", "/console/look", {"locale": "es", "typed": "idnyc"}),
    ("content", "/console/look", {"locale": "es", "typed": "idnyc"}),
    ("content", "/console/facts/idnyc_min_age", {"act": "still", "how": "live_page", "back": "due"}),
    ("content", "/console/facts/idnyc_min_age", {"act": "changed", "how": "dialled", "value": "11", "hold": "1"}),
    ("content", "/console/facts/idnyc_min_age", {"act": "hold", "why": "1"}),
    ("content", "/console/changes", {"act": "confirm", "id": "1", "fact": "idnyc_min_age", "value": "{count: 11, unit: age}"}),
    ("admin", "/console/changes", {"act": "withdraw", "id": "1", "fact": "idnyc_min_age", "value": ""}),
    ("content", "/console/holds", {"act": "hold", "target": "idnyc_cost", "why": "1"}),
    ("content", "/console/holds", {"act": "release", "target": "idnyc_cost"}),
]


def found(folder: Path, marks: list[str]) -> set[tuple[str, str]]:
    data = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {(name, mark) for name, content in data.items() for mark in marks if any(form in content for form in forms(mark))}


def test_every_field_is_tried(knowledge) -> None:
    """No template has a field that is not planted below."""
    templates = "".join(path.read_text() for path in (ROOT / "console" / "templates").glob("*.html"))
    names = set(re.findall(r'name="([a-z_]+)"', templates)) - {"viewport", "csrf", "password"}
    assert names <= {name for _, _, fields in FORMS for name in fields} | {"name", "code"}, names


@pytest.mark.slow
def test_what_is_typed_is_nowhere_afterwards(tmp_path: Path) -> None:
    data = tmp_path / "data"
    console = Process(tmp_path, data)
    try:
        for role in ("agent", "content", "admin"):
            console.account(role, role)
        browsers = {role: console.sign_in(role) for role in ("agent", "content", "admin")}
        plain = {"name": "agent", "password": PASSWORD, "code": "123456"}
        for field in plain:
            assert browsers["agent"].post("/console/sign-in", data={**plain, field: PLANTED}).status_code == 401
        for role, path, fields in FORMS:
            browser = browsers[role]
            token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/console/look").text)
            assert token is not None
            for field in (*fields, "surplus", "csrf"):
                answer = browser.post(path, data={"csrf": token[1], **fields, field: PLANTED})
                assert answer.status_code < 500, (path, field)
                assert not any(mark in answer.text for mark in MARKS), "nor sent back"
            browser.post(path, data={PLANTED: PLANTED})
            for junk in (b"\xff\xfe" + PLANTED.encode(), (PLANTED * 4000).encode(), PLANTED.encode("utf-16")):
                assert browser.post(path, content=junk).status_code in (403, 413)
        for path in ("look", "answers/" + PLANTED, "facts/" + PLANTED, PLANTED, "unreviewed", "tallies"):
            for browser in browsers.values():
                assert browser.get("/console/" + path, params={"in": PLANTED, "q": PLANTED}).status_code < 500
        browsers["agent"].cookies.set("amparo-console", "Wilhelmina.Quixotecanary.5550142")
        browsers["agent"].get("/console/look", headers={"user-agent": PLANTED, "x-forwarded-for": NUMBER})
        assert found(tmp_path, MARKS) == set(), "while it runs"
        # What is proposed as the new value of a fact is content: it is kept, for the second person; there alone.
        token = re.search(r'name="csrf" value="([^"]+)"', browsers["content"].get("/console/look").text)
        form = {"csrf": token[1] if token else "", "act": "changed", "how": "live_page", "value": "Zebrafinchville office"}
        assert browsers["content"].post("/console/facts/moia_311_words", data=form).status_code == 303
    finally:
        console.stop()
    assert found(tmp_path, MARKS) == set(), "nor after it has ended"
    assert found(tmp_path, ["Zebrafinchville"]), "and the search finds what is kept"
    database = sqlite3.connect(data / "amparo.sqlite")
    tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
    holding = [table for table in tables if "Zebrafinchville" in str(database.execute(f"select * from {table}").fetchall())]
    database.close()
    assert holding == ["proposal"] and "Zebrafinchville" not in console.log.read_text()
