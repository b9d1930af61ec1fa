"""Whether the content keeps its own rules (content/README.md). `amparo check` prints what it finds, with file and line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bot.knowledge import plain, segments, translated
from bot.knowledge.answers import PLACEHOLDER, Answer
from bot.knowledge.errors import ContentError
from bot.knowledge.facts import ALWAYS_TRUE
from bot.knowledge.knowledge import ROOT, Knowledge
from bot.knowledge.translations import PSEUDO
from bot.knowledge.translations import path as catalogue_path
from bot.knowledge.yamlfile import load

SHORT, URGENT, TITLE, PREVIEW = 200, 170, 40, 40  # characters
SEGMENTS = 4  # of any one text message, in any language
WELCOME = 3  # segments of the welcome with every line that may follow it
SENSITIVE_TOPICS = ("u_visa", "t_visa", "safety")
URGENT_FACTS = frozenset({"emergency", "city_311"})
# Placeholders that a text may hold beside facts, by where they are filled.
VALUES = frozenset(
    {
        "operator.name", "operator.contact", "operator.web", "line.name", "line.opens", "line.phone", "date", "source.title", "source.url",
        "language.name", "language.before", "phone", "address", "desk.name", "desk.phone", "code", "until", "number", "title", "identity", "residency",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """Word lists that the checks use, by locale."""

    preview: dict[str, list[str]]
    number_words: dict[str, list[re.Pattern[str]]]
    banned: dict[str, list[str]]
    excepted: frozenset[tuple[str, str]]


def load_rules(root: Path = ROOT) -> Rules:
    """Raises ContentError."""
    words = load(root / "content" / "sms_words.yml")
    banned = load(root / "content" / "banned.yml")
    return Rules(
        preview=words["preview"],
        number_words={
            locale: [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
            for locale, patterns in words["number_words"].items()
        },
        banned={key: [item["phrase"] for item in value] for key, value in banned.items() if key != "exceptions"},
        excepted=frozenset((item["id"], item["phrase"]) for item in banned.get("exceptions", [])),
    )


def problems(knowledge: Knowledge, rules: Rules, at: datetime) -> Iterator[ContentError]:
    """Every breach of the content's rules, in English and in each translation, as it would be said at `at`."""
    yield from _missing(knowledge)
    yield from _duplicates(knowledge)
    yield from _unused(knowledge)
    yield from _welcome(knowledge, at)
    yield from _latin(knowledge, rules)
    yield from plain.problems(knowledge)
    for info in knowledge.served():
        if info.code not in ("en", PSEUDO):
            yield from translated.problems(knowledge, info.code)
    for answer in knowledge.answers.values():
        yield from _facts(answer, knowledge)
        yield from _wording(answer, "en", answer.texts, rules)
        yield from _placeholders(answer)
        yield from _budgets(answer, knowledge, at)
        for info in knowledge.served():
            if not info.complete and not knowledge.is_core(answer.id):
                continue
            yield from _messages(answer, info.code, knowledge, rules, at)
            if info.code != "en":
                yield from _translation(answer, info.code, knowledge, rules)


def _missing(knowledge: Knowledge) -> Iterator[ContentError]:
    for id_ in knowledge.questions:
        if id_ not in knowledge.answers:
            yield ContentError("content/answers", 0, f"no answer for {id_}")
    for id_, answer in knowledge.answers.items():
        question = knowledge.questions.get(id_)
        if question is None:
            continue
        if "title" not in answer.texts:
            yield answer.error("short", "needs a title")
        if question.topic != "conversation" and "long" not in answer.texts:
            yield answer.error("short", "needs a `long` text for the web")
        if question.topic in SENSITIVE_TOPICS and "sms_title" not in answer.texts:
            yield answer.error("title", "needs an `sms_title`: its topic is sensitive")


def _duplicates(knowledge: Knowledge) -> Iterator[ContentError]:
    seen: dict[str, str] = {}
    for id_, answer in knowledge.answers.items():
        first = seen.setdefault(answer.texts["short"].casefold(), id_)
        if first != id_ and not id_.startswith("system/web_"):
            yield answer.error("short", f"says the same as {first}")


