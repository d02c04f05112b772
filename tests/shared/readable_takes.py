"""Takes as a musician would read them, for tests to state and compare.

A row is `bar.beat.step part pitch velocity length`; a step is 1/12 of a quarter note. A player's
input is written in the same way as the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from mido import Message

from jamd.daemon.events import Entry, Event, Heard, TurnTaken, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes import take
from jamd.daemon.timing.transport import position
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
"""In 3/4, starting a quarter before the bar line."""

Story = list[tuple[float, Event]]
"""Events and their times, in seconds."""


def seconds(place: str, bpm: float = 120, meter: Meter = FOUR) -> float:
    """The time of `bar.beat.step` in seconds, at a steady tempo; a step may have a fraction."""
    bar, beat, step = map(float, place.split(".", 2))
    ticks = (bar - 1) * meter.ticks_per_bar + step * TICKS_PER_STEP
    ticks += (beat - 1) * TICKS_PER_BEAT * 4 / meter.denominator
    return ticks / TICKS_PER_BEAT * 60 / bpm


def rows(text: str) -> list[str]:
    """The rows of an indented text."""
    return [row for row in cleandoc(text).splitlines() if row.strip()]


def heard(text: str, bpm: float = 120, meter: Meter = FOUR, channel: int = 0) -> Story:
    """The events of a player who plays these rows, whatever part they name."""
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
    """Rows without their velocities, which depend on what the player played last."""
    return [" ".join((*row.split()[:3], row.split()[4])) for row in some]


@dataclass(frozen=True)
class Take:
    """What was played in a session, and what it sent to the port, as recorded by `VirtualJam`."""

    entries: Sequence[Entry]
    performance: VirtualJam
    meter: Meter = FOUR

    @property
    def rows(self) -> list[str]:
        """The rows of all notes."""
        return list(take.rows(list(self.entries)))

    @property
    def jamds(self) -> list[str]:
        """The rows of what jamd played."""
        return [row for row in self.rows if " player " not in row]

    @property
    def players(self) -> list[str]:
        """The rows of what the player played."""
        return [row for row in self.rows if " player " in row]

    @property
    def turns(self) -> list[str]:
        """Rows like `2.1 jamd`: from which beat on who has the floor."""
        return [
            f"{position(entry.tick, self.meter)} {entry.turn.value}"
            for entry in self.entries
            if isinstance(entry, TurnTaken)
        ]

    @property
    def notes(self) -> list[Note]:
        """The notes that jamd played."""
        found = take.notes(list(self.entries))
        return sorted(note for part, notes in found.items() if part for note in notes)

    @property
    def struck(self) -> list[tuple[int, int]]:
        """(channel from 0, pitch) of each note-on sent, including the player's own, passed on."""
        return [
            (send.message.channel, send.message.note)
            for _, send in self.performance.sent
            if send.message.type == "note_on"
        ]


def play(
    settings: Settings,
    text: str,
    *events: tuple[float, Event],
    bars: int = 8,
    improviser: Improvises | None = None,
) -> Take:
    """The take of a session whose worker is ready from the beginning.

    Args:
        settings: The session's settings; the player's rows are in its tempo and meter.
        text: What the player plays.
        events: Other events.
        bars: How long the session is, in bars.
        improviser: The improviser; None for the scripted one, which answers a tune with its mirror
            image.
    """
    meter, bpm = settings.meter, settings.bpm
    story = [(0.0, WorkerReady()), *heard(text, bpm, meter), *events]
    performance = VirtualJam(Session(settings), improviser or ScriptedImproviser(), story)
    performance.run(seconds(f"{bars + 1}.1.0", bpm, meter))
    return Take(performance.entries, performance, meter)
