"""How far each part is transposed from where it sounds to where the model reads and writes it.

The model reads everything in C major or A minor (`jamd.harmony.key`), and has hardly ever read a
tune below G3. A bass player's tune, or a left hand's, is read octaves higher, and the tune that the
model writes sounds that many octaves lower. What lies under the tune stays in its octave: chords
two octaves lower would be mud.
"""

from __future__ import annotations

from collections.abc import Mapping

from jamd.columns import Columns
from jamd.harmony.chart import Changes
from jamd.harmony.chart_scale import home_of_chart
from jamd.harmony.key import home_of
from jamd.notes import Part

LOWEST_CENTRE = 60
"""C4: of the tunes that the default model learned from, 5 % are lower on average."""

OCTAVE = 12


def transposition_of(notes: Columns, changes: Changes | None = None) -> Mapping[Part, int]:
    """The semitones by which a model reads each part of `notes` higher, and writes it lower.

    If there are chord changes, they decide on the key.
    """
    home = home_of(notes) if changes is None else home_of_chart(changes)
    tune = notes.pitches[notes.lead]
    below = LOWEST_CENTRE - (float(tune.mean()) + home) if len(tune) else 0.0
    octaves = max(0, -int(-below // OCTAVE))
    return {Part.COMP: home, Part.LEAD: home + OCTAVE * octaves}
