"""What a user can put right.

Anything a user can cause ends here: one line that says what was expected, what was found and what
to do. The command line prints it without a traceback and exits with status 2; every other exception
is a bug and keeps its traceback.
"""


class UserError(Exception):
    """A mistake a user can mend. `str(error)` is the whole message, on one line."""


class ConfigError(UserError):
    """One or more settings are unknown or wrong; the message lists all of them."""


class BundleError(UserError):
    """A model bundle is missing, altered, or does not match itself."""


class CorpusError(UserError):
    """A corpus or a run folder is missing, or of another format or language."""


class SourceError(UserError):
    """One file of music could not be read. The reason is fit for a list of files left out."""


class PortError(UserError):
    """A MIDI system or a port is not there, or refuses."""


class TakeError(UserError):
    """A take cannot be saved whole."""


def printable(line: str) -> str:
    """`line` without what a terminal would obey: names of ports and files may hold anything."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
