"""An answer comes in when it is expected: what a model writes first may be a rest, but no long one.

How long it may be is the daemon's to say (`jamd.daemon.modes`): someone who has just stopped
playing waits for the answer, and music of two notes at the end of its bars is no answer.
"""

from __future__ import annotations

from jamd.grid_tokens import BAR, CHORD, POSITION
from jamd.grid_writer import GridWriter, Mask
from jamd.notes import METERS, TICKS_PER_STEP, Note, Tick


class Entrance:
    """Lets the first note of an answer begin at `latest` or before.

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
        """Bar from `mask`, (vocabulary,), what would put the first note off for too long."""
        if self._made:
            return
        last = (self._latest - writer.bar_line) // TICKS_PER_STEP
        mask[min(CHORD, POSITION + max(0, last + 1)) : CHORD] = False
        if writer.next_bar_line > self._latest:
            mask[BAR : BAR + len(METERS)] = False
