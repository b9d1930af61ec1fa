"""The gate for translations: each kind of fault is planted in a copy and must be named; and what is served while English changes."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from bot.dialogue import plan as plans
from bot.dialogue.control import ControlWords
from bot.dialogue.plan import Piece, Plan, render
from bot.dialogue.state import Conversation
from bot.knowledge import ContentError, Knowledge, i18n, segments, translated, translations
from bot.knowledge.check import _messages, _translation, _welcome, load_rules
from tests.conftest import NOON, ROOT

KEPT_LOCALES = ("en", "es", "ru", "ar", "bn")
PLAIN = "answer/idnyc_cost/short"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the content with a few languages, to break."""
    shutil.copytree(ROOT / "content", tmp_path / "content")
    for code in KEPT_LOCALES[1:]:
        shutil.copytree(ROOT / "locales" / code, tmp_path / "locales" / code)
    lines = (tmp_path / "content" / "locales.yml").read_text().splitlines()
    kept = [line for line in lines if line.startswith("#") or line.split(":")[0] in KEPT_LOCALES]
    (tmp_path / "content" / "locales.yml").write_text("\n".join(kept) + "\n")
    return tmp_path


def faults(tree: Path, locale: str, id_: str) -> list[str]:
    """What the checks say of one answer in one language."""
    knowledge, rules = Knowledge.load(tree, strict=False), load_rules(tree)
    answer = knowledge.answer(id_)
    found = [*_translation(answer, locale, knowledge, rules), *_messages(answer, locale, knowledge, rules, NOON)]
    return [error.problem for error in [*found, *translated.problems(knowledge, locale)]]


def change(tree: Path, locale: str, context: str, edit: Callable[[str], str]) -> None:
    knowledge = Knowledge.load(tree, strict=False)
    before = str(knowledge.catalogues.messages(locale)[context].string)
    assert edit(before) != before
    i18n.write(knowledge, locale, {context: edit(before)}, tree)


PLANTED = [
    ("es", PLAIN, lambda text: text + " {fact.moia_hotline}", "placeholders differ"),
    ("es", PLAIN, lambda text: text + " 25 dólares", "literal number"),
    ("es", PLAIN, lambda text: text + " Vea nyc.gov", "literal web address"),
    ("es", PLAIN, lambda text: text + " Son cinco pasos.", "number word"),
    ("es", PLAIN, lambda text: text + " Está a salvo.", "banned phrase"),
    ("es", PLAIN, lambda text: text + " You should ask the clerk.", "English is left inside"),
    ("ru", PLAIN, lambda text: text + " please ask the clerk there", "English is left inside"),
    ("ru", PLAIN, lambda text: text + " документ 漢字", "is Han"),
    ("ru", PLAIN, lambda text: text.replace("а", "a", 1), "mixes scripts"),
    ("bn", PLAIN, lambda text: "ask the clerk", "no letter of its own script"),
    ("ar", PLAIN, lambda text: text + " \u2067", "direction marks"),
    ("es", PLAIN, lambda text: text + " cafe\u0301", "composed form"),
    ("es", PLAIN, lambda text: text + " la oficina de la ciudad le responde" * 9, "SMS segments"),
    ("es", "answer/ice_home/short", lambda text: "ICE " + text, "characters show"),
    ("ru", "answer/ice_home/short", lambda text: re.sub("орд[а-я]+", "бумага", text), "is said in none of its forms"),
]


@pytest.mark.parametrize(("locale", "context", "edit", "problem"), PLANTED, ids=[f"{row[0]}-{row[3]}" for row in PLANTED])
def test_a_planted_fault_is_named(tree: Path, locale: str, context: str, edit: Callable[[str], str], problem: str) -> None:
    id_ = context.split("/")[1]
    assert not [line for line in faults(tree, locale, id_) if problem in line]
    change(tree, locale, context, edit)
    assert [line for line in faults(tree, locale, id_) if problem in line]


