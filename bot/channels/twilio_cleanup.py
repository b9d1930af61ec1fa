"""Delete our messages' copies at Twilio, in and out, by message id. Nothing else is ever asked of Twilio."""

from __future__ import annotations

import asyncio
import re

import httpx

from bot.privacy.keys import utc_now
from bot.privacy.logs import logger
from bot.settings import Twilio
from bot.store import Store, StoreError

_GONE = (204, 404)  # deleted, or not there any more
_NOT_NOW = (401, 403, 429)  # a wrong token, or too much asked: the next message would get the same


class _Refused(ValueError):
    """Twilio answered with a status that is not a success."""

    def __init__(self, status: int) -> None:
        super().__init__("refused")
        self.status = status


async def sweep(store: Store, twilio: Twilio, client: httpx.AsyncClient) -> int:
    """Delete the copies that are due. Returns how many went; those that failed stay for the next sweep, and hold up none behind them."""
    done = 0
    try:
        for sid in await asyncio.to_thread(store.to_clean_up, utc_now()):
            url = f"{twilio.api_base}/2010-04-01/Accounts/{twilio.account_sid}/Messages/{sid}"
            try:
                if sid.startswith("MM"):  # pictures are a thing of their own there: they go before the message that names them
                    await _delete_media(url, twilio, client)
                await _ask("DELETE", f"{url}.json", _GONE, twilio, client)
            except httpx.HTTPError as error:  # nobody there, or too slow: the same for all
                logger().warning("twilio cleanup", error=type(error).__name__)
                break
            except _Refused as error:
                logger().warning("twilio cleanup", status=error.status)
                if error.status in _NOT_NOW:
                    break
            except ValueError as error:
                logger().warning("twilio cleanup", error=type(error).__name__)
            else:
                await asyncio.to_thread(store.cleaned_up, sid)
                done += 1
    except StoreError:
        logger().error("store", reason="cleanup")
    return done


async def _delete_media(message: str, twilio: Twilio, client: httpx.AsyncClient) -> None:
    """Delete the pictures of a message, unseen. Raises HTTPError, or ValueError for what Twilio refuses or does not list."""
    listed = await _ask("GET", f"{message}/Media.json", (200, 404), twilio, client)
    if listed.status_code == 404:
        return
    body = listed.json()
    items = body.get("media_list") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise ValueError("media not listed")
    for item in items:
        sid = str(item.get("sid", "")) if isinstance(item, dict) else ""
        if re.fullmatch(r"ME[0-9a-f]{32}", sid):
            await _ask("DELETE", f"{message}/Media/{sid}.json", _GONE, twilio, client)


async def _ask(method: str, url: str, good: tuple[int, ...], twilio: Twilio, client: httpx.AsyncClient) -> httpx.Response:
    """Raises HTTPError, or _Refused for a status that is not one of the good ones."""
    answer = await client.request(method, url, auth=(twilio.account_sid, twilio.auth_tokens[0]), timeout=8)
    if answer.status_code not in good:
        raise _Refused(answer.status_code)
    return answer
