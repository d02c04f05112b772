"""Standard MIDI Files -> `Reading`.

symusic parses the events. This module adds what no reader gets right on its own. Before parsing,
the chunks are checked and reassembled (RIFF, long headers, alien chunks, a wrong count of tracks),
so that every refusal states what was expected and what was found, stuck notes are ended, and a
channel stays one voice when its sound changes. After it, the channels of an MPE keyboard become one
voice, times are rescaled, silences shortened, and bars laid out so that each change of meter falls
on a bar line.

Notes are left as long as their keys were held: the sustain pedal is not applied.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick, TrackTick

from jamd.errors import SourceError
from jamd.notes import NOTE_VALUES, TICKS_PER_BEAT, TICKS_PER_STEP, Meter
from jamd.training.preparing.bars import MOST_EMPTY_BARS, Changes, cut_silences, is_pickup, lay_out
from jamd.training.preparing.beats import keeps_beat, to_beat
from jamd.training.preparing.by_hand import is_by_hand
from jamd.training.preparing.reading import (
    DURATION,
    ONSET,
    PITCH,
    VELOCITY,
    VOICE,
    Reading,
    Voice,
    as_spoken,
    in_order,
)

_FEWEST_FINGERS = 3
_BENT = 0.9
"""So many channels, each of which bends that share of its notes as they begin, are an MPE keyboard:
in other music a bend comes while a note sounds."""

SHORTEST_TICKS = 15
"""The shortest duration of a note, also for one of no length: 1/128 of a whole note."""

END_OF_TRACK = b"\xff\x2f\x00"

_NOTE_ON, _PROGRAM = re.compile(rb"[\x90-\x9f]"), re.compile(rb"[\xc0-\xcf][\x00-\x7f]")


def read_midi(data: bytes) -> Reading:
    """Read a MIDI file's bytes.

    Raises:
        SourceError: It is not a readable MIDI file, has no notes, or has a meter that jamd does not
            support.
    """
    division, tracks = _tracks(data)
    remarks: list[str] = []
    tracks = [_end_stuck_notes(_with_one_program(track)) for track in tracks]
    body = b"".join(_chunk(b"MTrk", track) for track in tracks)
    head = (1).to_bytes(2, "big") + len(tracks).to_bytes(2, "big") + division.to_bytes(2, "big")
    try:
        score = ScoreTick.from_midi(_chunk(b"MThd", head) + body)
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"damaged events: {_plain(str(error))}") from error
    fingers = _fingers(score)
    if any(fingers):
        remarks.append("played on an MPE keyboard: its channels read as one voice")
    notes, voices = _notes(score, fingers)
    if not len(notes):
        raise SourceError("no notes")
    notes = notes[np.argsort(notes[:, ONSET], kind="stable")]
    if min(notes[:, ONSET].min(), notes[:, DURATION].min()) < 0:
        raise SourceError("longer than 2^31 ticks")
    if (notes[:, DURATION] == 0).any():
        remarks.append("notes of no length given the shortest")
    signatures = [(sign.time, sign.numerator, sign.denominator) for sign in score.time_signatures]
    changes = _meters(signatures, division)
    first = int(notes[0, ONSET])
    notes = _rescale(notes, division)
    beat = keeps_beat(notes)
    drums = [number for number, voice in enumerate(voices) if voice.drums]
    pitched = notes[~np.isin(notes[:, VOICE], drums)]
    played_bpm = _tempo(score, first) if beat and is_by_hand(pitched) else None
    if played_bpm is not None:
        remarks.append("played by hand: read as the daemon would hear it")
    if not beat and (found := to_beat(notes, _tempo(score))) is not None:
        notes, changes, beat = found, [(0, Meter(4, 4))], True
        remarks.append("keeps no beat as written: one was found by its onsets")
    notes, changes, cut = cut_silences(notes, changes)
    if cut:
        remarks.append(f"silences cut to {MOST_EMPTY_BARS} bars")
    notes, meters = lay_out(notes, changes, TICKS_PER_STEP // 2 if played_bpm else 0)
    return Reading(
        in_order(notes.astype(np.int32)),
        voices,
        meters,
        beat=beat,
        played_bpm=played_bpm,
        warnings=tuple(remarks),
    )


def _tempo(score: ScoreTick, at: int = -1) -> float:
    """The tempo at the file's tick `at`, else the first; limited to what a person would write.

    Returns:
        Quarter notes per minute, 20 to 300; 120 if the file names none.
    """
    tempos = [(tempo.time, tempo.qpm) for tempo in score.tempos] or [(0, 120.0)]
    qpm = next((qpm for time, qpm in reversed(tempos) if time <= at), tempos[0][1])
    return min(300.0, max(20.0, qpm))


def _tracks(data: bytes) -> tuple[int, list[bytes]]:
    """The division, and the contents of each track chunk that is not empty.

    Bytes after the last chunk that are too few for another are ignored, as MIDI players do.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[max(0, data.find(b"MThd")) :]
    kind, division, at = _header(data)
    tracks = []
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            found = len(data) - at - 8
            if size > found:
                raise SourceError(f"cut off: expected a track of {size} bytes, found {found}")
            tracks.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    if kind == 2 and len(tracks) > 1:
        raise SourceError(
            f"MIDI format 2 holds {len(tracks)} separate sequences: expected format 0 or 1"
        )
    return division, [track for track in tracks if track]


