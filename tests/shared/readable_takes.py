"""Takes as a musician would read them, to be written into tests and compared there.

A row is `bar.beat.step part pitch velocity length`; a step is 1/12 of a quarter note. What a player
does is written in the same way as what comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from mido import Message

from jamd.daemon import take
from jamd.daemon.events import Entry, Event, Heard, TurnTaken, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.transport import position
from jamd.daemon.virtual import Improvises, ScriptedImproviser, VirtualJam
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note

FOUR = Meter(4, 4)

ONE_BAR = """
    1.1.0 player 60 80 9
    1.2.0 player 64 80 9
    1.3.0 player 67 80 9
    1.4.0 player 65 80 6
"""

AMAZING_GRACE = """
    1.1.0 player 62 70 11
    1.2.0 player 67 80 23
    2.1.0 player 71 75 5
    2.1.6 player 67 75 5
    2.2.0 player 71 80 23
    3.1.0 player 69 75 11
    3.2.0 player 67 80 23
    4.1.0 player 64 75 11
    4.2.0 player 62 80 18
"""
"""Three four, from a quarter before the bar line."""

Story = list[tuple[float, Event]]
"""What happens, and when, in seconds."""


def seconds(place: str, bpm: float = 120, meter: Meter = FOUR) -> float:
    """When `bar.beat.step` is, at a steady tempo; a step may have a fraction."""
    bar, beat, step = map(float, place.split(".", 2))
    ticks = (bar - 1) * meter.ticks_per_bar + step * TICKS_PER_STEP
    ticks += (beat - 1) * TICKS_PER_BEAT * 4 / meter.denominator
    return ticks / TICKS_PER_BEAT * 60 / bpm


def rows(text: str) -> list[str]:
    """The rows of an indented text."""
    return [row for row in cleandoc(text).splitlines() if row.strip()]


def heard(text: str, bpm: float = 120, meter: Meter = FOUR, channel: int = 0) -> Story:
    """A player plays these rows, whatever they call him."""
    story: Story = []
    for row in rows(text):
        place, _, pitch, velocity, length = row.split()
        begin = seconds(place, bpm, meter)
        end = begin + float(length) * TICKS_PER_STEP / TICKS_PER_BEAT * 60 / bpm
        key = {"note": int(pitch), "channel": channel}
        story.append((begin, Heard(Message("note_on", velocity=int(velocity), **key))))
        story.append((end, Heard(Message("note_off", **key))))
    return story


def unshaded(some: Iterable[str]) -> list[str]:
    """Rows without their velocities, which follow what the player played last."""
    return [" ".join((*row.split()[:3], row.split()[4])) for row in some]


@dataclass(frozen=True)
class Take:
    """What was played in a session, and what it handed to the port, as `VirtualJam` has it."""

    entries: Sequence[Entry]
    performance: VirtualJam
    meter: Meter = FOUR

    @property
    def rows(self) -> list[str]:
        """All notes."""
        return list(take.rows(list(self.entries)))

    @property
    def jamds(self) -> list[str]:
        """Rows of what jamd played."""
        return [row for row in self.rows if " player " not in row]

    @property
    def players(self) -> list[str]:
        """The player's."""
        return [row for row in self.rows if " player " in row]

    @property
    def turns(self) -> list[str]:
        """`2.1 jamd`: who has the floor from which beat on."""
        return [
            f"{position(entry.tick, self.meter)} {entry.turn.value}"
            for entry in self.entries
            if isinstance(entry, TurnTaken)
        ]

    @property
    def notes(self) -> list[Note]:
        """What jamd played."""
        found = take.notes(list(self.entries))
        return sorted(note for part, notes in found.items() if part for note in notes)

    @property
    def struck(self) -> list[tuple[int, int]]:
        """(channel from 0, pitch) of each note-on that went out, the player's own among them."""
        return [
            (send.message.channel, send.message.note)
            for send in self.performance.port.sent
            if send.message.type == "note_on"
        ]


def play(
    settings: Settings,
    text: str,
    *events: tuple[float, Event],
    bars: int = 8,
    improviser: Improvises | None = None,
) -> Take:
    """The take of a session with a worker there from the beginning.

    Args:
        settings: Of the session; the player's rows are in its tempo and meter.
        text: What the player plays.
        events: What happens besides.
        bars: How long the session is.
        improviser: Who answers; None: the scripted one, with the mirror image of the tune.
    """
    meter, bpm = settings.meter, settings.bpm
    story = [(0.0, WorkerReady()), *heard(text, bpm, meter), *events]
    performance = VirtualJam(Session(settings), improviser or ScriptedImproviser(), story)
    performance.run(seconds(f"{bars + 1}.1.0", bpm, meter))
    return Take(performance.entries, performance, meter)
