"""The beat of a performance that was recorded without one.

A piano roll or a free recording has ticks, but they count time and not beats: laid on the grid, its
notes would fall anywhere. Whether a file keeps a beat shows in where its onsets lie within the
quarter note: quantised music uses a few places, music played to a click crowds around them, and
music played without a click uses all places alike. Which of these it is, Rayleigh's test of
uniformity says (N. I. Fisher, "Statistical Analysis of Circular Data", 1993, 4.3). If a file keeps
no beat, one is looked for by dynamic programming over the onsets (Daniel Ellis, "Beat Tracking by
Dynamic Programming", Journal of New Music Research 36, 2007).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from jamd.columns import starts_of
from jamd.notes import TICKS_PER_BEAT
from jamd.training.preparing.reading import DURATION, ONSET, PITCH

FEWEST_MOMENTS = 64
"""With fewer distinct onsets than this it is impossible to tell, and a beat is assumed."""

CROWDED, BY_CHANCE = 0.25, 8.0
"""A beat is kept if, round some division of the quarter note, the mean resultant length of the
onsets (1 where all are at one place, near 0 where all places are alike) is at least `CROWDED`, and
its square at least `BY_CHANCE` divided by their number. By chance one division reaches that in
exp(-8), 1 in 3,000, and some division in up to 7 times as many.

