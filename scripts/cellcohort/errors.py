"""The one error that a user can cause."""


class InputError(ValueError):
    """Bad input: the message names the file, the place in it and the remedy."""
