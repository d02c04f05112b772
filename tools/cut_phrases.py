"""Cut the performances for `jamd measure phrases` out of songs and piano rolls.

Usage: python cut_phrases.py OPENSCORE_LIEDER PIANOLATRON > jamd/measure/phrases.txt

The two folders are OpenScore Lieder (MusicXML) and pianolatron-data (MIDI).
jamd/measure/performances.py defines what counts as a breath and what as an end.
"""

import random
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import mido

from jamd.measure.performances import Performance, humanly, written
from jamd.notes import METERS, TICKS_PER_BEAT, Meter, Note, Tick

SONGS, ROLLS = 50, 50
SONG_NOTES, ROLL_NOTES = (30, 80), (12, 100)
ROLL_BPM = 100.0
EARLY_SECONDS = 0.030  # how much earlier than written a person releases a key
SENTENCE_ENDS = re.compile(r"[.!?;:…][\"'”»)’]*$")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def main(songs: Path, rolls: Path) -> None:
    """Print the file; the same folders give the same file."""
    chance = random.Random(0)
    for files, cut, count in (
        (sorted(songs.rglob("*.mxl")), song, SONGS),
        (sorted(rolls.glob("*.mid")), roll, ROLLS),
    ):
        found = [
            p for file in chance.sample(files, len(files)) for p in list(cut(file, chance))[:2]
        ]
        for performance in found[:count]:
            print(written(performance))


def song(path: Path, chance: random.Random) -> Iterator[Performance]:
    """Stretches of the singer's line, from a sentence's start to an end, in a one-meter score."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".xml") and "META" not in n)
        root = ET.fromstring(archive.read(name))  # noqa: S314 - files of our own choice
    notes, meters, bpm = voice(root)
    if len(meters) != 1 or not meters <= set(METERS):
        return
    bpm = min(max(bpm, 50.0), 160.0)
    stretch: list[tuple[Note, str]] = []
    ends: set[int] = set()
    for (note, text), (following, _) in zip(notes, [*notes[1:], notes[-1]], strict=True):
        stretch.append((note, text))
        rest = following.onset - note.end
        if 0 <= rest < 2 * TICKS_PER_BEAT:
            continue
        if SENTENCE_ENDS.search(text):
            ends.add(len(stretch) - 1)
        if ends and (len(stretch) - 1 not in ends or len(stretch) > SONG_NOTES[0]):
            last = max(ends) + 1
            if SONG_NOTES[0] <= last <= SONG_NOTES[1]:
                line = [note for note, _ in stretch[:last]]
                yield sung(path.parent.name, line, ends, bpm, next(iter(meters)), chance)
            stretch, ends = [], set()
        elif not ends:
            stretch = []


def voice(root: ET.Element) -> tuple[list[tuple[Note, str]], set[Meter], float]:
    """The first part's notes, each with the last syllable sung, its meters, its tempo or 90."""
    now, divisions, bpm, text = 0, 1, 0.0, ""
    notes: list[tuple[Note, str]] = []
    meters = set()
    for element in (e for measure in root.findall("part")[0] for e in measure):
        divisions = int(element.findtext("divisions") or divisions)
        if (beats := element.findtext("time/beats")) is not None:
            meters.add(Meter.parse(f"{beats}/{element.findtext('time/beat-type')}"))
        for sound in element.iter("sound"):
            bpm = bpm or float(sound.get("tempo", 0))
        length = int(element.findtext("duration") or 0) * TICKS_PER_BEAT // divisions
        if element.tag in ("backup", "forward"):
            now += length if element.tag == "forward" else -length
        if element.tag != "note" or element.find("chord") is not None or not length:
            continue
        pitch = element.find("pitch")
        if pitch is not None and element.findtext("voice", "1") == "1":
            text = "".join(t.text or "" for t in element.findall("lyric[1]/text")) or text
            height = 12 * int(pitch.findtext("octave", "4")) + STEPS[pitch.findtext("step", "C")]
            height += 12 + round(float(pitch.findtext("alter") or 0))
            tied = any(tie.get("type") == "stop" for tie in element.findall("tie"))
            if tied and notes and notes[-1][0].end == now and notes[-1][0].pitch == height:
                note = notes.pop()[0]
                length, onset = length + note.duration, note.onset
            else:
                onset = Tick(now)
            notes.append((Note(onset, height, duration=Tick(length)), text))
            now = onset + length
        else:
            now += length
    return notes, meters, bpm or 90.0


def sung(
    name: str, line: list[Note], ends: set[int], bpm: float, meter: Meter, chance: random.Random
) -> Performance:
    """The line as a person would play it, counted from the bar line of its first note."""
    begin = line[0].onset // meter.ticks_per_bar * meter.ticks_per_bar
    early = EARLY_SECONDS * bpm / 60
    notes = []
    for note in line:
        onset = max(0, note.onset - begin + round(humanly(chance, bpm) * TICKS_PER_BEAT))
        let_go = note.end - begin - round(max(0.0, early + humanly(chance, bpm)) * TICKS_PER_BEAT)
        notes.append(Note(Tick(onset), note.pitch, duration=Tick(max(let_go - onset, 30))))
    moments = frozenset(notes[end].end for end in ends)
    return Performance("song", name.replace(" ", "_"), bpm, meter, tuple(notes), moments)


def roll(path: Path, chance: random.Random) -> Iterator[Performance]:  # noqa: ARG001 - as `song`
    """Stretches of a roll with no silence of two beats or more, each before one of four or more."""
    seconds, held = 0.0, {}
    notes: list[Note] = []
    for message in mido.MidiFile(path):
        seconds += message.time
        tick = Tick(round(seconds * ROLL_BPM / 60 * TICKS_PER_BEAT))
        if message.type == "note_on" and message.velocity:
            held[message.note] = tick
        elif message.type in ("note_on", "note_off") and message.note in held:
            onset = held.pop(message.note)
            notes.append(Note(onset, message.note, duration=Tick(max(1, tick - onset))))
    stretch: list[Note] = []
    up = Tick(0)
    for note in sorted(notes):
        silence = note.onset - up
        if silence >= 2 * TICKS_PER_BEAT:
            stretch = stretch[-ROLL_NOTES[1] :]
            if silence >= 4 * TICKS_PER_BEAT and len(stretch) >= ROLL_NOTES[0]:
                begin = stretch[0].onset
                moved = [Note(Tick(n.onset - begin), n.pitch, duration=n.duration) for n in stretch]
                end = frozenset({Tick(up - begin)})
                yield Performance("roll", path.stem, ROLL_BPM, Meter(4, 4), tuple(moved), end)
            stretch = []
        stretch.append(note)
        up = max(up, note.end)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
