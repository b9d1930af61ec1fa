"""What must hold of the tree as a whole."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from bot.channels.pages import REASONS
from bot.knowledge import Knowledge
from tests.conftest import ROOT

PYTHON = [path for folder in ("bot", "actions", "console") for path in (ROOT / folder).rglob("*.py")]


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return found | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_imports_run_one_way() -> None:
    rasa_may = ("bot/nlu/components.py", "bot/engine/turn.py", "bot/engine/importer.py", "bot/engine/training.py")
    for path in PYTHON:
        name = str(path.relative_to(ROOT))
        modules = imports(path)
        if name not in rasa_may and not name.startswith("actions/"):
            assert not any(m.split(".")[0] in ("rasa", "rasa_sdk") for m in modules), f"{name} imports Rasa"
        if name.startswith("bot/knowledge"):
            strangers = [
                m for m in modules if m.startswith(("bot.", "starlette", "twilio")) and not m.startswith("bot.knowledge")
            ]
            assert strangers == [], name
        if name != "bot/engine/turn.py" and not name.startswith("actions/"):
            assert not any(m.split(".")[0] == "actions" for m in modules), f"{name} imports an action"
        if name.startswith(("bot/dialogue", "bot/store", "bot/privacy", "bot/nlu")):
            assert not any(m.startswith("bot.channels") for m in modules), f"{name} knows a channel"


def test_no_sentence_for_people_stands_in_code(knowledge: Knowledge) -> None:
    """No text of the content is repeated in code, and no code holds a Spanish sentence or a phone number."""
    texts = {text for answer in knowledge.answers.values() for text in answer.texts.values() if len(text) > 25}
    for path in PYTHON:
        source = path.read_text()
        assert not [text for text in texts if text in source], path
        if path.name == "segments.py":
            continue  # it holds alphabets, not sentences
        assert not re.search(r"[¿¡][A-Za-z][a-z]|\b[a-z]+[áéíóúñ][a-z]*\s+[a-z]{3,}", _strings(source)), path
        assert not re.search(r"\b\d{3}-\d{3}-\d{4}\b", source), path


def _strings(source: str) -> str:
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs)
    return "\n".join(str(node.value) for node in constants if len(str(node.value)) < 300)


# Every address of the public process, and who may call it.
ADDRESSES = {
    "/health": "public", "/ready": "public", "/": "public", "/chat": "public: a conversation needs its token",
    "/chat/erase": "public: a conversation needs its token", "/chat/text": "public: a conversation needs its token", "/static": "public",
    "/webhooks/sms": "signed", "/webhooks/sms/status": "signed", "/webhooks/voice": "signed",
    "/voice/{locale}.mp3": "public: the operator's recordings for callers",
    "/demo": "not in production", "/demo/send": "not in production",
    "/present": "not in production", "/present/reset": "not in production",
}  # fmt: skip


@pytest.mark.parametrize("profile", ["development", "production"])
def test_every_address_is_listed_and_guarded(profile: str, knowledge: Knowledge, tmp_path: Path) -> None:
    from bot.channels.app import make_app
    from bot.privacy.keys import Keys
    from bot.settings import Settings, Twilio
    from bot.store import Store

    settings = Settings(
        profile=profile, data_dir=tmp_path, database_url="", hash_key_file=None, development_key=None,
        public_url="https://amparo.example", operator={"name": "x", "kind": "test", "contact": "x"},
        desks=(), twilio=Twilio("AC1", ("t",), "+1", "http://127.0.0.1:9"), model=tmp_path / "none",
    )  # fmt: skip
    app = make_app(settings, knowledge, Store.open(f"sqlite:///{tmp_path / 'db'}"), Keys(b"k" * 32))
    paths = {route.path for route in app.routes if isinstance(route, (Route, Mount))}
    names = ("", "leave", "answers", "a/{code}", "privacy", "terms", "who", "corrections")
    pages = {f"/{info.code}/{name}" for info in knowledge.served() for name in names}  # public
    pages |= {f"/{info.code}" for info in knowledge.served()} | {"/{locale}/cards", "/{locale}/cards/{code}"}
    expected = pages | {path for path, who in ADDRESSES.items() if profile != "production" or who != "not in production"}
    assert paths == expected


def test_signed_addresses_refuse_the_unsigned(server) -> None:
    for path, who in ADDRESSES.items():
        if who == "signed":
            assert server.client.post(path, data={"From": "+12125550123", "To": "+12125550123"}).status_code == 403, path


def test_locks_are_complete_and_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "http://" not in text and "https://" not in text and "--index" not in text
        pins = re.findall(r"^[A-Za-z0-9._-]+==\S+ \\$", text, re.MULTILINE)
        assert len(pins) > 5 and text.count("--hash=sha256:") >= len(pins)
    assert "http" not in (ROOT / "tests" / "npm" / "package-lock.json").read_text()


def test_pins_that_break_rasa_have_their_reason() -> None:
    text = (ROOT / "requirements.in").read_text()
    for name in ("python-socketio<5.10", "packaging<22", "spacy>=3.4,<3.5"):
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert "#" in line and len(line.split("#")[1]) > 20, name


def test_readme_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert {"run", "test"} <= named <= targets
    from bot import cli

    source = "".join(path.read_text() for path in Path(cli.__file__).parent.glob("*.py"))
    for command in set(re.findall(r"\bamparo ([a-z0-9]+)\b", readme)):
        assert f'"{command}"' in source, command
    for path in re.findall(r"`((?:bot|actions|content|locales|web|tests|docs|tools|data)/[\w./-]*)`", readme):
        assert (ROOT / path).exists(), path
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_nothing_looks_like_the_city() -> None:
    for path in (ROOT / "web").rglob("*"):
        if path.suffix in (".html", ".svg", ".js", ".css"):
            assert "seal" not in path.read_text().lower() and "official" not in path.read_text().lower()


def test_the_tree_holds_no_large_file_and_no_secret() -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, files):
        path = ROOT / name
        if path.is_file():
            assert path.stat().st_size < 4_000_000, name
            assert path.suffix not in (".key", ".pem", ".sqlite"), name


# Said by nothing here, for outside checks ask for it by name (`amparo say system/human_route`).
KEPT = {"human_route"}


def test_every_system_text_is_said_somewhere(knowledge: Knowledge) -> None:
    """A text that nothing says is translated for nothing, and hides that something should say it."""
    places = [
        *PYTHON,
        *(ROOT / "web").rglob("*.html"),
        *(ROOT / "web").rglob("*.js"),
        *(ROOT / "content" / "flows").glob("*.yml"),
        ROOT / "content" / "cards.yml",
    ]
    code = "\n".join(path.read_text() for path in places if "node_modules" not in path.parts)
    names = {id_.removeprefix("system/") for id_ in knowledge.answers if id_.startswith("system/")}
    labels = {
        choice.label.removeprefix("system/")
        for flow in knowledge.flows.values()
        for node in flow.nodes.values()
        for choice in node.choices
    }
    said = {name for name in names if re.search(rf"\b{name}\b", code) or re.search(rf"\b{name.removeprefix('web_')}\b", code)}
    made = {f"web_topic_{question.topic}" for question in knowledge.questions.values()}  # names that code puts together
    made |= {f"web_how_{fact.how}" for fact in knowledge.facts.values()} | {"web_how_live_page", "web_how_dialled"}
    made |= {f"web_wrong_{reason}" for reason in REASONS}
    assert names - said - labels - made == KEPT
