"""Errors that a user can put right.

Any error that a user can cause is one of these: one line that states what was expected, what was
found and what to do. The command line prints it without a traceback and exits with status 2; every
other exception is a bug and keeps its traceback.
"""


class UserError(Exception):
    """A mistake that a user can fix. `str(error)` is the whole message, in most on one line."""


class ConfigError(UserError):
    """One or more settings are unknown or wrong; the message has a line for each."""


class BundleError(UserError):
    """A model bundle is missing, altered, or inconsistent."""


class CorpusError(UserError):
    """A corpus or a run folder is missing, or of another format or language."""


class SourceError(UserError):
    """A music file could not be read. The message is fit for a list of the files left out."""


class PortError(UserError):
    """A MIDI system or a port is missing, or refuses."""


class TakeError(UserError):
    """A take cannot be saved whole."""


def printable(line: str) -> str:
    """`line` with what a terminal would obey escaped: port and file names may hold anything."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
