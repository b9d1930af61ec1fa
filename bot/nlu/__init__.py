"""How a message is understood: language, meaning. `language` and `encoder` need no Rasa; the rest are Rasa graph components."""
