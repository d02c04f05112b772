"""What there is to learn from a take: what the model was shown, as it was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jamd.daemon.replay import replay
from jamd.language import Context
from jamd.lengths import meant_lengths
from jamd.notes import Tick


def shown(lines: Iterable[str]) -> list[Context] | None:
    """The jam of a journal as contexts, each note of the player's once.

    The session is told again what it was told, so a note stands where it was meant and swing is
    taken out, as live. Contexts overlap, so that what the player did is seen after what led to it:
    what one has told already counts in the next one as played by jamd, that is, as given. None for
    a rehearsal: nobody played.

    Args:
        lines: The journal, each line with its break.

    Raises:
        SourceError: It is no journal, or one of another format.
    """
    again = replay(lines)
    if again.opened.rehearsal:
        return None
    asked = [*(request.context for request in again.requests), *again.rest]
    longest: dict[Tick, Context] = {}  # of those that begin at the same bar line
    for context in asked:
        known = longest.get(context.start)
        if known is None or known.until <= context.until:
            longest[context.start] = context
    found = []
    told = Tick(0)
    for _, context in sorted(longest.items()):
        given = _given(context, told)
        told = max(told, context.until)
        if given.by_player:
            found.append(given)
    return found


def _given(context: Context, until: Tick) -> Context:
    """`context`, in which what the player did before `until` counts as played by jamd.

    It is read as long as it was meant all the same, as live.
    """
    by_player = context.by_player
    lengths = zip(by_player, meant_lengths(by_player), strict=True)
    known = {note: replace(note, duration=length) for note, length in lengths if note.onset < until}
    heard = tuple(known.get(note, note) for note in context.heard)
    return replace(context, heard=heard, played=context.played | set(known.values()))
