"""What can be learned from a take: the contexts that the model was shown, as it was shown them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jamd.daemon.takes.replay import replay
from jamd.language import Context
from jamd.notes import Tick


def shown(lines: Iterable[str]) -> list[Context] | None:
    """The jam in a journal as contexts in which each of the player's notes is to be learned once.

    The session is replayed, so a note lies where it was meant and swing is removed, as live.
    Contexts overlap, so that what the player did is seen after what led to it: notes that were the
    player's in one context count in the next as played by jamd, that is, as given. None for a
    rehearsal, in which nobody played.

    Args:
        lines: The journal, each line with its line break.

    Raises:
        SourceError: It is not a journal, or one of another format.
    """
    again = replay(lines)
    if again.opened.rehearsal:
        return None
    asked = [*(request.context for request in again.requests), *again.rest]
    longest: dict[object, Context] = {}  # of those from the same bar line on, over the same chart
    for context in asked:
        key = context.start, context.changes and context.changes.symbols
        known = longest.get(key)
        if known is None or known.until <= context.until:
            longest[key] = context
    found = []
    told = Tick(0)
    for context in sorted(longest.values(), key=lambda each: (each.start, each.until)):
        given = _given(context, told)
        told = max(told, context.until)
        if given.heard:
            found.append(given)
    return found


def _given(context: Context, until: Tick) -> Context:
    """`context` with what the player did before `until` counting as played by jamd.

    Those notes still get the lengths that were meant, as live.
    """
    from jamd.columns import Columns  # numpy, which the rest of the daemon's front does without
    from jamd.lengths import meant_lengths

    lengths = meant_lengths(Columns.of(context.heard)).tolist()
    given = [
        note._replace(duration=Tick(length))
        for note, length in zip(context.heard, lengths, strict=True)
        if note.onset < until
    ]
    played = tuple(sorted((*context.played, *given)))
    return replace(context, heard=context.heard[len(given) :], played=played)
