"""A conversation's turn, without Rasa, Twilio or the web: what is remembered, what is said, and in which order."""
