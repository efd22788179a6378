"""The one kind of error that is meant for the user's eyes."""


class FleximodalError(Exception):
    """Something the user can mend: one sentence naming the file, row or key, and what to do."""
