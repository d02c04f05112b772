"""The article's language: note and chord names on a fixed step.

A token is what sounds at one onset: a single note by its name (`C4`, `E-5`), a chord by its normal
order (`0.4.7`), as music21 writes them. Rhythm is not kept: every token is played as half a beat.
The names come from the corpus, so every bundle has a vocabulary of its own.

The original wrote a chord's pitch classes at MIDI pitches 0–11. Here a chord is voiced close to
the chord before it; `as_the_article_writes` does it the original's way, for comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from jamd.grid.cadence import BREATH
from jamd.harmony.tonality import recent_tonality
from jamd.language import Constraints, Context
from jamd.notes import TICKS_PER_BEAT, Note, Part, Piece, Tick
from jamd.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = Tick(TICKS_PER_BEAT // 2)
"""How long a token lasts: half a beat."""

_BEAT = Tick(TICKS_PER_BEAT)

# As music21 spells MIDI pitches.
_SPELLING = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")

_OCTAVES = tuple(map(str, range(-1, 10)))

_CHORD_CENTRE = 57  # A3: where the first chord is voiced when nothing sounded before


def note_name(pitch: int) -> str:
    """MIDI pitch 0..127 -> its name with its octave; 60 is `C4`.

    Pitches under 12 are named an octave up: E in octave -1 would be `E-1`, the name of E flat 1.
    """
    pitch = max(pitch, 12 + pitch % 12)
    return f"{_SPELLING[pitch % 12]}{pitch // 12 - 1}"


def pitch_of(name: str) -> int | None:
    """The MIDI pitch of a note's name; None if it is a chord's name or no name at all."""
    for length in (2, 1):
        if name[:length] in _SPELLING and name[length:] in _OCTAVES:
            pitch = _SPELLING.index(name[:length]) + 12 * (int(name[length:]) + 1)
            return pitch if 0 <= pitch <= 127 else None
    return None


def normal_order(pitches: Iterable[int]) -> tuple[int, ...]:
    """The pitch classes of a chord in their most compact order.

    Of all rotations, the one with the smallest span; in a tie, the one packed closest to its
    start, then the one that starts on the lowest pitch class (Allen Forte, "The Structure of
    Atonal Music", 1973, section 1.1). music21 orders them in the same way.
    """
    classes = sorted({pitch % 12 for pitch in pitches})
    rotations: list[list[int]] = [classes[i:] + classes[:i] for i in range(len(classes))]

    def spread(rotation: list[int]) -> tuple[list[int], int]:
        first = rotation[0]
        intervals = [(other - first) % 12 for other in rotation]
        return [intervals[-1], *intervals[1:-1]], first

    best = min(rotations, key=spread, default=list[int]())
    return tuple(best)


def chord_name(pitches: Iterable[int]) -> str:
    """The name of several pitches at once: their normal order, `0.4.7`."""
    return ".".join(map(str, normal_order(pitches)))


def chord_classes(name: str) -> tuple[int, ...] | None:
    """The pitch classes that a chord's name lists in normal order; None if it is no such name."""
    parts = name.split(".")
    if not all(part.isdecimal() and int(part) < 12 for part in parts):
        return None
    classes = tuple(map(int, parts))
    return classes if classes == normal_order(classes) else None


def names(notes: Iterable[Note]) -> list[str]:
    """A name for every onset, in order. `notes` are sorted by onset."""
    moments = ([n.pitch for n in group] for _, group in groupby(notes, key=lambda n: n.onset))
    return [note_name(p[0]) if len(set(p)) == 1 else chord_name(p) for p in moments]


def voiced(classes: Sequence[int], centre: float) -> list[int]:
    """A chord's pitch classes as pitches, stacked upwards, its mean as near `centre` as possible.

    Args:
        classes: Pitch classes 0..11, not empty, in the order to stack them.
        centre: A MIDI pitch.
    """
    stack = [classes[0]]
    for pitch_class in classes[1:] or classes:  # a single class was read from an octave
        stack.append(stack[-1] + ((pitch_class - stack[-1]) % 12 or 12))
    octaves = round((centre - sum(stack) / len(stack)) / 12)
    return [pitch + 12 * octaves for pitch in stack]


def as_the_article_writes(notes: Iterable[Note]) -> list[Note]:
    """The same music as the original would have written it.

    Each pitch class of a chord is the MIDI pitch of that number, 0..11, and every note lasts a beat
    though the next onset is half a beat later: a beat is music21's default length.
    """
    written = (
        n._replace(duration=_BEAT, pitch=n.pitch % 12 if n.part is Part.COMP else n.pitch)
        for n in notes
    )
    return sorted(set(written))


class Article:
    """The article's language over the names that a corpus holds.

    Args:
        vocabulary: Names of notes and chords.

    Raises:
        ValueError: A token is neither a note's name nor a chord's.
    """

    name = "article"
    rhythm = ()

    def __init__(self, vocabulary: Vocabulary) -> None:
        for token in vocabulary:
            if pitch_of(token) is None and chord_classes(token) is None:
                raise ValueError(f"expected a name like C4 or 0.4.7, found {token!r}")
        self.vocabulary = vocabulary

    def encode(self, piece: Piece) -> list[int]:
        """A whole piece as token ids. Names that the vocabulary does not hold are left out."""
        return self._ids(piece.notes)

    def _ids(self, notes: Iterable[Note]) -> list[int]:
        return [self.vocabulary.id(name) for name in names(notes) if name in self.vocabulary]

    def notes_of(
        self, token: int, onset: Tick, centre: float = _CHORD_CENTRE, velocity: int = 80
    ) -> tuple[Note, ...]:
        """What a token sounds like: one Lead note, or a Comp chord voiced about `centre`."""
        name = self.vocabulary.token(token)
        pitch = pitch_of(name)
        if pitch is not None:
            return (Note(onset, pitch, velocity, STEP, Part.LEAD),)
        classes = chord_classes(name) or ()
        return tuple(Note(onset, p, velocity, STEP, Part.COMP) for p in voiced(classes, centre))

    def decode(self, tokens: Iterable[int]) -> tuple[Note, ...]:
        """Music that `encode` turns into these tokens: half a beat each, chords close together."""
        notes: list[Note] = []
        for i, token in enumerate(tokens):
            notes += self.notes_of(token, Tick(i * STEP))
        return tuple(sorted(notes))

    def begin(self, context: Context, constraints: Constraints) -> ArticleContinuation:
        """Start writing what follows `context`, from the next half beat on."""
        prefix, from_player = [], []
        theirs = {note.onset for note in context.heard}
        for onset, moment in groupby(context.notes, key=lambda note: note.onset):
            for token in self._ids(moment):
                prefix.append(token)
                from_player.append(onset in theirs)
        return ArticleContinuation(self, prefix, from_player, context, constraints)


class ArticleContinuation:
    """Music being written in the article's language: a token each half beat.

    If it is to end (`Constraints.ends`), its last token is a tone of the tonic triad or a chord
    that contains one; it lasts a beat or more and stops a sixteenth before the end.
    """

    def __init__(
        self,
        language: Article,
        prefix: list[int],
        from_player: list[bool],
        context: Context,
        constraints: Constraints,
    ) -> None:
        self.tokens = prefix
        self.from_player = from_player
        self._language = language
        self._constraints = constraints
        self._next = Tick(-(-context.until // STEP) * STEP)
        before = context.notes
        chords = [n.pitch for n in before if n.part is Part.COMP][-4:]
        self._centre = sum(chords) / len(chords) if chords else float(_CHORD_CENTRE)
        loud = [n.velocity for n in before]
        self._velocity = round(sum(loud) / len(loud)) if loud else 80
        self._mask = self._constant_mask()
        self._release = None if constraints.ends is None else Tick(constraints.ends - BREATH)
        self._last_mask = self._mask_of_last(context)
        if self._release is not None and self._next > self._release - TICKS_PER_BEAT:
            self._next = constraints.ends or self._next  # it is too late for another note
        self.preference = self._preference(context)

    def _constant_mask(self) -> NDArray[np.bool_]:
        tokens = range(len(self._language.vocabulary))
        mask = np.array([self._fits(token) for token in tokens])
        if not mask.any():  # nothing fits, but something must follow: lift the limits
            mask[:] = True
        # Where a chord will be voiced is not known yet, so only single notes are ruled out.
        names = map(self._language.vocabulary.token, tokens)
        free = mask & np.array([pitch_of(name) not in self._constraints.held for name in names])
        return free if free.any() else mask

    def _mask_of_last(self, context: Context) -> NDArray[np.bool_]:
        """The allowed tokens that contain a tone to end on; if there are none, all allowed ones."""
        tonality = recent_tonality(context)
        if tonality is None:
            return self._mask
        tones = tonality.tonic_tones
        tokens = range(len(self._mask))
        ends = [
            any(n.pitch % 12 in tones for n in self._language.notes_of(t, Tick(0))) for t in tokens
        ]
        mask = self._mask & np.array(ends)
        return mask if mask.any() else self._mask

    @property
    def _is_last(self) -> bool:
        """Whether there is room for only one more note, of a beat or more."""
        return self._release is not None and self._next + STEP > self._release - TICKS_PER_BEAT

    def _preference(self, context: Context) -> NDArray[np.float32] | None:
        """Log-weights that keep notes and chords to the key of the context."""
        tonality = recent_tonality(context) if self._constraints.in_key else None
        if tonality is None:
            return None
        in_scale = tonality.in_scale
        inside = [
            min(in_scale[n.pitch % 12] for n in self._language.notes_of(token, Tick(0)))
            for token in range(len(self._language.vocabulary))
        ]
        return np.log1p(-self._constraints.in_key * (1 - np.array(inside))).astype(np.float32)

    def _fits(self, token: int) -> bool:
        limits = self._constraints
        notes = self._language.notes_of(token, Tick(0), (limits.lowest + limits.highest) / 2)
        return len(notes) <= limits.polyphony and all(
            note.part in limits.parts and limits.lowest <= note.pitch <= limits.highest
            for note in notes
        )

    @property
    def through(self) -> Tick:
        """Every note with an onset before this tick has been returned by `push`."""
        return self._next

    def allowed(self) -> NDArray[np.bool_]:
        """Shape (vocabulary,): the tokens within the constraints."""
        return (self._last_mask if self._is_last else self._mask).copy()

    def due_before(self, token: int) -> int:
        """As `Continuation.due_before`: nothing is, since the language knows no chord changes."""
        return token

    def push(self, token: int) -> tuple[Note, ...]:
        """Take the next token; return its note or the notes of its chord.

        Raises:
            ValueError: `token` is not allowed here.
        """
        if not 0 <= token < len(self._mask) or not self.allowed()[token]:
            raise ValueError(f"token {token} is not allowed here")
        notes = self._language.notes_of(token, self._next, self._centre, self._velocity)
        notes = tuple(self._within_range(notes))
        if notes[0].part is Part.COMP:
            self._centre = sum(note.pitch for note in notes) / len(notes)
        self.tokens.append(token)
        if self._release is not None and self._is_last:
            notes = tuple(n._replace(duration=Tick(self._release - n.onset)) for n in notes)
            self._next = Tick(self._release + BREATH)
        else:
            self._next = Tick(self._next + STEP)
        return notes

    def _within_range(self, notes: Sequence[Note]) -> Iterable[Note]:
        """The notes, moved by octaves if the chord was voiced beyond the edge of the range."""
        pitches = [note.pitch for note in notes]
        lowest, highest = max(0, self._constraints.lowest), min(127, self._constraints.highest)
        shift = 0
        while max(pitches) + shift > highest and min(pitches) + shift - 12 >= 0:
            shift -= 12
        while min(pitches) + shift < lowest and max(pitches) + shift + 12 <= 127:
            shift += 12
        return [Note(n.onset, n.pitch + shift, n.velocity, n.duration, n.part) for n in notes]
