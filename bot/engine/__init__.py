"""Rasa, kept inside: the importer, what a turn decides, the child process that runs it, and the supervisor that watches the child."""