def _unused(knowledge: Knowledge) -> Iterator[ContentError]:
    used = {name for answer in knowledge.answers.values() for name in answer.facts()}
    used |= {v for line in knowledge.lines.values() for v in (line.phone, line.hours, line.text, line.tty, line.chat) if v}
    for fact in knowledge.facts.values():
        if fact.id not in used:
            yield ContentError(fact.path, fact.line, f"fact {fact.id} is used by no answer")


def _facts(answer: Answer, knowledge: Knowledge) -> Iterator[ContentError]:
    for name in answer.facts():
        fact = knowledge.facts.get(name)
        if fact is None:
            yield answer.error("short", f"there is no fact {name}")
        elif fact.confidence == "unverified" and name not in ALWAYS_TRUE:
            yield answer.error("short", f"rests on {name}, which is unverified: it may not be said")
    for field, text in answer.texts.items():
        for name in PLACEHOLDER.findall(text):
            fact = knowledge.facts.get(name[5:]) if name.startswith("fact.") else None
            if fact is not None and fact.type == "rule":
                yield answer.error(field, f"shows {name}, whose value is a rule: use rests_on")
    question = knowledge.questions.get(answer.id)
    if question is not None and question.urgent:
        basic = answer.texts.get("basic", answer.texts["short"])
        for name in PLACEHOLDER.findall(basic):
            if name.removeprefix("fact.") not in URGENT_FACTS:
                yield answer.error("basic", f"an urgent answer's basic form may rest on 911 and 311 only, not {name}")


def _latin(knowledge: Knowledge, rules: Rules) -> Iterator[ContentError]:
    """Urgent answers in Latin letters: every urgent id, plain ASCII, the same placeholders, nothing to hide on a locked screen."""
    file = ROOT / "content" / "latin.yml"
    for locale, texts in knowledge.latin.items():
        for id_, question in knowledge.questions.items():
            if not question.urgent:
                continue
            text = texts.get(id_)
            if text is None:
                yield ContentError(file, 0, f"{locale} has no {id_}")
                continue
            if not text.isascii() or len(text) > SHORT:
                yield ContentError(file, 0, f"{locale} {id_} must be plain ASCII of at most {SHORT} characters")
            if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(knowledge.answer(id_).texts["short"])):
                yield ContentError(file, 0, f"{locale} {id_}: placeholders differ from the English")
            if any(re.search(rf"(?i)\b{word}", text[:PREVIEW]) for word in rules.preview["en"] if not word.isupper()):
                yield ContentError(file, 0, f"{locale} {id_}: the first {PREVIEW} characters show a word that they must not")


def _welcome(knowledge: Knowledge, at: datetime) -> Iterator[ContentError]:
    """The welcome with all its lines: it comes beside an answer, and a turn has 8 segments (design)."""
    for info in knowledge.served():
        names = ["welcome", "not_government"] + (["machine_draft"] if info.code != "en" else [])
        text = "\n".join(knowledge.say(f"system/{name}", info.code, "sms", at).text for name in names)
        if segments.count(segments.simplify(text)) > WELCOME:
            problem = f"{info.code} welcome takes {segments.count(text)} SMS segments with its lines, at most {WELCOME}"
            yield knowledge.answer("system/welcome").error("short", problem)


def _placeholders(answer: Answer) -> Iterator[ContentError]:
    for field, text in answer.texts.items():
        for name in PLACEHOLDER.findall(text):
            if not name.startswith("fact.") and name not in VALUES:
                yield answer.error(field, f"{{{name}}} is no placeholder")
        if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
            yield answer.error(field, f"{field} has a brace that belongs to no placeholder")


# Numbers that are no facts: the keys a person presses to answer, written as "1 yes, 2 no", in system texts only.
_CHOICE = re.compile(r"(?<![\w-])[0-4](?![\w-])")


def _wording(answer: Answer, locale: str, texts: dict[str, str], rules: Rules) -> Iterator[ContentError]:
    system = answer.id.startswith("system/")
    for field, text in texts.items():
        bare = PLACEHOLDER.sub(" ", text)
        digits = _CHOICE.sub("", bare) if system or field == "say" else bare
        if re.search(r"\d", digits):
            yield answer.error(field, f"{locale} {field} holds a literal number: {_around(digits)}")
        if re.search(r"https?:|www\.|\b[\w-]+\.(?:gov|org|com|us)\b", bare):
            yield answer.error(field, f"{locale} {field} holds a literal web address")
        for pattern in rules.number_words.get(locale, []):
            if found := pattern.search(bare):
                yield answer.error(field, f"{locale} {field} holds a number word: {found.group()}")
        for phrase in rules.banned.get(locale, []):
            if phrase.casefold() in bare.casefold() and (answer.id, phrase) not in rules.excepted:
                yield answer.error(field, f"{locale} {field} holds a banned phrase: {phrase}")


