"""Makes an answer come in when it is expected: a model may begin with a rest, but not a long one.

The daemon decides how long it may be (`jamd.daemon.playing.scene`): a player who has just stopped
waits for the answer, and two notes at the end of its bars are not an answer.
"""

from __future__ import annotations

from jamd.grid.writer import GridWriter, Mask, not_beyond
from jamd.notes import Note, Tick


class Entrance:
    """Makes the first note of an answer begin at `latest` or before.

    Args:
        latest: Tick, counted from the beginning of the context.
    """

    def __init__(self, latest: Tick) -> None:
        self._latest = latest
        self._made = False

    def wrote(self, note: Note) -> None:  # noqa: ARG002 - any will do
        """Take in a note of the answer."""
        self._made = True

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), what would delay the first note for too long."""
        if not self._made:
            not_beyond(self._latest, mask, writer)
