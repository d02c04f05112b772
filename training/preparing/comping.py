"""Held chords struck in a band's rhythms: lead sheets state what to play, not how.

The standards that jamd learns from have a tune over chords that are held until the next one, which
is not how players play them. Here each such chord is struck in rhythms that are taken from other
music, bar by bar, and sometimes an eighth before its beat. Tune, harmony and voicings stay as they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from jamd.errors import CorpusError
from jamd.grid.grid import Grid
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Part, Piece, Tick
from jamd.parts import CHORD_SIZE
from jamd.training.corpus import Corpus, CorpusWriter

METER = Meter(4, 4)
"""The meter whose bars get new rhythms; in other meters the chords stay held."""

BAR = METER.ticks_per_bar
HELD = 2 * TICKS_PER_BEAT
"""Chords of fewer ticks count as a rhythm already."""

FEWEST_STRIKES, MOST_STRIKES = 2, 8
"""A bar with fewer strikes is no rhythm; one with more is no accompaniment."""

BARS_A_RHYTHM = 8
"""A player keeps a rhythm for about this many bars."""

ANTICIPATED = Tick(BAR - TICKS_PER_BEAT // 2)
"""From this tick of a bar on, a strike may already sound the next bar's chord."""

_SEED = 1

Rhythm = tuple[tuple[Tick, Tick], ...]
"""(onset within the bar, duration) of each strike of a bar, rising."""


@dataclass(frozen=True, slots=True)
class Pad:
    """The accompaniment notes of one onset; where they are struck anew, a held chord.

    Attributes:
        start: When they are struck.
        end: When the last of them ends.
        notes: The notes.
    """

    start: Tick
    end: Tick
    notes: tuple[Note, ...]


def rhythms_of(pieces: Iterable[Piece]) -> list[Rhythm]:
    """The rhythm of every 4/4 bar in which an accompaniment of chords moves, repeats included."""
    found: list[Rhythm] = []
    for piece in pieces:
        if piece.meters != ((Tick(0), METER),):
            continue
        strikes = [pad for pad in _moments(piece) if len(pad.notes) >= CHORD_SIZE]
        for line, bar in groupby(strikes, key=lambda pad: pad.start // BAR * BAR):
            rhythm = tuple((Tick(pad.start - line), Tick(pad.end - pad.start)) for pad in bar)
            if FEWEST_STRIKES <= len(rhythm) <= MOST_STRIKES:
                found.append(rhythm)
    return found


def struck(piece: Piece, rhythms: Sequence[Sequence[Rhythm]], rng: np.random.Generator) -> Piece:
    """`piece` with its held chords struck in some of `rhythms`.

    Args:
        piece: A piece in any meter; only held chords in bars of 4/4 change.
        rhythms: At least one list, each with at least one rhythm; all lists are equally likely to
            be drawn from.
        rng: Draws the rhythms, and whether chords are anticipated.
    """
    pads = [pad for pad in _moments(piece) if _is_held(pad)]
    held = {note for pad in pads for note in pad.notes}
    rest = [note for note in piece.notes if note not in held]
    anticipates = bool(rng.random() < 0.5)
    chosen: dict[int, Rhythm] = {}

    def strikes(bar: int) -> Rhythm:
        place = bar // BARS_A_RHYTHM
        if place not in chosen:
            these = rhythms[int(rng.integers(len(rhythms)))]
            chosen[place] = these[int(rng.integers(len(these)))]
        return chosen[place]

    new: list[Note] = []
    early: Tick | None = None  # when the coming chord is anticipated
    for pad, following in pairwise([*pads, None]):
        assert pad is not None
        if not _in_meter(piece, pad):
            new += pad.notes
            continue
        begin, early = early, None
        times = _times(pad, strikes)
        if begin is not None:
            until = next((start for start, _ in times if start > pad.start), pad.end)
            times = [(begin, Tick(until - begin)), *(t for t in times if t[0] >= until)]
        if (
            anticipates
            and following is not None
            and following.start == pad.end
            and _in_meter(piece, following)
            and len(times) > 1
        ):
            last = times[-1][0]
            if last % BAR >= ANTICIPATED and pad.end % BAR == 0:
                early = last
                times.pop()
        new += [n._replace(onset=on, duration=length) for on, length in times for n in pad.notes]
    return replace(piece, notes=tuple(sorted([*rest, *new])))


def write_struck(held: Corpus, others: Sequence[Corpus], path: Path, style: str) -> Corpus:
    """A corpus of the pieces of `held`, struck in the rhythms of the training pieces of `others`.

    Raises:
        CorpusError: A corpus is not of the grid language, or one of `others` has no rhythm.
    """
    for corpus in (held, *others):
        if corpus.language != "grid":
            raise CorpusError(
                f"{corpus.path}: expected a corpus of the grid language, found one "
                f"of the {corpus.language}'s; prepare it with --language grid"
            )
    language = Grid()
    found = [
        rhythms_of(
            language.decode(other.tokens(entry).tolist()) for entry in other.of_split("train")
        )
        for other in others
    ]
    if not all(found):
        raise CorpusError(
            f"{others[found.index([])].path}: expected bars of 4/4 in which chords are struck more "
            "than once, found none; name a corpus of accompaniments"
        )
    with CorpusWriter(path) as writer:
        for entry in held.pieces:
            rng = np.random.default_rng([_SEED, entry.id])
            piece = struck(language.decode(held.tokens(entry).tolist()), found, rng)
            piece = replace(piece, style=style)
            writer.add(
                np.array(language.encode(piece), np.uint16),
                source=entry.source,
                group=entry.group,
                split=entry.split,
                notes=len(piece.notes),
                has_velocity=entry.has_velocity,
            )
        return writer.finish(
            language="grid", vocabulary=language.vocabulary, style=style, left_out=held.left_out
        )


def _moments(piece: Piece) -> list[Pad]:
    """The accompaniment's notes, grouped by onset."""
    comp = sorted(note for note in piece.notes if note.part is Part.COMP)
    found = []
    for onset, group in groupby(comp, key=lambda note: note.onset):
        notes = tuple(group)
        found.append(Pad(onset, max(note.end for note in notes), notes))
    return found


def _is_held(pad: Pad) -> bool:
    """Whether this is a chord whose notes are held equally long, for `HELD` ticks or more."""
    lengths = {note.duration for note in pad.notes}
    return len(pad.notes) >= CHORD_SIZE and len(lengths) == 1 and pad.end - pad.start >= HELD


def _in_meter(piece: Piece, pad: Pad) -> bool:
    """Whether a chord starts in 4/4 whose bar lines are multiples of `BAR` from the beginning."""
    at = [i for i, (tick, _) in enumerate(piece.meters) if tick <= pad.start][-1]
    tick, meter = piece.meters[at]
    return meter == METER and tick % BAR == 0


def _times(pad: Pad, strikes: Callable[[int], Rhythm]) -> list[tuple[Tick, Tick]]:
    """(onset, duration) of each strike of a chord; the first is where the chord begins."""
    onsets: list[tuple[Tick, Tick]] = []
    for bar in range(pad.start // BAR, -(-pad.end // BAR)):
        for onset, length in strikes(bar):
            at = Tick(bar * BAR + onset)
            if pad.start <= at < pad.end:
                onsets.append((at, length))
    if not onsets or onsets[0][0] > pad.start:
        until = onsets[0][0] if onsets else pad.end
        onsets.insert(0, (pad.start, Tick(until - pad.start)))
    return [(at, Tick(min(length, pad.end - at))) for at, length in onsets]
