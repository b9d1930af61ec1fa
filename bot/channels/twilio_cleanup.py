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


async def sweep(store: Store, twilio: Twilio, client: httpx.AsyncClient) -> int:
    """Delete the copies that are due. Returns how many went; those that failed stay for the next sweep."""
    done = 0
    try:
        for sid in await asyncio.to_thread(store.to_clean_up, utc_now()):
            url = f"{twilio.api_base}/2010-04-01/Accounts/{twilio.account_sid}/Messages/{sid}.json"
            try:
                if sid.startswith("MM"):  # pictures are a thing of their own there: they go before the message that names them
                    await _delete_media(url.removesuffix(".json"), twilio, client)
                answer = await client.delete(url, auth=(twilio.account_sid, twilio.auth_tokens[0]), timeout=8)
            except (httpx.HTTPError, ValueError) as error:
                logger().warning("twilio cleanup", error=type(error).__name__)
                break
            if answer.status_code in _GONE:
                await asyncio.to_thread(store.cleaned_up, sid)
                done += 1
            else:
                logger().warning("twilio cleanup", status=answer.status_code)
                if answer.status_code in _NOT_NOW:
                    break
    except StoreError:
        logger().error("store", reason="cleanup")
    return done


async def _delete_media(message: str, twilio: Twilio, client: httpx.AsyncClient) -> None:
    """Delete the pictures of a message, unseen. Raises HTTPError, or ValueError for what Twilio refuses: the next sweep tries again."""
    auth = (twilio.account_sid, twilio.auth_tokens[0])
    listed = await client.get(f"{message}/Media.json", auth=auth, timeout=8)
    if listed.status_code not in (200, 404):
        raise ValueError("media not listed")
    for item in listed.json().get("media_list", []) if listed.status_code == 200 else []:
        if re.fullmatch(r"ME[0-9a-f]{32}", str(item.get("sid", ""))):
            gone = await client.delete(f"{message}/Media/{item['sid']}.json", auth=auth, timeout=8)
            if gone.status_code not in _GONE:
                raise ValueError("media not deleted")
