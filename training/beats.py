"""The beat of a performance that was recorded without one.

A piano roll or a free recording has ticks, but they count time and not beats: laid on the grid, its
notes would fall anywhere. Whether a file keeps a beat shows in where its onsets lie within the
quarter note: quantised music uses a few places, music played to a click crowds around them, and
without a click all places are alike. Where there is no beat one is looked for, by dynamic
programming over the onsets (Daniel Ellis, "Beat Tracking by Dynamic Programming", Journal of New
Music Research 36, 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jamd.notes import TICKS_PER_BEAT
from jamd.training.parts import starts_of
from jamd.training.reading import DURATION, ONSET, PITCH

FEWEST_MOMENTS = 64
"""With fewer onsets there is no telling whether a beat is kept."""

CROWDED = 0.4
"""The share of onsets in the fullest quarter of all places, from which on a beat is kept. It is a
good 0.25 where all places are alike; music played to a click has 0.5 and more."""

FOUND = 0.8
"""The share of onsets near a sixteenth or a triplet eighth that makes a beat found believable; 0.5
would lie there by chance, and 0.6 after the search has done its best with nothing."""

_PLACES = 48
_FRAMES_PER_S = 100
_TRIAL_S = 60
_SHORTEST_FRAMES, _LONGEST_FRAMES = 20, 150  # beats of 0.2 s to 1.5 s: 300 to 40 bpm
_LIKELIEST_FRAMES, _SPREAD_OCTAVES = 50, 0.7  # Ellis: people hear beats near 120 bpm
_TIGHTNESS = 200  # what a change of tempo costs against a strong onset; Ellis: 100 to 400
_BASS = 55  # notes below tell the beat better, so they count twice
_NEAR = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])


def keeps_beat(notes: NDArray[np.int64]) -> bool:
    """Whether the onsets crowd at some places within the quarter note.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, at least one, sorted by onset.
    """
    onsets = notes[:, ONSET]
    onsets = onsets[starts_of(onsets)]
    if len(onsets) < FEWEST_MOMENTS:
        return True
    width = TICKS_PER_BEAT // _PLACES
    places = (onsets + width // 2) // width % _PLACES
    filled = np.sort(np.bincount(places, minlength=_PLACES))
    return bool(filled[-_PLACES // 4 :].sum() >= CROWDED * len(onsets))


def to_beat(notes: NDArray[np.int64], qpm: float) -> NDArray[np.int64] | None:
    """The notes with a beat found for them, a quarter note to the beat.

    Args:
        notes: Shape (notes, 5), as `Reading.notes`, which keep no beat.
        qpm: The tempo that the file states, in quarter notes a minute: it makes ticks seconds.

    Returns:
        The notes at their new ticks, or None where no beat could be believed.
    """
    frames_per_tick = 60 * _FRAMES_PER_S / (qpm * TICKS_PER_BEAT)
    onsets = (notes[:, ONSET] - notes[:, ONSET].min()) * frames_per_tick
    if onsets.max() > 3600 * _FRAMES_PER_S:
        return None  # over an hour: the tempo must be wrong
    weights = np.where(notes[:, PITCH] < _BASS, 2.0, 1.0)
    trial = onsets <= _TRIAL_S * _FRAMES_PER_S  # most that keep no beat show it at once
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
    """The beats from before the first onset until 20 s after the last, all in frames."""
    strength = _strength(onsets, weights)
    period = _period(strength)
    beats = _track(strength, period)
    # Beyond those that were found it goes on at the tempo there.
    first, last = (beats[1] - beats[0], beats[-1] - beats[-2]) if len(beats) > 1 else (period,) * 2
    before = np.arange(int(beats[0] // first) + 1, 0, -1)
    until = onsets.max() + 20 * _FRAMES_PER_S
    after = np.arange(1, int((until - beats[-1]) // last) + 2)
    return np.concatenate((beats[0] - first * before, beats, beats[-1] + last * after))


def _strength(onsets: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much begins at each frame, smoothed over 70 ms, with a deviation of 1."""
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
    """The likeliest length of a beat, in frames: what repeats after one, two and four of it."""
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
    # A beat is at least half a period after the one before, so half a period is done at once.
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