def _header(data: bytes) -> tuple[int, int, int]:
    """The format, the division, and where the first track begins."""
    if data[:4] != b"MThd":
        raise SourceError(f"not a MIDI file: expected it to begin with MThd, found {data[:4]!r}")
    if len(data) < 14:
        raise SourceError(f"cut off in its header: expected 14 bytes, found {len(data)}")
    length, kind, division = (
        int.from_bytes(data[i:j], "big") for i, j in ((4, 8), (8, 10), (12, 14))
    )
    if not 6 <= length <= len(data) - 8:
        raise SourceError(f"damaged header: expected a length of 6 bytes or more, found {length}")
    if kind > 2:
        raise SourceError(f"expected MIDI format 0 or 1, found {kind}")
    if division == 0:
        raise SourceError("damaged header: expected ticks per quarter note, found 0")
    if division & 0x8000:
        raise SourceError("timed in SMPTE frames: expected ticks per quarter note, found no beat")
    return kind, division, 8 + length


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "big") + content


def _with_one_program(track: bytes) -> bytes:
    """The track with every program change to program 0.

    Whoever changes the sound goes on with the same part, but symusic makes a track of each program.
    A byte that looks like a change may be something else: if one comes after what may be the first
    note, the events are looked at one by one. Of a damaged track the rest stays as it is.
    """
    note = _NOTE_ON.search(track)
    if not note or not _PROGRAM.search(track, note.start()):
        return track
    changed = bytearray(track)
    running = at = 0
    try:
        while at < len(track):
            at = _after_number(track, at)
            status = running
            if track[at] & 0x80:
                status = track[at]
                at += 1
            if status >= 0xF0:
                at += status == 0xFF
                start = _after_number(track, at)
                at = start + _number(track[at:start])
                continue
            running = status
            if status & 0xF0 == 0xC0:
                changed[at] = 0
            at += 1 if status & 0xE0 == 0xC0 else 2
    except IndexError:
        pass
    return bytes(changed)


def _after_number(track: bytes, at: int) -> int:
    """Where the number of variable length that begins at `at` ends."""
    while track[at] & 0x80:
        at += 1
    return at + 1


def _number(digits: bytes) -> int:
    """A number of variable length: seven bits a byte."""
    return functools.reduce(lambda number, digit: number << 7 | digit & 0x7F, digits, 0)


def _end_stuck_notes(track: bytes) -> bytes:
    """The track with every key released at its end, so that a stuck note lasts until there.

    symusic drops notes that have no note-off, and ignores note-offs that have no note.
    """
    if not track.endswith(END_OF_TRACK):
        return track
    # Any byte that may be a note-on names a channel: a superfluous channel does no harm.
    channels = [channel for channel in range(16) if 0x90 | channel in track]
    # The delta time before the end of the track becomes that of the first release; each release
    # carries the next one's, 0.
    releases = b"".join(map(_releases, channels))
    return track[: -len(END_OF_TRACK)] + releases + END_OF_TRACK


@functools.cache
def _releases(channel: int) -> bytes:
    """Note-offs for all keys of a channel, each followed by a delta time of 0."""
    return b"".join(bytes((0x80 | channel, pitch, 64, 0)) for pitch in range(128))


