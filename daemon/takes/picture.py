"""A MIDI file as a picture: what `jamd roll` draws."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from mido import MidiFile, MidiTrack

from jamd.daemon.events import Turn
from jamd.daemon.midi.terms import begins_note
from jamd.daemon.takes.take import CHORD_MARKER, MOST_BARS, TRACKS, TURN_MARKER, read_file
from jamd.errors import SourceError
from jamd.notes import NOTE_VALUES, TICKS_PER_BEAT, Meter, Note, Part, Tick
from jamd.roll import COMP, LEAD, PLAYER, Picture, Voice

_COLOURS = {TRACKS[None]: PLAYER, TRACKS[Part.LEAD]: LEAD, TRACKS[Part.COMP]: COMP}
_TURN_COLOURS = {Turn.PLAYER.value: PLAYER, Turn.JAMD.value: LEAD}


def picture_of(path: Path) -> Picture:
    """Read a take, or any MIDI file: a voice for each track that has notes.

    Raises:
        SourceError: It is not a MIDI file, or too long for a picture.
        OSError: It cannot be opened.
    """
    file = read_file(path)
    meters: list[tuple[Tick, Meter]] = []
    turns: list[tuple[Tick, str]] = []
    chords: list[tuple[Tick, str]] = []
    voices: list[Voice] = []
    others = cycle(_COLOURS.values())
    for track in file.tracks:
        _read_conductor(track, file, meters, turns, chords)
        if notes := _notes(track, file):
            name = track.name or f"track {len(voices) + 1}"
            voices.append(Voice(name, _COLOURS.get(name) or next(others), notes))
    if not meters or meters[0][0] > 0:
        meters.insert(0, (Tick(0), Meter(4, 4)))
    if turns and min(turns)[0] > 0:
        turns.append((Tick(0), PLAYER))  # the player has the floor first
    end = max((note.end for voice in voices for note in voice.notes), default=0)
    if end > MOST_BARS * min(meter.ticks_per_bar for _, meter in meters):
        raise SourceError(f"{path}: expected at most {MOST_BARS} bars, found more: cut it first")
    return Picture(
        path.stem,
        tuple(voices),
        tuple(sorted(meters)),
        tuple(sorted(turns)),
        tuple(sorted(chords)),
    )


def _tick(passed: int, file: MidiFile) -> Tick:
    return Tick(round(passed * TICKS_PER_BEAT / file.ticks_per_beat))


def _read_conductor(
    track: MidiTrack,
    file: MidiFile,
    meters: list[tuple[Tick, Meter]],
    turns: list[tuple[Tick, str]],
    chords: list[tuple[Tick, str]],
) -> None:
    passed = 0
    for message in track:
        passed += message.time
        if message.type == "time_signature":
            meter = Meter(message.numerator, message.denominator)
            if meter.numerator > 0 and meter.denominator in NOTE_VALUES:
                meters.append((_tick(passed, file), meter))
        elif message.type == "marker" and message.text.startswith(TURN_MARKER):
            colour = _TURN_COLOURS.get(message.text.removeprefix(TURN_MARKER))
            if colour:
                turns.append((_tick(passed, file), colour))
        elif message.type == "marker" and message.text.startswith(CHORD_MARKER):
            chords.append((_tick(passed, file), message.text.removeprefix(CHORD_MARKER)))


def _notes(track: MidiTrack, file: MidiFile) -> tuple[Note, ...]:
    """The track's notes; one without a note-off lasts as long as the track."""
    passed = 0
    struck: dict[tuple[int, int], tuple[int, int]] = {}  # (channel, pitch) -> (when, velocity)
    notes: list[Note] = []

    def end(key: tuple[int, int]) -> None:
        if key in struck:
            began, velocity = struck.pop(key)
            onset = _tick(began, file)
            length = Tick(max(1, _tick(passed, file) - onset))
            notes.append(Note(onset, key[1], velocity, length))

    for message in track:
        passed += message.time
        if message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            end(key)
            if begins_note(message):
                struck[key] = (passed, message.velocity)
    for key in list(struck):
        end(key)
    return tuple(sorted(notes))
