"""What a stretch of music is like, in the numbers by which the literature compares generators.

Pitch-class histogram, mean inter-onset interval and note count: L.-C. Yang and A. Lerch, "On the
evaluation of generative models in music", Neural Computing and Applications 32, 2020, section 3
(here in beats and bars, not seconds, so that tempo makes no difference).
Polyphony: H.-W. Dong, K. Chen, J. McAuley and T. Berg-Kirkpatrick, "MusPy: a toolkit for symbolic
music generation", ISMIR 2020. Scale consistency: O. Mogren, "C-RNN-GAN: continuous recurrent neural
networks with adversarial training", 2016, with MusPy's scales (all major and natural minor).
Groove similarity: S.-L. Wu and Y.-H. Yang, "The Jazz Transformer on the front line: exploring the
shortcomings of AI-composed music through quantitative measures", ISMIR 2020, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jamd.notes import TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Tick, to_step

Floats = NDArray[np.float64]

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_SCALES = np.array([[(pitch - root) % 12 in _MAJOR for pitch in range(12)] for root in range(12)])
"""The major scales; the natural minor ones are the same twelve sets of notes."""


@dataclass(frozen=True, slots=True)
class Music:
    """Some bars of music to be measured.

    Attributes:
        notes: At least one, none with an onset outside `begin` .. `end`.
        begin: A bar line.
        end: A later bar line.
        meter: The meter.
        up: Semitones by which pitch classes are transposed, so that keys can be compared.
    """

    notes: Sequence[Note]
    begin: Tick
    end: Tick
    meter: Meter
    up: int = 0


def pitch_class_histogram(music: Music) -> Floats:
    """Shape (12,): the share of each pitch class among the notes."""
    counts = np.bincount([(note.pitch + music.up) % 12 for note in music.notes], minlength=12)
    shares: Floats = counts / counts.sum()
    return shares


def inter_onset_interval(music: Music) -> Floats:
    """Shape (1,): beats from one onset to the next, on average; the whole length for a single one.

    Notes struck together are one onset.
    """
    onsets = sorted({note.onset for note in music.notes})
    ticks = np.diff(onsets).mean() if len(onsets) > 1 else music.end - music.begin
    return np.array([float(ticks) / TICKS_PER_BEAT])


def note_density(music: Music) -> Floats:
    """Shape (1,): notes a bar."""
    bars = (music.end - music.begin) / music.meter.ticks_per_bar
    return np.array([len(music.notes) / bars])


def polyphony(music: Music) -> Floats:
    """Shape (1,): pitches that sound at once, on average over the steps at which any does.

    A pitch that two parts play at once counts once, as in MusPy.
    """
    sounding = np.zeros((128, to_step(music.end)), np.bool_)
    for note in music.notes:
        onset = to_step(note.onset)
        sounding[note.pitch, onset : max(to_step(note.end), onset + 1)] = True
    pitches = sounding.sum(axis=0)
    return np.array([float(pitches[pitches > 0].mean())])


def scale_consistency(music: Music) -> Floats:
    """Shape (1,): the share of notes within the major or minor scale that contains most of them."""
    classes = [note.pitch % 12 for note in music.notes]
    return np.array([float(_SCALES[:, classes].mean(axis=1).max())])


def groove_similarity(music: Music) -> Floats:
    """Shape (1,): how alike the rhythms of two bars are, on average over all pairs of bars, 0..1.

    1 minus the share of the bar's steps at which one bar has an onset and the other has none.
    """
    steps = music.meter.steps_per_bar
    bars = (music.end - music.begin) // music.meter.ticks_per_bar
    grid = np.zeros((bars, steps), np.bool_)
    for note in music.notes:
        bar, step = divmod((note.onset - music.begin) // TICKS_PER_STEP, steps)
        grid[bar, step] = True
    first, second = np.triu_indices(bars, 1)
    if not len(first):
        return np.array([1.0])
    return np.array([1.0 - float((grid[first] ^ grid[second]).mean())])


@dataclass(frozen=True, slots=True)
class Feature:
    """A measure of a stretch of music.

    Attributes:
        name: Its name, in words.
        unit: The unit of its value; empty for a share.
        of: Computes it, as shape (n,).
    """

    name: str
    unit: str
    of: Callable[[Music], Floats]


FEATURES = (
    Feature("pitch-class histogram", "", pitch_class_histogram),
    Feature("inter-onset interval", "beats", inter_onset_interval),
    Feature("note density", "notes a bar", note_density),
    Feature("polyphony", "pitches at once", polyphony),
    Feature("scale consistency", "", scale_consistency),
    Feature("groove similarity", "", groove_similarity),
)


def entropy_bits(counts: Mapping[int, int]) -> float:
    """The entropy, in bits, of what was counted; 0 if nothing was."""
    shares = np.array([count for count in counts.values() if count > 0], np.float64)
    if not len(shares):
        return 0.0
    shares /= shares.sum()
    return float((shares * np.log2(1 / shares)).sum())


def onset_places(notes: Sequence[Note], begin: Tick, meter: Meter) -> dict[int, int]:
    """How many onsets lie at each step of the bar.

    Args:
        notes: Notes of one part; those struck together are one onset.
        begin: A bar line.
        meter: The meter.
    """
    moments = {to_step(Tick(note.onset - begin)) for note in notes}
    counts: dict[int, int] = {}
    for step in moments:
        place = step % meter.steps_per_bar
        counts[place] = counts.get(place, 0) + 1
    return counts