def edit_english(tree: Path, file: str, context: str, before: str) -> None:
    """Put a word before the first words of a sentence, where they stand in its entry."""
    path, name = tree / "content" / file, context.split("/")[1]
    head, entry, rest = path.read_text().partition(f"\n{name}:")
    assert before in rest
    path.write_text(head + entry + rest.replace(before, "Now " + before, 1))


def test_missing_and_unused_sentences_are_named(tree: Path) -> None:
    po = translations.path(tree / "locales", "es")
    po.write_text(po.read_text().replace(f'msgctxt "{PLAIN}"', 'msgctxt "answer/no_such/short"'))
    found = faults(tree, "es", "idnyc_cost")
    assert f"{PLAIN} is missing" in found and "answer/no_such/short is used by no sentence" in found


def test_an_english_sentence_to_say_needs_its_sound(tree: Path) -> None:
    say = tree / "locales" / "bn" / "say.yml"
    say.write_text("\n".join(say.read_text().splitlines()[:3]) + "\n")
    assert [line for line in faults(tree, "bn", "idnyc_cost") if "how to say" in line]


def test_a_welcome_that_is_too_long_is_named(tree: Path) -> None:
    change(tree, "es", "system/welcome/short", lambda text: text + " Aquí hay más palabras que no caben." * 4)
    assert [error for error in _welcome(Knowledge.load(tree, strict=False), NOON) if "welcome takes" in error.problem]


# --- while the English changes ----------------------------------------------------------------------------------------------


def english_of(tree: Path, context: str) -> str:
    return str(i18n.messages(Knowledge.load(tree, strict=False))[context][0])


def test_a_change_of_meaning_withholds_the_translation(tree: Path) -> None:
    """The English comes in its place, with the line that says so; the check fails until it is done again."""
    edit_english(tree, "answers/idnyc.yml", PLAIN, " ".join(english_of(tree, PLAIN).split()[:3]))
    knowledge = Knowledge.load(tree)
    said = knowledge.say("idnyc_cost", "es", "sms", NOON)
    assert said.lang == "en" and said.translation == "missing" and said.parts[0].startswith("Now ")
    plan = plans.open_answer(knowledge, "idnyc_cost", Conversation("x", "sms", NOON, locale="es"), at=NOON)
    assert render(knowledge, plan, "es", "sms", NOON)[0].said.id == "system/english_only"
    assert f"{PLAIN} is stale" in faults(tree, "es", "idnyc_cost")


@pytest.mark.parametrize(
    ("file", "context"),
    [("answers/safety.yml", "answer/ice_here_now/short"), ("system/messages.yml", "system/human_route/short")],
)
def test_the_last_good_translation_of_what_must_be_said_serves(tree: Path, file: str, context: str) -> None:
    knowledge = Knowledge.load(tree)
    id_ = context.removeprefix("answer/").removesuffix("/short")
    before = knowledge.say(id_, "bn", "sms", NOON).parts[0]
    edit_english(tree, file, context, " ".join(english_of(tree, context).split()[:4]))
    said = Knowledge.load(tree).say(id_, "bn", "sms", NOON)
    assert said.parts[0] == before and said.translation == "stale"
    assert f"{context} is stale" in faults(tree, "bn", id_), "and the check fails"


def test_a_change_of_wording_keeps_the_translation(tree: Path) -> None:
    knowledge = Knowledge.load(tree)
    before = knowledge.say("idnyc_cost", "es", "sms", NOON).parts[0]
    edit_english(tree, "answers/idnyc.yml", PLAIN, " ".join(english_of(tree, PLAIN).split()[:3]))
    for code in KEPT_LOCALES[1:]:
        i18n.write(Knowledge.load(tree), code, root=tree, wording=[PLAIN])
    said = Knowledge.load(tree).say("idnyc_cost", "es", "sms", NOON)
    assert said.parts[0] == before and said.translation == "machine draft"
    rows = {row.locale: row for row in i18n.status(Knowledge.load(tree), {}, NOON)}
    assert rows["es"].kept == 1 and rows["es"].stale == 0
    change(tree, "es", PLAIN, lambda text: text + " Gracias.")
    assert {row.locale: row.kept for row in i18n.status(Knowledge.load(tree), {}, NOON)}["es"] == 0, "looked at again"


