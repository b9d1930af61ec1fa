"""How long a person waits for a text message's answer: `make latency` posts signed messages to the real server and prints the figures.

The messages are those of data/held_out, all languages mixed, from telephones that do not exist, three from each. So many write at once, each waiting
for an answer before the next message; the server, its engine and whoever asks share this machine. Ends with 1 where the promise is not kept (docs/sms.md): the
99th percentile within 3 seconds up to eight at once, and nobody ever waits 10.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from twilio.request_validator import RequestValidator

from bot.knowledge import Knowledge
from tests.conftest import NOON, PUBLIC, ROOT, TOKEN, Server, texts

LEVELS = ((1, 300), (3, 400), (8, 400), (30, 400), (200, 600))  # so many write at once, so many messages
PROMISED_TO = 8  # at once
MOST_99, MOST = 3.0, 10.0  # seconds
EACH = 3  # messages of one sender


def messages() -> list[str]:
    """All held-out messages, in an order that is the same each time."""
    found = []
    for file in sorted((ROOT / "data" / "held_out").glob("*.tsv")):
        with file.open(encoding="utf-8") as stream:
            found += [row["text"] for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)]
    random.Random(7).shuffle(found)
    return found


def telephones() -> Iterator[str]:
    """Numbers kept out of use for stories (555-0100 to 555-0199)."""
    return (f"+1{area}55501{last:02d}" for area in range(212, 990) for last in range(100))


class Writer:
    """Sends messages one after the other, each to its answer."""

    def __init__(self, server: Server, client: httpx.AsyncClient, human: frozenset[str]) -> None:
        self.server, self.client, self.human = server, client, human
        self.waits: list[float] = []
        self.to_a_person = 0

    async def send(self, sender: str, text: str) -> None:
        form = self.server.form(text, sender)
        signature = RequestValidator(TOKEN).compute_signature(PUBLIC + "/webhooks/sms", form)
        started = time.perf_counter()
        answer = await self.client.post("/webhooks/sms", data=form, headers={"x-twilio-signature": signature})
        self.waits.append(time.perf_counter() - started)
        self.to_a_person += any(message in self.human for message in texts(answer))


async def level(
    server: Server, human: frozenset[str], at_once: int, count: int, text: Iterator[str], phone: Iterator[str]
) -> Writer:
    """So many messages, so many at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # each message comes on a connection of its own
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
        writer = Writer(server, client, human)

        async def one() -> None:
            while len(writer.waits) + at_once <= count:
                sender = next(phone)
                for _ in range(EACH):
                    await writer.send(sender, next(text))

        await asyncio.gather(*(one() for _ in range(at_once)))
    return writer


def main() -> int:
    knowledge = Knowledge.load()
    human = frozenset(knowledge.say("system/human_route_basic", info.code, "sms", NOON).text for info in knowledge.served())
    text, phone = itertools.cycle(messages()), telephones()
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), AMPARO_SMS_SEGMENTS_A_DAY="1000000").wait()
        try:
            print(f"{os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}")
            print(
                "| at once | messages | a second | median | 95% | 99% | longest | got the way to a person |\n|---|---|---|---|---|---|---|---|"
            )
            for at_once, count in LEVELS:
                started = time.perf_counter()
                writer = asyncio.run(level(server, human, at_once, count, text, phone))
                waits, took = sorted(writer.waits), time.perf_counter() - started
                cuts = statistics.quantiles(waits, n=100, method="inclusive")
                figures = " | ".join(f"{value:.2f} s" for value in (statistics.median(waits), cuts[94], cuts[98], waits[-1]))
                print(f"| {at_once} | {len(waits)} | {len(waits) / took:.1f} | {figures} | {writer.to_a_person} |", flush=True)
                kept &= waits[-1] < MOST and (at_once > PROMISED_TO or cuts[98] < MOST_99)
            print(f"load after: {os.getloadavg()[0]:.1f}; promise {'kept' if kept else 'NOT KEPT'}")
        finally:
            server.stop()
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