Of 435 recordings of drummers to a click 430 keep a beat; moved to another tempo, as in a recording
without a click, 10 do; of 154 piano rolls 2.
"""

FOUND = 0.8
"""A beat found is believed if at least this share of onsets is near a sixteenth or triplet eighth.
The share would be 0.5 by chance, and 0.6 after the search has done its best where there is no beat.
"""

_DIVISIONS = (1, 2, 3, 4, 6, 8, 12)
_TURNS = np.exp(2j * np.pi * np.outer(_DIVISIONS, np.arange(TICKS_PER_BEAT)) / TICKS_PER_BEAT)
_FRAMES_PER_S = 100
_TRIAL_S = 60
_SHORTEST_FRAMES, _LONGEST_FRAMES = 20, 150  # beats of 0.2 s to 1.5 s: 300 to 40 bpm
_LIKELIEST_FRAMES, _SPREAD_OCTAVES = 50, 0.7  # Ellis: people hear beats near 120 bpm
_TIGHTNESS = 200  # cost of a tempo change against a strong onset; Ellis: 100 to 400
_BASS = 55  # lower notes show the beat better, so they count twice
_NEAR = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])


def keeps_beat(notes: NDArray[np.int64]) -> bool:
    """Whether the onsets crowd at some places within the quarter note; True if they are too few.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, at least one, sorted by onset.
    """
    onsets = notes[:, ONSET]
    onsets = onsets[starts_of(onsets)]
    if len(onsets) < FEWEST_MOMENTS:
        return True
    places = np.bincount(onsets % TICKS_PER_BEAT, minlength=TICKS_PER_BEAT)
    resultant = float(np.abs(_TURNS @ places).max()) / len(onsets)
    return resultant >= max(CROWDED, math.sqrt(BY_CHANCE / len(onsets)))


def to_beat(notes: NDArray[np.int64], qpm: float) -> NDArray[np.int64] | None:
    """Find a beat in the notes, and move them so that each beat is a quarter note.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`; they keep no beat.
        qpm: The tempo that the file states, in quarter notes per minute: it converts ticks to
            seconds.

    Returns:
        The notes at their new ticks, or None if no beat was convincing.
    """
    frames_per_tick = 60 * _FRAMES_PER_S / (qpm * TICKS_PER_BEAT)
    onsets = (notes[:, ONSET] - notes[:, ONSET].min()) * frames_per_tick
    if onsets.max() > 3600 * _FRAMES_PER_S:
        return None  # over an hour: the tempo must be wrong
    weights = np.where(notes[:, PITCH] < _BASS, 2.0, 1.0)
    trial = onsets <= _TRIAL_S * _FRAMES_PER_S  # most music without a beat shows it at once
    for part in (trial, np.ones(len(notes), np.bool_)):
        beats = _beats(onsets[part], weights[part])
        places = np.interp(onsets[part], beats, np.arange(len(beats)))
        near = np.abs((places % 1)[:, None] - _NEAR).min(axis=1) < 1 / 24
        if near.mean() < FOUND:
            return None
    ends = np.interp(onsets + notes[:, DURATION] * frames_per_tick, beats, np.arange(len(beats)))
    moved = notes.copy()
    moved[:, ONSET] = np.round(places * TICKS_PER_BEAT)
    moved[:, DURATION] = np.maximum(1, np.round((ends - places) * TICKS_PER_BEAT))
    return moved


def _beats(onsets: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The beats, in frames, from before the first onset until 20 s after the last."""
    strength = _strength(onsets, weights)
    period = _period(strength)
    beats = _track(strength, period)
    # Beyond the beats found, the first and last intervals repeat.
    first, last = (beats[1] - beats[0], beats[-1] - beats[-2]) if len(beats) > 1 else (period,) * 2
    before = np.arange(int(beats[0] // first) + 1, 0, -1)
    until = onsets.max() + 20 * _FRAMES_PER_S
    after = np.arange(1, int((until - beats[-1]) // last) + 2)
    return np.concatenate((beats[0] - first * before, beats, beats[-1] + last * after))


def _strength(onsets: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Onset strength at each frame, smoothed over 70 ms, with a standard deviation of 1."""
    frames = np.bincount(
        np.round(onsets).astype(np.int64),
        weights=weights,
        minlength=int(onsets.max()) + 2 * _LONGEST_FRAMES,
    )
    window = np.hanning(7)
    smooth = np.convolve(frames, window / window.sum(), "same")
    strength: NDArray[np.float64] = smooth / smooth.std()
    return strength


def _period(strength: NDArray[np.float64]) -> int:
    """The likeliest beat length, in frames: where onsets repeat after one, two and four of it."""
    size = 1 << (2 * len(strength)).bit_length()  # powers of two are transformed fastest
    spectrum = np.fft.rfft(strength - strength.mean(), size)
    repeats = np.fft.irfft(np.abs(spectrum) ** 2)
    lags = np.arange(_SHORTEST_FRAMES, _LONGEST_FRAMES)
    lags = lags[4 * lags < len(repeats)]
    score = repeats[lags] + repeats[2 * lags] / 2 + repeats[4 * lags] / 4
    away = np.log2(lags / _LIKELIEST_FRAMES) / _SPREAD_OCTAVES
    return int(lags[np.argmax(score * np.exp(-(away**2) / 2))])


def _track(strength: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """The frames of the beats: strong ones, about a period apart."""
    steps = np.arange(-2 * period, -period // 2)
    costs = -_TIGHTNESS * np.log(-steps / period) ** 2
    best = strength.copy()
    before = np.full(len(strength), -1)
    histories = np.lib.stride_tricks.sliding_window_view(best, len(steps))  # sees `best` change
    # Beats are at least half a period apart, so half a period is computed at once.
    for start in range(2 * period, len(strength), period // 2):
        frames = np.arange(start, min(start + period // 2, len(strength)))
        # ways: (frames, steps), what each frame is worth after each of the beats before it
        ways = histories[start - 2 * period : frames[-1] + 1 - 2 * period] + costs
        way = ways.argmax(axis=1)
        worth = ways[np.arange(len(frames)), way]
        best[frames] += np.maximum(0, worth)
        before[frames] = np.where(worth > 0, frames + steps[way], -1)
    frame = len(strength) - 2 * period + int(best[-2 * period :].argmax())
    beats = [frame]
    while before[frame] >= 0:
        frame = int(before[frame])
        beats.append(frame)
    return np.array(beats[::-1], np.float64)