# --- for translators --------------------------------------------------------------------------------------------------------


def test_a_file_goes_out_and_comes_back(tree: Path) -> None:
    knowledge = Knowledge.load(tree)
    file = tree / "es.po"
    translations.write(file, i18n.export(knowledge, "es", NOON))
    text = file.read_text()
    assert "#. text message 1 of" in text and "segments" in text and "#. the chat page, the whole answer" in text
    assert i18n.import_(knowledge, "es", file, tree) == 0, "as it went"
    spanish = str(knowledge.catalogues.messages("es")[PLAIN].string)
    file.write_text(text.replace(f'msgstr "{spanish}"', f'msgstr "{spanish} Gracias."'))
    assert i18n.import_(knowledge, "es", file, tree) == 1
    assert str(Knowledge.load(tree).catalogues.messages("es")[PLAIN].string).endswith("Gracias.")


def test_a_file_made_from_other_english_is_refused(tree: Path) -> None:
    knowledge = Knowledge.load(tree)
    file = tree / "es.po"
    catalogue = i18n.export(knowledge, "es", NOON)
    message = catalogue.get(str(catalogue.get(PLAIN) or ""), context=PLAIN) or next(m for m in catalogue if m.context == PLAIN)
    message.string = "Otra frase."
    message.id = "Another sentence."
    translations.write(file, catalogue)
    with pytest.raises(ContentError, match="made from other English"):
        i18n.import_(knowledge, "es", file, tree)
    message.id = english_of(tree, PLAIN)
    translations.write(file, catalogue)
    with pytest.raises(ContentError, match="placeholders differ"):
        i18n.import_(knowledge, "es", file, tree)
    assert Knowledge.load(tree).say("idnyc_cost", "es", "sms", NOON).translation == "machine draft", "nothing was taken"


def test_another_language_needs_data_only(tree: Path) -> None:
    i18n.start("pt", "Português", "pt_BR", "ltr", tree)
    knowledge = Knowledge.load(tree)
    assert not knowledge.locale("pt").served and "pt" not in [info.code for info in knowledge.served()]
    lacking = i18n.missing(knowledge, "pt", tree)
    count = len(i18n.messages(knowledge))
    assert any(f"{count} of {count} sentences" in line for line in lacking) and any("data/nlu/pt.yml" in line for line in lacking)
    assert any("control_words.yml" in line for line in lacking)
    said = knowledge.say("idnyc_cost", "pt", "sms", NOON)
    assert said.lang == "en" and said.translation == "missing"
    i18n.write(knowledge, "pt", {PLAIN: "O IDNYC é grátis. {fact.idnyc_site}"}, tree)
    assert "grátis" in Knowledge.load(tree).say("idnyc_cost", "pt", "sms", NOON).parts[0]
    with pytest.raises(ContentError, match="is there already"):
        i18n.start("pt", "Português", "pt_BR", "ltr", tree)
    with pytest.raises(ContentError, match="Babel knows no locale"):
        i18n.start("mam", "Mam", "xx_nowhere", "ltr", tree)


def test_the_table_for_a_manager() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "i18n", "status"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[1:12]}
    assert len(rows) == 11 and all(row[1] == row[2] and row[3] == row[5] == "0" for row in rows.values()), (
        "all current, none stale or missing"
    )


# --- what is printed is understood ------------------------------------------------------------------------------------------


