"""The continuations shown: each as a piano roll, a MIDI file and, where possible, a sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jamd.daemon.sound.fluidsynth import Installed
from jamd.notes import Note, Part, Tick
from jamd.report.audio import render, write_midi
from jamd.report.figures import SetFigures, Written
from jamd.roll import COMP, LEAD, PLAYER, Picture, Voice, draw

SHOWN_BARS = 16
"""How many are drawn and rendered, including the end of what the model had heard."""

HEARD_BARS = 4
"""How many of them come before the continuation, at most."""

_HEARD = "#6b6b75"
"""Tint of what the model had heard; what follows has the tint of whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version of a continuation; its files are named as in the report's folder."""

    title: str
    picture: str
    midi: str
    sound: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A continuation and what really followed."""

    source: str
    bars: str
    real: Side
    written: Side


def write_samples(
    figures: SetFigures,
    count: int,
    folder: Path,
    installed: Installed | None,
    progress: Callable[[int, int], None],
) -> list[Sample]:
    """Write the first `count` continuations of a set, from different pieces as far as possible."""
    found = []
    chosen = _apart(figures.written, count)
    for number, one in enumerate(chosen, 1):
        progress(number - 1, len(chosen))
        stretch = one.stretch
        name = f"{figures.name}-{number}"
        heard = stretch.until // stretch.meter.ticks_per_bar
        shown = min(heard, HEARD_BARS)
        bars = f"bar {stretch.first_bar + heard} of the piece is bar {shown + 1} here"
        real, written = (
            _side(one, notes, title, f"{name}-{kind}", folder, installed)
            for notes, title, kind in (
                (stretch.real, f"{number}. What really follows", "real"),
                (one.notes, f"{number}. What jamd plays instead", "jamd"),
            )
        )
        found.append(Sample(stretch.source.partition(" + ")[0], bars, real, written))
    progress(len(chosen), len(chosen))
    return found


def _apart(written: Sequence[Written], count: int) -> list[Written]:
    """`count` of them, no piece twice unless the other pieces run out."""
    seen: set[str] = set()
    first: list[Written] = []
    rest: list[Written] = []
    for one in written:
        (rest if one.stretch.source in seen else first).append(one)
        seen.add(one.stretch.source)
    return (first + rest)[:count]


def _side(
    one: Written,
    notes: Sequence[Note],
    title: str,
    name: str,
    folder: Path,
    installed: Installed | None,
) -> Side:
    stretch = one.stretch
    bar = stretch.meter.ticks_per_bar
    begin = max(0, stretch.until - HEARD_BARS * bar)
    end = min(stretch.end, begin + SHOWN_BARS * bar)
    shown = tuple(
        note._replace(onset=Tick(note.onset - begin), duration=_within(note, end))
        for note in (*stretch.heard, *notes)
        if begin <= note.onset < end
    )
    voices = tuple(
        Voice(label, colour, tuple(note for note in shown if note.part is part))
        for label, colour, part in (("Lead", LEAD, Part.LEAD), ("Comp", COMP, Part.COMP))
    )
    follows = PLAYER if notes is stretch.real else LEAD
    turns = ((Tick(0), _HEARD), (Tick(stretch.until - begin), follows))
    picture = Picture(
        title, tuple(voice for voice in voices if voice.notes), ((Tick(0), stretch.meter),), turns
    )
    (folder / f"{name}.svg").write_text(draw(picture), encoding="utf-8")
    midi, sound = folder / f"{name}.mid", folder / f"{name}.ogg"
    write_midi(shown, midi)
    sounds = installed is not None and render(installed, midi, sound)
    return Side(title, f"{name}.svg", midi.name, sound.name if sounds else None)


def _within(note: Note, end: int) -> Tick:
    return Tick(max(1, min(note.duration, end - note.onset)))
