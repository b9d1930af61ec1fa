"""What the pages weigh and how soon they are ready on a slow telephone, beside their budgets (issue: the web).

python -m bench.web      needs Chromium (`make system`); starts the real server on loopback, and ends it
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from bot.knowledge import Knowledge
from bot.knowledge.codes import code_of
from bot.settings import ROOT

FIRST_LOAD, SCRIPT = 50_000, 12_000  # bytes: compressed in all; of scripts, as they are
READY, SERVER = 2.0, 0.010  # seconds
# A slow telephone: 400 kbit/s down and up, 400 ms from the phone to the server and back, a processor six times slower than this one.
NETWORK = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
SLOWER = 6


def first_load(browser: Browser, url: str, path: str) -> tuple[int, int, float]:
    """(bytes over the wire, bytes of scripts uncompressed, seconds until the page is ready) for somebody who was never here."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", NETWORK)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    received: list[int] = []
    wire.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    scripts: list[Any] = []
    page.on("response", lambda response: scripts.append(response) if ".js" in response.url else None)
    page.goto(url + path, wait_until="networkidle")
    timing = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    size = sum(len(response.body()) for response in scripts)
    context.close()
    return sum(received), size, float(timing) / 1000


def server_time(client: httpx.Client, path: str) -> float:
    """Median seconds of a page, of twenty, after one that warms it."""
    client.get(path)
    taken = []
    for _ in range(20):
        begun = time.perf_counter()
        client.get(path).raise_for_status()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Chromium is not installed: run make system", file=sys.stderr)
        return 1
    knowledge = Knowledge.load()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url, over = f"http://127.0.0.1:{port}", 0
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "bot.cli", "serve", "--port", str(port)]
        log = (Path(data) / "log").open("wb")
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "AMPARO_DATA_DIR": data}, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=url, timeout=30) as client, sync_playwright() as playwright:
                wait_for(client)
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                print(f"{'page':14} {'first load':>11} {'scripts':>9} {'ready':>8} {'server':>9}")
                print(f"{'budget':14} {FIRST_LOAD:>9} B {SCRIPT:>7} B {READY:>6.1f} s {SERVER * 1000:>6.0f} ms")
                for info in knowledge.served():
                    for path in (f"/{info.code}/", f"/{info.code}/answers", f"/{info.code}/a/{code_of('ice_home')}"):
                        size, script, ready = first_load(browser, url, path)
                        seconds = server_time(client, path)
                        missed = size > FIRST_LOAD or script > SCRIPT or ready > READY or seconds > SERVER
                        over += missed
                        line = f"{path:14} {size:>9} B {script:>7} B {ready:>6.2f} s {seconds * 1000:>6.1f} ms"
                        print(line + ("  over" if missed else ""), flush=True)
                browser.close()
        finally:
            server.terminate()
            server.wait(20)
            log.close()
    print(f"{over} pages over a budget")
    return 1 if over else 0


def wait_for(client: httpx.Client) -> None:
    """Until the server answers (pages need no engine). Raises RuntimeError after a minute."""
    for _ in range(600):
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


if __name__ == "__main__":
    sys.exit(main())