def test_every_word_to_reply_with_is_understood(knowledge: Knowledge) -> None:
    """Where the English prints a command (MENU, MORE, STOP), the translation prints a word that means the same command."""
    commands = ControlWords.load(ROOT / "content" / "control_words.yml")
    missing = []
    for answer in knowledge.answers.values():
        for field, english in answer.texts.items():
            wanted = {(word, found.command) for word in re.findall(r"\b[A-Z]{3,}\b", english) if (found := commands.find(word))}
            if answer.id == "cannot_call":
                continue  # HELP there is a word for another line
            for info in knowledge.served():
                text = knowledge.catalogues.find(answer.context(field), english, info.code).text
                words = re.split(r"[\s.,:;!?\"“”«»„()（）「」、，。：；؟،؛۔।]+", text)
                runs = {" ".join(words[i : i + n]) for i in range(len(words)) for n in (1, 2, 3)}
                runs |= set(re.findall(r"[A-Z]{3,}", text))  # with a particle after it, in Korean
                understood = {found.command for run in runs if (found := commands.find(run, info.code))}
                for word, command in wanted:
                    if command not in understood:
                        missing.append((info.code, answer.context(field), word))
    assert missing == []


def test_each_language_is_switched_to_by_its_own_name(knowledge: Knowledge) -> None:
    commands = ControlWords.load(ROOT / "content" / "control_words.yml")
    for info in knowledge.served():
        found = commands.find(info.name)
        assert found is not None and (found.locale if found.command == "language" else "en") == info.code, info.name


# --- the pseudo-locale ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pseudo() -> Knowledge:
    return Knowledge.load(pseudo=True)


def unmarked(text: str, knowledge: Knowledge) -> list[str]:
    """Latin words that no translation has touched, but for values of facts and the operator's own."""
    values = " ".join(str(fact.value) for fact in knowledge.facts.values()) + " ".join(knowledge.operator.values())
    values += " ".join(line.name for line in knowledge.lines.values()) + " ".join(
        info.name for info in knowledge.locales.values()
    )
    values += " Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Sept Oct Nov Dec AM PM January February March April June July"
    values += " August September October November December year years month months day days week weeks hour hours minute minutes"
    known = set(re.findall(r"[A-Za-z]+", values))
    return [word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in known]


def test_no_message_holds_text_from_code(pseudo: Knowledge) -> None:
    conversation = Conversation("x", "sms", NOON, locale=translations.PSEUDO)
    midnight = datetime(2026, 11, 29, 6, tzinfo=NOON.tzinfo)
    bad: dict[str, list[str]] = {}
    for id_, answer in pseudo.answers.items():
        said = [part for channel in ("sms", "web") for part in pseudo.say(id_, translations.PSEUDO, channel, NOON).parts]
        if id_ in pseudo.questions:
            plan = plans.open_answer(pseudo, id_, conversation, at=midnight)
            said += [message.text for message in render(pseudo, plan, translations.PSEUDO, "sms", midnight)]
            said.append(pseudo.title(id_, translations.PSEUDO, "sms"))
        quoted = re.findall(r"[A-Za-z]+", answer.say or "")
        found = [word for word in unmarked(re.sub(r"\{[\w.]+\}", "", " ".join(said)), pseudo) if word not in quoted]
        if found:
            bad[id_] = found
    assert bad == {}
    plan, _ = plans.with_welcome(pseudo, Plan(((Piece("menu"),),)), translations.PSEUDO, conversation, NOON)
    assert unmarked(" ".join(m.text for m in render(pseudo, plan, translations.PSEUDO, "sms", NOON)), pseudo) == []


def test_the_page_holds_no_text_from_code(pseudo: Knowledge) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from bot.channels.page import Pages
    from bot.channels.web import WebChannel
    from bot.privacy.keys import Keys
    from bot.store.memory import MemoryStore
    from tests.test_dialogues import make_assistant

    class NoEngine:
        engine = None

    assistant = make_assistant(pseudo, NoEngine)
    pages = Pages(pseudo, lambda: NOON)
    channel = WebChannel(assistant, pages, MemoryStore(), Keys(b"k" * 32), "212-555-0199")
    plan = plans.open_answer(pseudo, "idnyc_cost", Conversation("x", "web", NOON, locale=translations.PSEUDO), at=NOON)
    replies = [pages.shown(message, translations.PSEUDO) for message in render(pseudo, plan, translations.PSEUDO, "web", NOON)]
    options = [{"id": id_, "label": pseudo.label(id_, translations.PSEUDO, "web")} for id_ in plan.options]
    shown = TestClient(Starlette(routes=channel.routes)).get(f"/{translations.PSEUDO}/").text
    shown += channel._page(translations.PSEUDO, "token", replies, options, "", "")
    bare = re.sub(r"(?s)<(script|style)\b.*?</\1>|<!--.*?-->|<bdi.*?</bdi>", " ", shown)
    attributes = re.findall(r'(?:title|alt|placeholder|aria-label|content|data-\w+)="([^"]*)"', bare)
    words = [a for a in attributes if " " in a and "width=" not in a]
    text = html.unescape(re.sub(r"<[^>]*>", " ", bare) + " ".join(words))
    assert "Åɱ" in text or "Åṁ" in text, "the pseudo-locale is shown at all"
    sources = {word for reply in replies for source in reply["sources"] for word in source["title"].split()}
    assert [word for word in unmarked(re.sub(r"\{\w+\}", "", text), pseudo) if word not in sources] == []


