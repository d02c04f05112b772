"""A take: what was played, by whom and when, as a Standard MIDI File and as rows to read.

In the file, tick 0 is bar 1 beat 1 of the jam, so a sequencer shows the notes on their bar lines.
Track 1 holds the meter, the tempo map, a marker at each change of turn and of a chord that was
given, and a cue point at each use of a control and where a setting was adjusted; the player and
jamd's two parts have a track each. A take is made of entries: see `Entry` in `jamd.daemon.events`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import mido
from mido import Message, MetaMessage, MidiFile, MidiTrack
from mido.midifiles.meta import KeySignatureError, MetaSpec_key_signature, add_meta_spec

from jamd.daemon.events import (
    Adjusted,
    BarLineFound,
    ChangesLaid,
    ControlUsed,
    Entry,
    MeterSet,
    Sounded,
    TempoSet,
    TurnTaken,
)
from jamd.daemon.midi.terms import DRUMS, begins_note, key_of
from jamd.daemon.timing.tempo_writer import tempo_us
from jamd.daemon.timing.transport import FASTEST_BPM, SLOWEST_BPM, position
from jamd.errors import SourceError
from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Part, Tick

TRACKS: dict[Part | None, str] = {
    None: "player",
    Part.LEAD: "jamd Lead",
    Part.COMP: "jamd Comp",
}
"""The name of each track of a take, by whose notes it holds."""

TURN_MARKER = "turn: "
"""How a turn marker in a take begins; `player` or `jamd` follows."""

CHORD_MARKER = "chord: "
"""How a chord marker in a take begins; the chord's symbol follows."""

CONTROL_CUE = "control: "
"""How a cue point in a take begins; the action that the player asked for follows."""

UNTOLD_BPM = 120.0
"""A MIDI file's tempo before its first tempo event, by the specification."""

MOST_BARS = 1000
"""Maximum length of a file that is drawn, or jammed with to its end; a damaged one may claim
millions."""

_DAMAGE = (EOFError, OSError, ValueError, LookupError, TypeError)
"""What mido raises for damaged files."""


class _AnyKeySignature(MetaSpec_key_signature):  # type: ignore[misc]
    """Accepts invalid key signatures, which some programs write and mido refuses; none is used."""

    type = "key_signature"

    def decode(self, message: MetaMessage, data: list[int]) -> None:
        with suppress(KeySignatureError, LookupError):
            super().decode(message, data)


add_meta_spec(_AnyKeySignature)


def in_words(setting: str, value: float | str) -> str:
    """`temperature 1.12`, `in key 0.9`, `style piano`: a setting and its value, to be read."""
    return f"{setting.replace('_', ' ')} {value}"


def to_midi(entries: Iterable[Entry], sounds: Mapping[Part | None, int] = {}) -> MidiFile:
    """The take as a MIDI file of type 1, 480 ticks a quarter note.

    A note without a note-off, as in a take cut off by a crash, ends with the take, which is then
    made a beat longer than what is known of it.

    Args:
        entries: The take.
        sounds: The General MIDI program, 0..127, of each of jamd's parts and of the player (None),
            if it is known.
    """
    entries = sorted(_in_bars(entries), key=lambda entry: entry.tick)
    tempos = {entry.tick: entry for entry in entries if isinstance(entry, TempoSet)}
    entries = [e for e in entries if not isinstance(e, TempoSet) or tempos[e.tick] is e]
    entries = list(_come_to_rest(entries))
    end = entries[-1].tick if entries else 0
    if _unended(entries):
        end += TICKS_PER_BEAT
    file = MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    conductor = [(entry.tick, meta) for entry in entries if (meta := _meta(entry)) is not None]
    conductor = sorted([*conductor, *_chords(entries, end)], key=itemgetter(0))
    file.tracks.append(_track("jamd", conductor, end))
    for part, name in TRACKS.items():
        own = [entry for entry in entries if isinstance(entry, Sounded) and entry.part is part]
        ends = [
            (end, Message("note_off", channel=channel, note=pitch))
            for _, channel, pitch in sorted(_unended(own))
        ]
        begin = [(0, message) for message in _programs(own, sounds.get(part))]
        file.tracks.append(_track(name, [*begin, *((e.tick, e.message) for e in own), *ends], end))
    return file


