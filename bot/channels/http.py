"""What every address of the public process shares: size limits and response headers."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 64 * 1024  # bytes; Twilio's longest form is under 16 kB


def policy(*, frames: str = "'none'", framed: str = "'none'") -> str:
    """A page's Content-Security-Policy: which pages it may show in frames, and which may show it `framed`."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        f"frame-src {frames}; form-action 'self'; base-uri 'none'; frame-ancestors {framed}"
    )


HEADERS = {
    "content-security-policy": policy(),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "x-robots-tag": "noarchive",
}


class TooLarge(Exception):
    """A body over MAX_BODY."""


async def read_body(request: Request) -> bytes:
    """The raw body. Raises TooLarge before more than MAX_BODY bytes are held."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge
    return bytes(body)


def from_elsewhere(request: Request) -> bool:
    """Whether another site's page makes the browser send this: it could plant a token of its own and then read the conversation.
    Newer browsers tell; of older ones the Origin header does (our own pages send no referrer: theirs is `null`)."""
    if request.headers.get("sec-fetch-site", "same-origin") in ("cross-site", "same-site"):
        return True
    origin = request.headers.get("origin", "null")
    return origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")


class CompressPages:
    """Compresses what is read (GET), never what answers a form: there a secret token and a person's own words stand in one body, and
    the length of such a body, compressed, can give the token away (the attack called BREACH)."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain, self._compressed = app, GZipMiddleware(app, minimum_size=500)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = scope["type"] == "http" and scope["method"] == "GET"
        await (self._compressed if read else self._plain)(scope, receive, send)


class Headers:
    """Puts the headers on every response. No page is kept by any cache; styles and scripts are, for a day."""

    def __init__(self, app: ASGIApp, *, framed: bool = False) -> None:
        """`framed`: our own pages may show our pages in frames, as the presenter's screen does; never in production."""
        self._app = app
        self._headers = HEADERS | ({"content-security-policy": policy(framed="'self'")} if framed else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                kept = scope["path"].startswith("/static/") and message["status"] == 200
                headers.setdefault("cache-control", "public, max-age=86400" if kept else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
