"""Where the first bar begins: on the first note, or after a pickup.

If there was no beat before the first note, that note may be an upbeat. A listener recognises this
by where notes lie: long notes, and notes longer than the one before, begin on strong beats; so do
chords and bass notes; a phrase comes to rest on a strong beat (Lerdahl and Jackendoff, "A
Generative Theory of Tonal Music", 1983, metrical preference rules). Here each such sign has a
weight for every kind of place in the bar, and the bar line is put where their sum is greatest. The
weights are those of a conditional logit fitted to the openings of folk tunes, lead sheets, songs
and piano pieces.

The model has heard much more music than that, and gives the likelihood of the phrase's rhythm with
each pickup: of the bar lines, positions and durations of its tokens, but not the pitches, which
make more mistakes. If the model is asked, this is added. The margin is chosen so that a wrong bar
line is rare, because a player who begins on beat one expects to be understood. On 619 phrases of 8
to 24 onsets, played with a person's timing, that the model was not trained on (songs, piano pieces
and folk tunes counting alike), the signs find 41 % of the pickups and take 4.8 % of the downbeats
for one, and both together 53 and 4.6 %. `jamd measure pickups` plays others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import add, attrgetter

from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

MARGIN = 2.5
"""How much likelier a pickup must be than none, in nats."""

READ_AS = ("combo", "song")
"""The styles in which the model reads the phrase, since its own style is not known."""

FEWEST_ONSETS = 6
"""Fewer onsets are too few to find a pickup."""

_MOST_ONSETS = 24
_VELOCITY = 80  # the model was measured on phrases without dynamics

# In each row: the downbeat, the middle of the bar, another beat, its half or a triplet, the rest.
_LENGTHS = (
    (TICKS_PER_BEAT // 4, (0.6, -0.2, 0.1, -0.1, -0.4)),
    (TICKS_PER_BEAT // 2, (0.7, 0.2, 0.2, 0.3, -1.1)),
    (TICKS_PER_BEAT, (0.6, 0.0, 0.4, -0.2, -0.7)),
    (TICKS_PER_BEAT * 2, (0.6, 0.0, 0.0, -0.4, -0.3)),
)
_LONGEST = (0.7, -0.5, -0.2, 0.2, -0.1)
_LONGER = (0.4, 0.4, -0.3, -0.7, 0.1)  # longer than the note before
_LAST = (0.8, 0.3, 0.0, -0.5, -0.6)
_CHORD = (0.4, 0.2, 0.2, -0.6, -0.2)  # of at least one note more than the mean
_BASS = (0.8, 0.2, -0.2, -0.5, -0.2)

_TRIPLETS = (TICKS_PER_BEAT // 3, TICKS_PER_BEAT * 2 // 3)
_HIGHEST_BASS, _LOWEST_TUNE = 51, 60


def candidates(meter: Meter) -> tuple[Tick, ...]:
    """All possible pickups, in ticks: first none, then up to a beat (in 6/8 a dotted quarter)."""
    sixteenths = range(TICKS_PER_BEAT // 4, meter.ticks_per_pulse + 1, TICKS_PER_BEAT // 4)
    triplets = () if _is_compound(meter) else _TRIPLETS
    return tuple(map(Tick, (0, *sixteenths, *triplets)))


def signs(notes: Sequence[Note], meter: Meter) -> tuple[float, ...]:
    """How much speaks for each of `candidates`, in nats; empty if there are too few onsets.

    Args:
        notes: The phrase, by onset, as placed on the grid.
        meter: Its meter.
    """
    onsets = [(tick, list(chord)) for tick, chord in groupby(notes, key=attrgetter("onset"))][
        :_MOST_ONSETS
    ]
    if len(onsets) < FEWEST_ONSETS:
        return ()
    found = _signs(onsets)
    first = onsets[0][0]
    return tuple(
        sum(weights[_kind_of_place(tick - first - candidate, meter)] for tick, weights in found)
        for candidate in candidates(meter)
    )


def opening(notes: Sequence[Note]) -> list[Note]:
    """The part of a phrase that is examined, with every note equally loud."""
    last = sorted({note.onset for note in notes})[:_MOST_ONSETS][-1]
    return [note._replace(velocity=_VELOCITY) for note in notes if note.onset <= last]


def pickup(notes: Sequence[Note], meter: Meter, nats: Sequence[float] = ()) -> Tick:
    """How long before a bar line a phrase begins.

    Args:
        notes: The phrase, by onset, as placed on the grid; at least one note.
        meter: Its meter.
        nats: The model's log-likelihood of its rhythm with each of `candidates`; empty: not known.
    """
    told = signs(notes, meter)
    if not told:
        return Tick(0)
    if nats:
        told = tuple(map(add, told, nats))
    best = max(range(1, len(told)), key=told.__getitem__)
    return candidates(meter)[best] if told[best] >= told[0] + MARGIN else Tick(0)


Weights = tuple[float, ...]


def _signs(onsets: Sequence[tuple[Tick, list[Note]]]) -> list[tuple[Tick, Weights]]:
    """(tick, weights by the kind of place) of every sign in the phrase."""
    signs: list[tuple[Tick, Weights]] = [(onsets[-1][0], _LAST)]
    before = None
    for (tick, _), (following, _) in pairwise(onsets):
        length = following - tick
        signs.append((tick, next((row for most, row in _LENGTHS if length <= most), _LONGEST)))
        if before is not None and length > before:
            signs.append((tick, _LONGER))
        before = length
    common = sum(len(chord) for _, chord in onsets) / len(onsets)
    signs += [(tick, _CHORD) for tick, chord in onsets if len(chord) >= common + 1]
    if max(note.pitch for _, chord in onsets for note in chord) >= _LOWEST_TUNE:
        signs += [
            (tick, _BASS)
            for tick, chord in onsets
            if min(note.pitch for note in chord) <= _HIGHEST_BASS
        ]
    return signs


def _is_compound(meter: Meter) -> bool:
    return meter.ticks_per_pulse > TICKS_PER_BEAT


def _kind_of_place(tick: int, meter: Meter) -> int:
    in_bar = tick % meter.ticks_per_bar
    if in_bar == 0:
        return 0
    if meter != Meter(3, 4) and in_bar * 2 == meter.ticks_per_bar:
        return 1
    if _is_compound(meter):
        return 3 if in_bar % (TICKS_PER_BEAT // 2) == 0 else 4
    in_beat = in_bar % TICKS_PER_BEAT
    if in_beat == 0:
        return 2
    return 3 if in_beat in (TICKS_PER_BEAT // 2, *_TRIPLETS) else 4