def _programs(own: Iterable[Sounded], program: int | None) -> list[Message]:
    """What chooses the sound of a track, on each channel that it has; drums have their own."""
    if program is None:
        return []
    used = sorted({entry.message.channel for entry in own} - {DRUMS})
    return [Message("program_change", channel=channel, program=program) for channel in used]


def _chords(entries: Iterable[Entry], end: int) -> Iterator[tuple[int, MetaMessage]]:
    """A marker for each chord of the changes given; `entries` are sorted by tick."""
    laid = {entry.tick: entry for entry in entries if isinstance(entry, ChangesLaid)}
    for since, until in pairwise([*laid, end]):
        changes = laid[since].changes
        if changes is None:
            continue
        for tick, symbol in changes.written(Tick(max(since, changes.start)), Tick(until)):
            yield tick, MetaMessage("marker", text=CHORD_MARKER + symbol)


def _in_bars(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries with their ticks corrected for where the bar lines were found to be."""
    later = 0
    moved: list[Entry] = []
    for entry in reversed(list(entries)):
        if isinstance(entry, BarLineFound):
            later += entry.by
        elif isinstance(entry, MeterSet | TempoSet | ChangesLaid) and entry.tick == 0:
            moved.append(entry)  # these apply from the beginning
        else:
            moved.append(replace(entry, tick=entry.tick + later) if later else entry)
    return reversed(moved)


def _come_to_rest(entries: Sequence[Entry]) -> Iterator[Entry]:
    """The entries by tick, without what was adjusted again within a beat: a knob moves in steps."""
    moved: dict[str, int] = {}  # setting -> where it was adjusted next
    kept: list[Entry] = []
    for entry in reversed(entries):
        if isinstance(entry, Adjusted):
            following = moved.get(entry.setting)
            moved[entry.setting] = entry.tick
            if following is not None and following - entry.tick < TICKS_PER_BEAT:
                continue
        kept.append(entry)
    return reversed(kept)


def _meta(entry: Entry) -> MetaMessage | None:
    match entry:
        case MeterSet(meter=Meter(top, bottom)):
            return MetaMessage("time_signature", numerator=top, denominator=bottom)
        case TempoSet(bpm=bpm):
            return MetaMessage("set_tempo", tempo=tempo_us(bpm))
        case TurnTaken(turn=turn):
            return MetaMessage("marker", text=TURN_MARKER + turn.value)
        case ControlUsed(action=action):
            return MetaMessage("cue_marker", text=CONTROL_CUE + action.replace("_", " "))
        case Adjusted(setting=setting, value=value):
            return MetaMessage("cue_marker", text=in_words(setting, value))
        case _:
            return None


def _track(name: str, messages: Sequence[tuple[int, Message | MetaMessage]], end: int) -> MidiTrack:
    track = MidiTrack([MetaMessage("track_name", name=name)])
    # An hour of pressure has millions of messages, but few that differ.
    timed: dict[tuple[int, int], Message | MetaMessage] = {}
    last = 0
    for tick, message in [*messages, (end, MetaMessage("end_of_track"))]:
        alike = id(message), tick - last
        if alike not in timed:
            timed[alike] = message.copy(time=tick - last)
        track.append(timed[alike])
        last = tick
    return track


def _unended(entries: Iterable[Entry]) -> set[tuple[Part | None, int, int]]:
    """(part, channel, pitch) of the notes without a note-off."""
    struck: set[tuple[Part | None, int, int]] = set()
    for entry in entries:
        if isinstance(entry, Sounded) and (key := key_of(entry.message)) is not None:
            change = struck.add if begins_note(entry.message) else struck.discard
            change((entry.part, key.channel, key.pitch))
    return struck


def notes(entries: Iterable[Entry]) -> dict[Part | None, list[Note]]:
    """The notes of a take by part (None: the player's), each list by onset.

    A note without a note-off is left out.
    """
    found: dict[Part | None, list[Note]] = {part: [] for part in TRACKS}
    struck: dict[tuple[Part | None, int, int], Sounded] = {}
    for entry in _in_bars(entries):
        if not isinstance(entry, Sounded) or entry.message.type not in ("note_on", "note_off"):
            continue
        key = (entry.part, entry.message.channel, entry.message.note)
        begun = struck.pop(key, None)
        if begun is not None:
            length = Tick(max(1, entry.tick - begun.tick))
            velocity, part = begun.message.velocity, entry.part or Part.LEAD
            note = Note(Tick(begun.tick), begun.message.note, velocity, length, part)
            found[entry.part].append(note)
        if begins_note(entry.message):
            struck[key] = entry
    return {part: sorted(list_) for part, list_ in found.items()}


def rows(entries: Sequence[Entry]) -> Iterator[str]:
    """The take for people to read, a line a note: `bar.beat.step part pitch velocity length`.

    Steps and lengths are in grid steps, 12 a quarter note; those of a person have decimals.
    """
    meter = next((entry.meter for entry in entries if isinstance(entry, MeterSet)), Meter(4, 4))
    everything = [
        (note.onset, TRACKS[part].removeprefix("jamd "), note)
        for part, part_notes in notes(entries).items()
        for note in part_notes
    ]
    for onset, name, note in sorted(everything):
        place = position(onset, meter)
        step, length = place.tick / TICKS_PER_STEP, note.duration / TICKS_PER_STEP
        yield f"{place}.{step:g} {name} {note.pitch} {note.velocity} {length:g}"


@dataclass(frozen=True, slots=True)
class MidiSong:
    """A MIDI file to play into a session.

    Attributes:
        messages: (tick, channel message), by tick; 480 ticks a quarter note.
        tempos: (tick, quarter notes a minute within 20..400), each tick once and in order, the
            first at 0; empty if the file has none.
        meters: (tick, meter), by tick, each different from the last; empty if the file has none.
        end: Tick of the last message; 0 if there is none.
    """

    messages: tuple[tuple[Tick, Message], ...]
    tempos: tuple[tuple[Tick, float], ...]
    meters: tuple[tuple[Tick, Meter], ...]
    end: Tick


def read_file(path: Path) -> MidiFile:
    """Read a MIDI file of type 0 or 1 that is timed in beats.

    Raises:
        SourceError: It is something else, or damaged.
        OSError: It cannot be opened.
    """
    data = path.read_bytes()
    begins = data.find(b"MThd", 0, 64) if data[:4] == b"RIFF" else 0
    if data[begins : begins + 4] != b"MThd":
        raise SourceError(f"{path}: expected a MIDI file, found something else")
    try:
        file = MidiFile(file=io.BytesIO(_tracks_alone(data[begins:])), clip=True)
    except _DAMAGE as error:
        reason = "it ends too early" if isinstance(error, EOFError) else "an event in it is damaged"
        raise SourceError(f"{path}: expected a MIDI file, but {reason}") from error
    if file.type == 2 or file.ticks_per_beat <= 0:
        raise SourceError(f"{path}: expected a MIDI file of type 0 or 1, timed in beats")
    return file


def _tracks_alone(data: bytes) -> bytes:
    """A MIDI file that mido can read: without other chunks, and with the right track count."""
    first = at = 8 + int.from_bytes(data[4:8], "big")
    tracks = []
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            tracks.append(data[at:end])
        at = end
    if not tracks and any(data[10:12]):
        raise EOFError
    tracks = tracks[:0x7FFF]  # mido reads a greater number as negative
    return b"".join((data[:10], len(tracks).to_bytes(2, "big"), data[12:first], *tracks))


def read_song(path: Path) -> MidiSong:
    """Read a MIDI file of type 0 or 1.

    Raises:
        SourceError: It is something else, or damaged.
        OSError: It cannot be opened.
    """
    file = read_file(path)
    messages: list[tuple[Tick, Message]] = []
    tempos: dict[Tick, float] = {}  # of several at one tick the last counts
    meters: list[tuple[Tick, Meter]] = []
    passed = 0
    for message in mido.merge_tracks(file.tracks):
        passed += message.time
        tick = Tick(round(passed * TICKS_PER_BEAT / file.ticks_per_beat))
        if message.type == "set_tempo":
            bpm = mido.tempo2bpm(max(1, message.tempo))
            tempos.setdefault(Tick(0), UNTOLD_BPM)
            tempos[tick] = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        elif message.type == "time_signature":
            meter = Meter(message.numerator, message.denominator)
            if not meters or meters[-1][1] != meter:
                meters.append((tick, meter))
        elif not message.is_meta and hasattr(message, "channel"):
            messages.append((tick, message.copy(time=0)))
    end = messages[-1][0] if messages else Tick(0)
    return MidiSong(tuple(messages), tuple(tempos.items()), tuple(meters), end)
