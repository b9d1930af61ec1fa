"""What the assistant knows, and how it is said: content, facts, wording, fitting a text to a channel.

Knows nothing of Rasa, of Twilio or of the web. `Knowledge` is the way in.
"""

from bot.knowledge.errors import ContentError, UnknownId, UnknownLocale
from bot.knowledge.knowledge import HANDOFF, Knowledge, LocaleInfo, Said

__all__ = ["HANDOFF", "ContentError", "Knowledge", "LocaleInfo", "Said", "UnknownId", "UnknownLocale"]
