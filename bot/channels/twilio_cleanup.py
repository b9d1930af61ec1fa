"""Delete our messages' copies at Twilio, in and out, by message id. Nothing else is ever asked of Twilio."""

from __future__ import annotations

import httpx

from bot.privacy.keys import utc_now
from bot.privacy.logs import logger
from bot.settings import Twilio
from bot.store import Store, StoreError

_GONE = (204, 404)  # deleted, or not there any more


async def sweep(store: Store, twilio: Twilio, client: httpx.AsyncClient) -> int:
    """Delete the copies that are due. Returns how many went; those that failed stay for the next sweep."""
    done = 0
    try:
        for sid in store.to_clean_up(utc_now()):
            url = f"{twilio.api_base}/2010-04-01/Accounts/{twilio.account_sid}/Messages/{sid}.json"
            try:
                answer = await client.delete(url, auth=(twilio.account_sid, twilio.auth_tokens[0]), timeout=8)
            except httpx.HTTPError as error:
                logger().warning("twilio cleanup", error=type(error).__name__)
                break
            if answer.status_code in _GONE:
                store.cleaned_up(sid)
                done += 1
            else:
                logger().warning("twilio cleanup", status=answer.status_code)
    except StoreError:
        logger().error("store", reason="cleanup")
    return done
