"""Keeps an answer in the phrase's texture: a tune over chords is answered by a tune over chords.

A model may let a part rest, and then takes the rest for the style: what has been silent for a bar
stays silent. So a part that the player played may rest as long as the player's did, or for a pulse
(a tune for a bar) if that is longer; then it joins in on the next pulse on which there is a note.
Where nothing sounds at all there may be no such pulse: everything may rest as long as the player
did between notes, or for a bar; then something sounds on the next pulse. What it is, is the model's
choice. In an answer, which is short, the time between onsets is limited as well (`Pace`). And a
tune that was played staccato is answered so (`Touch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from jamd.grid.likeness import FEWEST_COMP
from jamd.grid.tokens import BAR, CHORD, DURATION, DURATIONS, LEAD, POSITION, VELOCITY
from jamd.grid.writer import DURATION_TICKS, GridWriter, Mask, not_beyond
from jamd.notes import HELD, METERS, Meter, Note, Part, Tick

DETACHED = 0.6
"""A tune that sounds for at most this share of the time between its onsets was played detached: for
less, `jamd.lengths` takes no note to be meant longer."""


class Texture:
    """Brings a part back after a rest that is longer than the player's.

    Args:
        phrase: What the player played, at least one note.
        parts: The parts that may be written.
        begin: Tick at which the answer begins.
        meter: The meter.
    """

    def __init__(
        self, phrase: Sequence[Note], parts: frozenset[Part], begin: Tick, meter: Meter
    ) -> None:
        self._beat = meter.ticks_per_pulse
        least = {Part.LEAD: (1, meter.ticks_per_bar), Part.COMP: (FEWEST_COMP, self._beat)}
        self._rests: dict[Part, int] = {}  # how long each part may rest
        for part, (fewest, rest) in least.items():
            if part in parts and sum(note.part is part for note in phrase) >= fewest:
                self._rests[part] = max(rest, _longest_rest(phrase, (part,)))
        self._silence = max(meter.ticks_per_bar, _longest_rest(phrase, Part))
        self._until: dict[Part, int] = dict.fromkeys(Part, begin)  # when each part last sounded

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        self._until[note.part] = max(self._until[note.part], note.end)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), what would leave out a part, or anything, that is due."""
        self._end_silence(mask, writer)
        if writer.position < 0 or (writer.now - writer.bar_line) % self._beat:
            return
        if not writer.pitch_token and self._is_due(Part.COMP, writer.now):  # Comp comes first
            mask[LEAD:DURATION] = False
            self._stay(mask)
        elif writer.pitch_token < LEAD and self._is_due(Part.LEAD, writer.now):
            # After a chord, the density limit might leave no note for the tune.
            mask[CHORD:VELOCITY] = False
            self._stay(mask)

    def _end_silence(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask` what lies beyond the pulse on which something has to sound again."""
        due = -(-(max(self._until.values()) + self._silence) // self._beat) * self._beat
        not_beyond(due, mask, writer)

    def _is_due(self, part: Part, now: Tick) -> bool:
        return part in self._rests and now - self._until[part] >= self._rests[part]

    @staticmethod
    def _stay(mask: Mask) -> None:
        """Clear in `mask` what would leave the current position: more is to come there."""
        mask[POSITION:CHORD] = mask[BAR : BAR + len(METERS)] = False


class Pace:
    """Keeps an answer from stalling where its phrase runs: a run is not answered by held notes.

    From one onset to the next no more time passes than the player let pass, or a pulse if that is
    longer; then something is struck on the next pulse.

    Args:
        phrase: What the player played, at least one note.
        begin: Tick at which the answer begins.
        meter: The meter.
    """

    def __init__(self, phrase: Sequence[Note], begin: Tick, meter: Meter) -> None:
        self._pulse = meter.ticks_per_pulse
        self._gap = max(self._pulse, _longest_gap(phrase))
        self._struck: int = begin

    def wrote(self, note: Note) -> None:
        """Take in a note of the answer."""
        self._struck = max(self._struck, note.onset)

    def narrow(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), what lies beyond the pulse on which a note is due."""
        due = -(-(self._struck + self._gap) // self._pulse) * self._pulse
        not_beyond(due, mask, writer)


class Touch:
    """Keeps a tune as short as its phrase was played, if that was detached: staccato for staccato.

    Then no note but the last is longer than the player's longest, of which the last does not count
    either. A tune that sounds for more of the time is left to the model.

    Args:
        phrase: What the player played.
    """

    def __init__(self, phrase: Sequence[Note]) -> None:
        tune = [note for note in phrase if note.part is Part.LEAD]
        gaps = [after.onset - note.onset for note, after in pairwise(tune)]
        sounding = [note.duration for note in tune[:-1] if note.duration != HELD]
        detached = len(sounding) == len(gaps) > 1 and sum(sounding) <= DETACHED * sum(gaps)
        self._longest = max(sounding) if detached else None

    def narrow_durations(self, mask: Mask, writer: GridWriter) -> None:
        """Clear in `mask`, (vocabulary,), the durations that are too long for the tune."""
        if self._longest is not None and writer.pitch_token >= LEAD:
            durations = mask[DURATION : DURATION + len(DURATIONS)]
            durations[1:][self._longest < DURATION_TICKS[1:]] = False


def _longest_gap(phrase: Sequence[Note]) -> int:
    """The most ticks from one onset of a phrase to the next, or from the last to its end."""
    moments = [*(note.onset for note in phrase), max(note.end for note in phrase)]
    return max(after - before for before, after in pairwise(moments))


def _longest_rest(phrase: Sequence[Note], parts: Iterable[Part]) -> int:
    """The longest rest of all `parts`, in ticks, between a phrase's first onset and its end."""
    longest, until, those = 0, phrase[0].onset, frozenset(parts)
    for note in phrase:
        if note.part in those:
            longest = max(longest, note.onset - until)
            until = max(until, note.end)
    return max(longest, max(note.end for note in phrase) - until)
