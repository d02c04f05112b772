"""Limits that hold a continuation to the phrase that it answers.

They govern its entrance, ending, register, density, novelty and texture.

Each limit rules out tokens. Where together they would leave none, the later limits give way first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from jamd.grid.cadence import Cadence
from jamd.grid.copying import Copying, Place
from jamd.grid.entrance import Entrance
from jamd.grid.likeness import BACKING, FEWEST_COMP, Backing, Chords, Density, Register, rate_of
from jamd.grid.texture import Pace, Texture, Touch
from jamd.grid.tokens import COMP, VELOCITY
from jamd.grid.writer import GridWriter, Mask
from jamd.harmony.chart import Changes
from jamd.harmony.chart_scale import rests_on
from jamd.harmony.tonality import recent_tonality
from jamd.language import Constraints, Context
from jamd.notes import TICKS_PER_STEP, Meter, Note, Part, Tick


class Limit(Protocol):
    """Something that an answer must keep to."""

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer; its ticks count from the context's start."""

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), the tokens that may not come next."""


class Sparing:
    """A limit that spares the accompaniment on a change of chords, where it is due.

    Args:
        limit: The limit.
        changes: The chord changes.
        start: The context's start, from which the limit's ticks count.
        counts: Whether the limit takes in what it spares. One on how much is played does not, or
            the tune would stop where changes are close together.
    """

    def __init__(self, limit: Limit, changes: Changes, start: Tick, *, counts: bool) -> None:
        self._limit = limit
        self._changes = changes
        self._start = start
        self._counts = counts

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer, if it counts."""
        if self._counts or note.part is Part.LEAD or not self._spares(note.onset):
            self._limit.wrote(note)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), what the limit rules out and does not spare."""
        chord = mask[COMP:VELOCITY].copy()
        self._limit.narrow(mask, writer)
        if self._spares(writer.now):
            mask[COMP:VELOCITY] = chord

    def _spares(self, tick: Tick) -> bool:
        return self._changes.is_change(Tick(self._start + tick))


class Answering:
    """The limits of one continuation.

    Args:
        context: What is continued, and the phrase that is answered.
        constraints: Which limits apply.
        heard: (tick, pitch token) of each note of the context as the model reads it, in the order
            of the language.
        up: Semitones by which each part is transposed up for the model.
    """

    def __init__(
        self,
        context: Context,
        constraints: Constraints,
        heard: Iterable[Place],
        up: Mapping[Part, int],
    ) -> None:
        start, meter = context.start, context.meter
        phrase = _read(context.answered, start, up)
        answer = _read(context.answer, start, up)
        begin = Tick(answer[0].onset if answer else context.until - start)
        rate = rate_of(phrase, begin) if phrase else 0.0
        self.cadence: Cadence | None = None
        self._limits: list[Limit] = []
        end = None if constraints.ends is None else Tick(constraints.ends - start)
        if end is not None:
            part = Part.LEAD if Part.LEAD in constraints.parts else Part.COMP
            tones = _ending(context, up[part])
            self.cadence = Cadence(end, meter, tones, part, constraints.polyphony)
            self._limits.append(self.cadence)
        if phrase and constraints.near:
            self._limits.append(Register(phrase))
        if phrase and constraints.density:
            close = None if end is None or self.cadence is None else (end, self.cadence)
            most = constraints.density * rate
            amounts = [
                Density(most, begin, meter, close),
                *_chords(phrase, constraints.parts, most, begin, meter),
            ]
            self._limits += _sparing(amounts, context, counts=False)
        longest = constraints.repeat_bars * meter.ticks_per_bar or None
        half = bool(phrase) and end is not None
        if longest or half:
            copying = Copying(longest, half=half)
            recent = context.until - start - 2 * (longest or 0)
            copying.heard(heard, recent)
            self._limits.append(copying)
        if phrase:
            texture = _texture(phrase, constraints.parts, begin, meter, closes=end is not None)
            self._limits += _sparing(texture, context, counts=True)
        self._touch = Touch(phrase)
        for note in answer:
            for limit in self._limits:
                if not isinstance(limit, Copying):
                    limit.wrote(note)
        if constraints.begins is not None:
            soonest = -(-context.until // TICKS_PER_STEP) * TICKS_PER_STEP
            self._limits.insert(0, Entrance(Tick(max(constraints.begins, soonest) - start)))

    def wrote(self, note: Note) -> None:
        """Take in a note of the continuation; its ticks count from the context's start."""
        for limit in self._limits:
            limit.wrote(note)

    def narrow_durations(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), the durations that the present note may not have."""
        last = self.cadence is not None and self.cadence.is_final(writer.now)
        if not last:
            self._touch.narrow_durations(mask, writer)
        if self.cadence is not None:
            self.cadence.narrow_durations(mask, writer)

    def narrow(self, mask: Mask, writer: GridWriter) -> Mask:
        """What the limits leave of `mask`, (vocabulary,): empty only if it was empty before."""
        if not self._limits:
            return mask
        together = mask.copy()
        for limit in self._limits:
            limit.narrow(together, writer)
        if together.any():
            return together
        for limit in self._limits:
            narrowed = mask.copy()
            limit.narrow(narrowed, writer)
            if narrowed.any():
                mask = narrowed
        return mask


def _ending(context: Context, up: int) -> Callable[[Tick], frozenset[int]]:
    """The pitch classes, `up` semitones higher, on which what follows `context` may end.

    By the onset of its last note, counted from the context's start: of the tonic triad, or over
    chord changes of the chord's.
    """
    changes = context.changes
    if changes is not None:
        return lambda onset: _raised(rests_on(changes, Tick(context.start + onset)), up)
    tonality = recent_tonality(context)
    tones = _raised(tonality.tonic_tones if tonality else range(12), up)
    return lambda _: tones


def _raised(pitch_classes: Iterable[int], semitones: int) -> frozenset[int]:
    return frozenset((pitch_class + semitones) % 12 for pitch_class in pitch_classes)


def _chords(
    phrase: Sequence[Note], parts: frozenset[Part], most: float, begin: Tick, meter: Meter
) -> list[Limit]:
    """A limit that leaves the tune its share of `most` notes a tick, if there is to be one."""
    comp = [note for note in phrase if note.part is Part.COMP]
    if len(comp) == len(phrase):
        return []
    if len(comp) >= FEWEST_COMP:
        strokes = len({note.onset for note in comp})
        return [Chords(most * strokes / len(phrase), begin, meter)]
    return [Backing(most * BACKING, begin, meter)] if Part.LEAD in parts else []


def _sparing(limits: list[Limit], context: Context, *, counts: bool) -> list[Limit]:
    """The same limits, as `Sparing` if there are chord changes."""
    changes = context.changes
    if changes is None:
        return limits
    return [Sparing(limit, changes, context.start, counts=counts) for limit in limits]


def _texture(
    phrase: Sequence[Note], parts: frozenset[Part], begin: Tick, meter: Meter, *, closes: bool
) -> list[Limit]:
    """What keeps the parts together; if the answer `closes`, its pace too: `endless` may dwell."""
    texture: list[Limit] = [Texture(phrase, parts, begin, meter)]
    return [*texture, Pace(phrase, begin, meter)] if closes else texture


def _read(notes: Sequence[Note], start: Tick, up: Mapping[Part, int]) -> list[Note]:
    return [
        note._replace(onset=Tick(note.onset - start), pitch=note.pitch + up[note.part])
        for note in notes
    ]
