"""What is kept, and for how long. `Store` is the way in; migrations/ holds the schema."""

from bot.store.store import Answered, Handoff, Store, StoreError

__all__ = ["Answered", "Handoff", "Store", "StoreError"]