def _around(text: str) -> str:
    """The first digit of a text with a few characters about it."""
    match = re.search(r".{0,4}\d.{0,12}", text)
    return repr(match.group()) if match else ""


def _budgets(answer: Answer, knowledge: Knowledge, at: datetime) -> Iterator[ContentError]:
    """English lengths: `short` and each of `more` 200 characters, urgent ones 170, titles 40."""
    if any(name not in knowledge.facts for name in answer.facts()):
        return
    question = knowledge.questions.get(answer.id)
    if question is not None:
        urgent = question.urgent
        said = knowledge.say(answer.id, "en", "sms", datetime.combine(knowledge.collected, at.timetz()))
        for field, part in zip(answer.parts, said.parts, strict=False):
            limit = URGENT if urgent and field == "short" else SHORT
            if len(part) > limit:
                yield answer.error(field, f"{field} is {len(part)} characters with facts filled, at most {limit}")
    for field in ("title", "sms_title"):
        if len(answer.texts.get(field, "")) > TITLE and question is not None:
            yield answer.error(field, f"{field} is {len(answer.texts[field])} characters, at most {TITLE}")


def _messages(answer: Answer, locale: str, knowledge: Knowledge, rules: Rules, at: datetime) -> Iterator[ContentError]:
    """What a text message shows on a locked screen, and what it costs, in each language."""
    if answer.id.startswith("system/web_") or any(name not in knowledge.facts for name in answer.facts()):
        return
    said = knowledge.say(answer.id, locale, "sms", datetime.combine(knowledge.collected, at.timetz()))
    for field, part in zip(answer.parts, said.parts, strict=False):
        shown = part[:PREVIEW]
        for word in rules.preview.get(locale, []):
            pattern = rf"\b{word}\b" if word.isupper() else rf"(?i)(?:\b|^){re.escape(word)}"
            if locale.startswith("zh") or locale in ("ko", "ar", "ur", "bn"):
                pattern = re.escape(word)
            if re.search(pattern, shown):
                yield answer.error(field, f"{locale} {field}: the first {PREVIEW} characters show {word!r}: {shown!r}")
        if segments.count(part) > SEGMENTS:
            yield answer.error(field, f"{locale} {field} takes {segments.count(part)} SMS segments, at most {SEGMENTS}")
    sms_title = answer.texts.get("sms_title")
    if sms_title and locale == "en":
        for word in rules.preview["en"]:
            if re.search(rf"\b{word}\b" if word.isupper() else rf"(?i)\b{word}", sms_title):
                yield answer.error("sms_title", f"sms_title shows {word!r}")


def _translation(answer: Answer, locale: str, knowledge: Knowledge, rules: Rules) -> Iterator[ContentError]:
    file = catalogue_path(ROOT / "locales", locale)
    translated: dict[str, str] = {}
    for field, english in answer.texts.items():
        found = knowledge.catalogues.find(answer.context(field), english, locale)
        if found.state in ("missing", "stale"):
            yield ContentError(file, 0, f"{answer.context(field)} is {found.state}")
            continue
        translated[field] = found.text
        if set(PLACEHOLDER.findall(found.text)) != set(PLACEHOLDER.findall(english)):
            yield ContentError(file, 0, f"{answer.context(field)}: placeholders differ from the English")
    yield from (ContentError(file, 0, error.problem) for error in _wording(answer, locale, translated, rules))


def main(argv: list[str] | None = None) -> int:
    """Print every problem. Returns 1 if there is one."""
    only = argv if argv is not None else sys.argv[1:]
    try:
        knowledge = Knowledge.load(strict=False)
        rules = load_rules()
    except ContentError as error:
        print(error)
        return 1
    found = [str(error) for error in problems(knowledge, rules, datetime.now(timezone.utc))]
    found = [line for line in found if not only or any(word in line for word in only)]
    for line in found:
        print(line.replace(f"{ROOT}/", ""))
    print(f"{len(found)} problems, {len(knowledge.facts)} facts, {len(knowledge.answers)} answers and system texts")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
