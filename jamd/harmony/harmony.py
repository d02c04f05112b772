"""Names the harmony where the notes themselves spell it.

A beat (or two beats together, for broken chords) names a chord when its pitch classes are exactly
those of a template: no more, and at most the fifth of a seventh chord missing. The lowest note
decides between chords of the same notes (C6 is spelt like Am7). Everything else is left unnamed
and the previous chord goes on: in training, a wrong name does more harm than none.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def triad_of(chord: str) -> frozenset[int]:
    """The pitch classes of a chord's root, third (or fourth) and fifth."""
    root, _, quality = chord.partition(":")
    return frozenset((ROOTS.index(root) + tone) % 12 for tone in QUALITIES[quality][:3])


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


SPELT = _templates()
"""Every set of pitch classes (12 bits) that spells a chord -> its readings, by root."""


def chord_of(pitch_classes: int, bass: int) -> int | None:
    """The chord that a set of pitch classes spells.

    Args:
        pitch_classes: 12 bits, bit 0 for C.
        bass: Pitch class of the lowest note, 0..11.

    Returns:
        An index into `CHORDS`, or None if the set spells no chord. Of several readings, the one
        with the bass as its root; if there is none, the one with the next root above the bass.
    """
    readings = SPELT.get(pitch_classes)
    if readings is None:
        return None
    return readings[min(readings, key=lambda root: (root - bass) % 12)]