# --- what it costs ----------------------------------------------------------------------------------------------------------


def test_segments_of_every_language(knowledge: Knowledge) -> None:
    """No message over 4 segments, an urgent one 3; the middle one at most 2 where GSM-7 serves and 3 elsewhere."""
    for row in i18n.status(knowledge, {}, NOON):
        said = [knowledge.say(id_, row.locale, "sms", NOON) for id_ in knowledge.questions]
        gsm = sum(segments.is_gsm(part) for one in said for part in one.parts) * 2 > sum(len(one.parts) for one in said)
        assert row.most <= 4 and row.urgent <= 3 and row.median <= (2 if gsm else 3), row


def test_urgent_messages_as_they_are_sent(knowledge: Knowledge) -> None:
    """Each of an urgent answer's messages, with its hint that there is more and its English words, is at most 3 segments."""
    for info in knowledge.served():
        conversation = Conversation("x", "sms", NOON, locale=info.code, last_id="ice_here_now")
        for id_, question in knowledge.questions.items():
            part = 0
            while question.urgent and (plan := plans.open_answer(knowledge, id_, conversation, part=part, at=NOON)).ids != [
                "system/no_more"
            ]:
                counts = [segments.count(message.text) for message in render(knowledge, plan, info.code, "sms", NOON)]
                assert max(counts) <= 3 and len(counts) <= 2, (info.code, id_, part, counts)
                part += 1


def test_a_broken_file_is_refused(tree: Path) -> None:
    knowledge = Knowledge.load(tree)
    for broken, problem in (("other language", "its language is"), ("fuzzy", "marked fuzzy"), ("plural", "lacks a plural form")):
        file = tree / "broken.po"
        catalogue = i18n.export(knowledge, "ru", NOON)
        sentence = next(m for m in catalogue if m.context == PLAIN)
        if broken == "fuzzy":
            sentence.string = str(sentence.string) + " Спасибо."
            sentence.flags.add("fuzzy")
        if broken == "plural":
            unit = next(m for m in catalogue if m.context == "unit/point")
            unit.string = (unit.string[0] + " x", "", "")
        translations.write(file, catalogue)
        with pytest.raises(ContentError, match=problem):
            i18n.import_(knowledge, "es" if broken == "other language" else "ru", file, tree)


def test_a_stale_sentence_comes_back_made_again(tree: Path) -> None:
    edit_english(tree, "answers/idnyc.yml", PLAIN, " ".join(english_of(tree, PLAIN).split()[:3]))
    knowledge = Knowledge.load(tree)
    file = tree / "es.po"
    catalogue = i18n.export(knowledge, "es", NOON)
    translations.write(file, catalogue)
    assert i18n.import_(knowledge, "es", file, tree) == 0, "as it was: still stale"
    assert f"{PLAIN} is stale" in faults(tree, "es", "idnyc_cost")
    message = next(m for m in catalogue if m.context == PLAIN)
    message.string = "Ahora " + str(message.string)
    translations.write(file, catalogue)
    assert i18n.import_(Knowledge.load(tree), "es", file, tree) == 1
    assert f"{PLAIN} is stale" not in faults(tree, "es", "idnyc_cost")
