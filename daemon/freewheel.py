"""A session faster than real time: a MIDI file in, the same jam out every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jamd.daemon.events import Entry, Event, Heard, Mode, SetTempo, TurnTaken, WorkerReady
from jamd.daemon.midi.terms import DRUMS, begins_note
from jamd.daemon.playing.scene import FEWEST_NOTES
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.take import MidiSong, notes
from jamd.daemon.timing.transport import TempoMap
from jamd.daemon.virtual import Improvises, VirtualJam
from jamd.notes import Tick

BARS_AFTER = 8
"""Bars that a jam goes on after the file's last, by default: the longest answer."""


def freewheel(
    song: MidiSong, settings: Settings, improviser: Improvises, bars: int | None = None
) -> list[Entry]:
    """Play `song` into a session; return the take.

    The transport starts at once, so the take's bars are the song's.

    Args:
        song: Its tempos are followed; the first, if it has any, must be `settings.bpm`.
        settings: Those of a live session; `start_at_once` must be set.
        improviser: Takes only as long to answer as virtual time says.
        bars: Bars to play; None for those of the song, and `BARS_AFTER`.
    """
    bar = settings.meter.ticks_per_bar
    if bars is None:
        bars = -(-song.end // bar) + BARS_AFTER
    end = Tick(bars * bar)
    tempo = TempoMap(settings.bpm)
    events = list(_events(song, tempo, end))
    performance = VirtualJam(Session(settings), improviser, events)
    performance.run(tempo.seconds_at(end))
    return performance.entries


def summary(song: MidiSong, settings: Settings, take: Sequence[Entry]) -> str:
    """What became of `song`, on one line: `24 notes heard, 31 played, in 14 bars`."""
    played = notes(take)
    heard, own = len(played[None]), sum(map(len, played.values())) - len(played[None])
    end = max((entry.tick for entry in take), default=0)
    bars = -(-end // settings.meter.ticks_per_bar)
    told = f"{heard} notes heard, {own} played, in {bars} bars"
    drums = any(begins_note(m) and m.channel == DRUMS for _, m in song.messages)
    if drums and settings.has_drums:
        told += "; drums left out"
    if own:
        return told
    if settings.mode is Mode.OFF:
        why = "the mode is off"
    elif heard < FEWEST_NOTES:
        why = f"expected {FEWEST_NOTES} notes or more"
    elif any(isinstance(entry, TurnTaken) for entry in take):
        why = "the model kept silent"
    else:
        why = "no pause was long enough before the last bar"
    return f"{told}; nothing was answered: {why}"


def _events(song: MidiSong, tempo: TempoMap, end: Tick) -> Iterator[tuple[float, Event]]:
    """Events before `end`, each with its moment in seconds; writes the song's tempos to `tempo`."""
    yield 0.0, WorkerReady()
    happenings: list[tuple[Tick, Event]] = [
        *((tick, SetTempo(bpm)) for tick, bpm in song.tempos if tick > 0),
        *((tick, Heard(message)) for tick, message in song.messages),
    ]
    for tick, event in sorted(happenings, key=lambda happening: happening[0]):
        if tick >= end:
            return
        seconds = tempo.seconds_at(tick)
        if isinstance(event, SetTempo):
            tempo.change(seconds, event.bpm)
        yield seconds, event
