"""Names the harmony where the notes themselves spell it.

A beat (or two beats together, for broken chords) names a chord when its pitch classes are exactly
those of a template: no more, and at most the fifth of a seventh chord missing. The lowest note
decides between chords of the same notes (C6 is spelt like Am7). Everything else is left unnamed
and the previous chord goes on: in training, a wrong name does more harm than none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
}
"""Chord qualities as semitones above the root."""

CHORDS = tuple(f"{root}:{quality}" for root in ROOTS for quality in QUALITIES)
"""Every chord that has a token, by root and then quality."""


def tones_of(chord: str) -> frozenset[int]:
    """The pitch classes of one of `CHORDS`."""
    root, _, quality = chord.partition(":")
    return frozenset((ROOTS.index(root) + tone) % 12 for tone in QUALITIES[quality])


def _mask(root: int, tones: Sequence[int]) -> int:
    """The set of pitch classes as 12 bits."""
    return sum(1 << (root + tone) % 12 for tone in tones)


def _templates() -> dict[int, dict[int, int]]:
    """Pitch classes spelt (12 bits) -> {pitch class of the root: index into CHORDS}."""
    full: dict[int, dict[int, int]] = {}
    without_fifth: dict[int, dict[int, int]] = {}
    for index, name in enumerate(CHORDS):
        root, tones = index // len(QUALITIES), QUALITIES[name.partition(":")[2]]
        full.setdefault(_mask(root, tones), {})[root] = index
        if len(tones) == 4 and 7 in tones:
            shell = [tone for tone in tones if tone != 7]
            without_fifth.setdefault(_mask(root, shell), {})[root] = index
    return without_fifth | full


_SPELT = _templates()


@lru_cache(maxsize=4096)  # music repeats its chords
def chord_of(pitch_classes: int, bass: int) -> int | None:
    """The chord that a set of pitch classes spells.

    Args:
        pitch_classes: 12 bits, bit 0 for C.
        bass: Pitch class of the lowest note, 0..11.

    Returns:
        An index into `CHORDS`, or None if the set spells no chord. Of several readings, the one
        with the bass as its root; if there is none, the one with the next root above the bass.
    """
    readings = _SPELT.get(pitch_classes)
    if readings is None:
        return None
    return readings[min(readings, key=lambda root: (root - bass) % 12)]


def chords_by_beat(
    notes: Sequence[tuple[int, int, int]], beats: int, steps_per_beat: int
) -> list[int | None]:
    """The chord that each beat spells.

    Args:
        notes: (onset step, end step, pitch) of the accompaniment, sorted by onset.
        beats: How many beats to look at.
        steps_per_beat: Steps in a beat.

    Returns:
        For each beat an index into `CHORDS`, or None if it spells nothing. A chord broken over two
        beats is named on the first of them.
    """
    spelt, bass = [0] * (beats + 1), [128] * (beats + 1)
    for onset, end, pitch in notes:
        bit = 1 << pitch % 12
        for beat in range(onset // steps_per_beat, min(beats, -(-end // steps_per_beat))):
            spelt[beat] |= bit
            bass[beat] = min(bass[beat], pitch)
    chords: list[int | None] = []
    for beat in range(beats):
        chord = chord_of(spelt[beat], bass[beat] % 12)
        if chord is None:
            chord = chord_of(spelt[beat] | spelt[beat + 1], min(bass[beat : beat + 2]) % 12)
        chords.append(chord)
    return chords
