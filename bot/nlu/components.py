"""The Rasa graph components: language, tokens, sentence vectors, and one classifier over the catalogue for all languages.

Rasa checks the annotations of every method and calls it by parameter name: both must stay as the interfaces have them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import Cache, Vectors, make_encoder
from bot.nlu.gazetteer import Gazetteer
from bot.nlu.language import LanguageIdentifier, samples
from bot.nlu.text import fold

LANGUAGE = "language"
LOCALE = "locale"  # which file a training example stands in: the importer sets it
_ROOT = Path(__file__).resolve().parents[2]
_CACHE = _ROOT / ".cache" / "embeddings"


# Registered as a featurizer because only those are both trained and run over the training data.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class Language(GraphComponent):
    """Sets `language` and `language_confidence` on a message; the conversation's locale comes as metadata `locale`."""

    def __init__(self, model_storage: ModelStorage, resource: Resource, identifier: LanguageIdentifier | None) -> None:
        self._model_storage, self._resource, self._identifier = model_storage, resource, identifier

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Language:
        return cls(model_storage, resource, None)

    def train(self, training_data: TrainingData) -> Resource:
        examples = [(m.get(TEXT), m.get(LOCALE)) for m in training_data.intent_examples if m.get(LOCALE)]
        self._identifier = LanguageIdentifier.fit(examples, samples())
        with self._model_storage.write_to(self._resource) as folder:
            self._identifier.save(folder / "language.npz")
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        for message in training_data.training_examples:
            message.set(LANGUAGE, message.get(LOCALE) or "en")
        return training_data

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Language:
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, LanguageIdentifier.load(folder / "language.npz"))

    def process(self, messages: list[Message]) -> list[Message]:
        assert self._identifier is not None
        for message in messages:
            prior = (message.get("metadata") or {}).get(LOCALE)
            language, confidence = self._identifier.identify(message.get(TEXT) or "", prior)
            message.set(LANGUAGE, language, add_to_output=True)
            message.set("language_confidence", confidence, add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class MultilingualTokenizer(Tokenizer):
    """spaCy's tokenisers, one blank pipeline a language. In spaCy 3.4 `ht` has none and `ko` needs mecab: `xx` serves them.
    Chinese is cut by character, as spaCy's own default does."""

    # French: its own takes 2.6 seconds to make and cuts no differently for our purpose.
    PIPELINES = {"zh_Hans": "zh", "zh_Hant": "zh", "zh": "zh", "ht": "xx", "ko": "xx", "fr": "xx"}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._pipelines: dict[str, Any] = {}
        for language in ("en", "es", "zh", "ru", "bn", "ar", "ur", "pl", "xx"):  # now, not while somebody waits
            self._pipeline(language)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @staticmethod
    def required_packages() -> list[str]:
        return ["spacy"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MultilingualTokenizer:
        return cls(config)

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        text = message.get(attribute) or ""
        pipeline = self._pipeline(message.get(LANGUAGE) or "en")
        tokens = [Token(token.text, token.idx) for token in pipeline.make_doc(text) if token.text.strip()]
        return self._apply_token_pattern(tokens) or [Token(" ", 0)]

    def _pipeline(self, language: str) -> Any:
        import spacy

        code = self.PIPELINES.get(language, language)
        if code not in self._pipelines:
            try:
                self._pipelines[code] = spacy.blank(code)
            except ImportError:  # a language that spaCy does not know
                self._pipelines[code] = spacy.blank("xx")
        return self._pipelines[code]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(DenseFeaturizer, GraphComponent):
    """One vector for a whole message. `encoder`: `tuned`, `base`, or `onnx:FOLDER`."""

    def __init__(self, config: dict[str, Any], execution_context: ExecutionContext) -> None:
        super().__init__(execution_context.node_name, config)
        self._encoder = make_encoder(config["encoder"])

    @staticmethod
    def required_components() -> list[type]:
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {**DenseFeaturizer.get_default_config(), "encoder": "tuned"}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEncoder:
        return cls(config, execution_context)

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Nothing beyond what making the encoder itself checks."""

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        messages = [message for message in training_data.training_examples if message.get(TEXT)]
        vectors = Cache(_CACHE, self._encoder).encode([message.get(TEXT) for message in messages], _progress)
        for message, vector in zip(messages, vectors):  # noqa: B905
            self._attach(message, vector)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        vectors = self._encoder.encode([message.get(TEXT) or "" for message in messages])
        for message, vector in zip(messages, vectors):  # noqa: B905
            self._attach(message, vector)
        return messages

    def _attach(self, message: Message, vector: Vectors) -> None:
        message.add_features(Features(vector[None, :], FEATURE_TYPE_SENTENCE, TEXT, self._identifier))


# Registered as an entity extractor, whose results Rasa hands on as `entities`.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class Names(GraphComponent):
    """Names of places, papers and agencies as entities: the section as `entity`, the id as `value`, a place's `layer` and `borough`."""

    def __init__(self) -> None:
        self._gazetteer = Gazetteer.load(_ROOT / "content" / "gazetteer.yml")

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Names:
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            found = [
                {"entity": name.section, "value": name.id, "layer": name.layer, "borough": name.borough, "start": 0, "end": 0}
                for name in self._gazetteer.find(message.get(TEXT) or "")
            ]
            message.set("entities", found, add_to_output=True)
        return messages


# Registered as a featurizer because only those are both trained and given the training data with its vectors.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class FollowUps(GraphComponent):
    """What a message asks that names no topic ("where?", "and for my son?"): sets `aspect` (where, cost, when, papers, who, child,
    family, how, denied, or None) and `aspect_confidence`. Learns from data/follow_ups.tsv, and from short training examples that it is none of these."""

    NONE, SHORT, OTHERS = "none", 40, 6000  # characters of a message that can be a follow-up; examples of what is none

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config, self._model_storage, self._resource = config, model_storage, resource
        self._aspects: list[str] = []
        self._weights = np.zeros((0, 0), np.float32)
        self._bias = np.zeros(0, np.float32)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"encoder": "tuned", "C": 10.0}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FollowUps:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        from sklearn.linear_model import LogisticRegression

        rows = [line.split("\t") for line in (_ROOT / "data" / "follow_ups.tsv").read_text(encoding="utf-8").splitlines()[1:]]
        asked = Cache(_CACHE, make_encoder(self._config["encoder"])).encode([phrase for _, _, phrase in rows], _progress)
        short = [message for message in training_data.intent_examples if len(message.get(TEXT)) <= self.SHORT]
        others = np.stack([_vector(message) for message in short[:: max(1, len(short) // self.OTHERS)]])
        names = [aspect for aspect, _, _ in rows] + [self.NONE] * len(others)
        model = LogisticRegression(C=self._config["C"], max_iter=300)
        model.fit(_normalise(np.concatenate([asked, others])), names)
        self._aspects = [str(name) for name in model.classes_]
        self._weights, self._bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
        with self._model_storage.write_to(self._resource) as folder, (folder / "follow_ups.npz").open("wb") as stream:
            np.savez_compressed(stream, weights=self._weights, bias=self._bias, aspects=json.dumps(self._aspects))
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FollowUps:
        found = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / "follow_ups.npz", allow_pickle=False) as data:
            found._weights, found._bias = data["weights"], data["bias"]
            found._aspects = json.loads(str(data["aspects"]))
        return found

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = (message.get(TEXT) or "").strip()
            aspect, confidence = None, 0.0
            if text and len(text) <= self.SHORT:
                shares = np.exp(_log_shares(self._weights @ _normalise(_vector(message)[None, :])[0] + self._bias))
                best = int(np.argmax(shares))
                aspect, confidence = self._aspects[best], float(shares[best])
            message.set("aspect", None if aspect == self.NONE else aspect, add_to_output=True)
            message.set("aspect_confidence", confidence, add_to_output=True)
        return messages


def _progress(done: int, total: int) -> None:
    if done == total or done % 4096 == 0:
        sys.stderr.write(f"  encoded {done} of {total} examples\n")
        sys.stderr.flush()


class _Spelling:
    """Character n-grams of a folded text, hashed: what the encoder does not see in romanised and misspelt words."""

    BUCKETS = 1 << 16

    def __init__(self, weights: Vectors | None = None) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        self._hash = HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), n_features=self.BUCKETS, alternate_sign=False, norm="l2"
        )
        self.rarity = (
            np.zeros(self.BUCKETS, np.float32) if weights is None else weights
        )  # [BUCKETS]: inverse document frequencies

    def fit(self, texts: list[str]) -> Any:
        counts = self._hash.transform([fold(text) for text in texts])
        seen = np.asarray((counts > 0).sum(axis=0)).ravel()
        self.rarity = (np.log(len(texts) / (1 + seen)) + 1).astype(np.float32)
        return self.transform(texts)

    def transform(self, texts: list[str]) -> Any:
        """A sparse matrix [len(texts), BUCKETS], rows of length 1."""
        from sklearn.preprocessing import normalize

        counts = self._hash.transform([fold(text) for text in texts])
        counts.data = np.sqrt(counts.data)
        return normalize(counts.multiply(self.rarity).tocsr())


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CatalogueClassifier(IntentClassifier, GraphComponent):
    """Two linear models over the same intents, one for all languages: logistic regression over centred sentence vectors, and one over
    character n-grams with weight `spelling`; `temperature` makes the shares mean what they say (fitted on held-out examples, see
    docs/understanding.md). Stored as plain arrays, no pickles."""

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config, self._model_storage, self._resource = config, model_storage, resource
        self._intents: list[str] = []
        self._weights = np.zeros((0, 0), np.float32)
        self._bias = np.zeros(0, np.float32)
        self._centre = np.zeros(0, np.float32)
        self._spelling = _Spelling()
        self._spelling_weights = np.zeros((0, 0), np.float32)
        self._spelling_bias = np.zeros(0, np.float32)

    @staticmethod
    def required_components() -> list[type]:
        return [SentenceEncoder]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"C": 3.0, "max_iter": 120, "spelling": 1.0, "temperature": 1.0, "ranking_length": 25}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CatalogueClassifier:
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        from sklearn.linear_model import LogisticRegression, SGDClassifier

        messages = training_data.intent_examples
        intents = [message.get(INTENT) for message in messages]
        vectors = np.stack([_vector(message) for message in messages])
        self._centre = vectors.mean(axis=0)
        model = LogisticRegression(C=self._config["C"], max_iter=self._config["max_iter"])
        model.fit(_normalise(vectors - self._centre), intents)
        self._intents = [str(name) for name in model.classes_]
        self._weights = model.coef_.astype(np.float32)
        self._bias = model.intercept_.astype(np.float32)
        spelling = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=8, tol=None, random_state=0)
        spelling.fit(self._spelling.fit([message.get(TEXT) for message in messages]), intents)
        # One bucket is read for each n-gram: buckets first, so that a message touches few lines of memory.
        self._spelling_weights = np.ascontiguousarray(spelling.coef_.T, np.float32)
        self._spelling_bias = spelling.intercept_.astype(np.float32)
        with self._model_storage.write_to(self._resource) as folder, (folder / "classifier.npz").open("wb") as stream:
            np.savez_compressed(
                stream,
                weights=self._weights,
                bias=self._bias,
                centre=self._centre,
                spelling_weights=self._spelling_weights.astype(np.float16),
                spelling_bias=self._spelling_bias,
                rarity=self._spelling.rarity,
                intents=json.dumps(self._intents),
            )
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CatalogueClassifier:
        classifier = cls(config, model_storage, resource)
        with (
            model_storage.read_from(resource) as folder,
            np.load(folder / "classifier.npz", allow_pickle=False) as data,
        ):
            classifier._weights, classifier._bias, classifier._centre = data["weights"], data["bias"], data["centre"]
            classifier._spelling_weights = data["spelling_weights"].astype(np.float32)
            classifier._spelling_bias = data["spelling_bias"]
            classifier._spelling = _Spelling(data["rarity"])
            classifier._intents = json.loads(str(data["intents"]))
        return classifier

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if not (message.get(TEXT) or "").strip():
                message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
                message.set("intent_ranking", [], add_to_output=True)
                continue
            vector = _normalise(_vector(message)[None, :] - self._centre)[0]
            meaning = _log_shares(self._weights @ vector + self._bias)
            grams = self._spelling.transform([message.get(TEXT)])
            spelt = _log_shares(grams.data @ self._spelling_weights[grams.indices] + self._spelling_bias)
            scores = np.exp(_log_shares((meaning + self._config["spelling"] * spelt) / self._config["temperature"]))
            best = np.argsort(-scores)[: self._config["ranking_length"]]
            ranking = [{"name": self._intents[i], "confidence": float(scores[i])} for i in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def _log_shares(scores: Vectors) -> Vectors:
    shifted = scores - scores.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def _vector(message: Message) -> Vectors:
    _, sentence = message.get_dense_features(TEXT)
    assert sentence is not None
    return np.asarray(sentence.features[0], np.float32)


def _normalise(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