def _plain(reason: str) -> str:
    """The library's reason as one short sentence."""
    return reason.partition("\n")[0].removeprefix("MiniMidi: ").partition("!")[0][:120]


def _notes(
    score: ScoreTick, fingers: Sequence[bool]
) -> tuple[NDArray[np.int64], tuple[Voice, ...]]:
    """The table of notes in the file's own ticks, and the voices that have notes."""
    tables: list[NDArray[np.int64]] = []
    voices: list[Voice] = []
    hands: dict[str, int] = {}  # the voice of an MPE keyboard, by its track's name
    for track, is_finger in zip(score.tracks, fingers, strict=True):
        columns = track.notes.numpy()
        if not len(columns["time"]):
            continue
        voice = hands.setdefault(track.name, len(voices)) if is_finger else len(voices)
        if voice == len(voices):
            voices.append(Voice(track.name, track.is_drum and not is_finger))
        table = np.empty((len(columns["time"]), 5), np.int64)
        table[:, ONSET] = columns["time"]
        table[:, DURATION] = columns["duration"]
        table[:, PITCH] = columns["pitch"]
        table[:, VELOCITY] = columns["velocity"]
        table[:, VOICE] = voice
        tables.append(table)
    return np.concatenate(tables) if tables else np.empty((0, 5), np.int64), tuple(voices)


def _fingers(score: ScoreTick) -> list[bool]:
    """Of each of symusic's tracks, whether it is one of the channels of an MPE keyboard.

    Such a keyboard plays each note on the next channel, channel 10 among them, and sends a bend on
    it just before the note. A track of symusic's is one channel of a track; its siblings share its
    name.
    """
    bent = [_bends_every_note(track, score.ticks_per_quarter // 16) for track in score.tracks]
    names = Counter(track.name for track, each in zip(score.tracks, bent, strict=True) if each)
    return [
        each and names[track.name] >= _FEWEST_FINGERS
        for track, each in zip(score.tracks, bent, strict=True)
    ]


def _bends_every_note(track: TrackTick, most_ticks: int) -> bool:
    """Whether nearly every note has a bend at its onset, or at most `most_ticks` before it."""
    if not len(track.pitch_bends) or not len(track.notes):
        return False
    bends = np.sort(track.pitch_bends.numpy()["time"])
    onsets = track.notes.numpy()["time"]
    before = np.searchsorted(bends, onsets, "right")  # how many bends come no later
    since = onsets - bends[np.maximum(before - 1, 0)]
    return float(np.mean((before > 0) & (since <= most_ticks))) >= _BENT


def _meters(signatures: Sequence[tuple[int, int, int]], division: int) -> Changes:
    """The meters without repetitions, the first at tick 0; a pickup's meter stays as written.

    Signatures that make no sense (no beats, a denominator that is not a note value) are ignored.
    """
    written: Changes = [(0, Meter(4, 4))]
    for time, top, bottom in sorted(signatures, key=lambda signature: signature[0]):
        if top < 1 or bottom not in NOTE_VALUES:
            continue
        tick = time * TICKS_PER_BEAT // division
        if written[-1][0] == tick:
            written.pop()
        written.append((tick, Meter(top, bottom)))
    changes = written[:1] if is_pickup(written) else []
    for tick, meter in written[len(changes) :]:
        spoken = as_spoken(meter)
        if not changes or changes[-1][1] != spoken:
            changes.append((tick, spoken))
    return changes


def _rescale(notes: NDArray[np.int64], division: int) -> NDArray[np.int64]:
    """The notes in ticks, 480 per quarter note; notes that adjoined each other still do."""
    if division == TICKS_PER_BEAT:
        scaled = notes.copy()
        np.maximum(scaled[:, DURATION], SHORTEST_TICKS, out=scaled[:, DURATION])
        return scaled
    scaled = notes.copy()
    ends = notes[:, ONSET] + notes[:, DURATION]
    scaled[:, ONSET] = _round(notes[:, ONSET], division)
    scaled[:, DURATION] = _round(ends, division) - scaled[:, ONSET]
    np.maximum(scaled[:, DURATION], SHORTEST_TICKS, out=scaled[:, DURATION])
    return scaled


def _round(ticks: NDArray[np.int64], division: int) -> NDArray[np.int64]:
    return (2 * ticks * TICKS_PER_BEAT + division) // (2 * division)
