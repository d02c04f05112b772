"""The tokens of the grid language, and what each stands for.

Standard library only: the front process and the configuration read `STYLES` here. The language
itself is `jamd.grid.grid`.
"""

from __future__ import annotations

from functools import cache

from jamd.harmony.harmony import CHORDS, QUALITIES
from jamd.notes import METERS, Meter, Step, Tick, to_tick
from jamd.vocabulary import Vocabulary

STYLES = ("jazz", "combo", "song", "chords", "piano", "roll", "game", "other")
"""What family a piece comes from; the player chooses the style of the answers by it. Combo is jazz
whose chords are struck in a band's rhythms; in jazz, from lead sheets, they are only held."""

LOWEST, HIGHEST = 21, 108
"""The pitches that have a token: A0..C8."""

VELOCITY_BINS = 8

DURATIONS = (
    *range(1, 13), 14, 15, 16, 18, 20, 21, 22, 23, 24, 27, 30, 32, 33, 36,
    42, 45, 48, 54, 60, 66, 72, 84, 96, 120, 144, 192,
)  # fmt: skip
"""Durations that have a token, in steps: all up to a quarter note, then those found in written
music or close to performed ones, up to sixteen beats."""

MOST_POSITIONS = max(meter.steps_per_bar for meter in METERS)

PHRASE_BARS = 8
"""The longest phrase whose bars are counted down."""

VOCABULARY = Vocabulary(
    [
        "Pad",
        "Start",
        "End",
        *(f"Style_{style}" for style in STYLES),
        *(f"Bar_{meter}" for meter in METERS),
        *(f"Position_{step}" for step in range(MOST_POSITIONS)),
        *(f"Chord_{chord}" for chord in CHORDS),
        *(f"Comp_{pitch}" for pitch in range(LOWEST, HIGHEST + 1)),
        *(f"Velocity_{level}" for level in range(VELOCITY_BINS)),
        *(f"Lead_{pitch}" for pitch in range(LOWEST, HIGHEST + 1)),
        *(f"Duration_{steps}" for steps in DURATIONS),
        *(f"Phrase_{bars}" for bars in range(1, PHRASE_BARS + 1)),
    ]
)

KINDS = tuple(VOCABULARY.kind(token) for token in range(len(VOCABULARY)))
"""The kind of each token, by id: "Bar", "Position", "Chord" and so on."""

# Where each kind's ids begin: encoding is arithmetic on these.
PAD, START, END = (VOCABULARY.id(name) for name in ("Pad", "Start", "End"))
STYLE = VOCABULARY.id(f"Style_{STYLES[0]}")
BAR = VOCABULARY.id(f"Bar_{METERS[0]}")
POSITION = VOCABULARY.id("Position_0")
CHORD = VOCABULARY.id(f"Chord_{CHORDS[0]}")
COMP = VOCABULARY.id(f"Comp_{LOWEST}")
VELOCITY = VOCABULARY.id("Velocity_0")
LEAD = VOCABULARY.id(f"Lead_{LOWEST}")
DURATION = VOCABULARY.id(f"Duration_{DURATIONS[0]}")
PHRASE = VOCABULARY.id("Phrase_1")

RHYTHM = tuple(
    token
    for token in range(len(VOCABULARY))
    if VOCABULARY.kind(token) in ("Bar", "Position", "Duration")
)

PITCHES = HIGHEST - LOWEST + 1


def style_token(style: str) -> int:
    """The token that states `style`. Raises ValueError if it is not one of `STYLES`."""
    if style not in STYLES:
        raise ValueError(f"expected a style of {', '.join(STYLES)}; found {style!r}")
    return STYLE + STYLES.index(style)


def bar_token(meter: Meter) -> int:
    """The token of a bar of `meter`. Raises ValueError if it is not one of `METERS`."""
    if meter not in METERS:
        raise ValueError(f"expected a meter of {', '.join(map(str, METERS))}; found {meter}")
    return BAR + METERS.index(meter)


def fold(pitch: int) -> int:
    """The pitch moved by octaves into `LOWEST..HIGHEST`."""
    while pitch < LOWEST:
        pitch += 12
    while pitch > HIGHEST:
        pitch -= 12
    return pitch


def velocity_bin(velocity: int) -> int:
    """MIDI velocity 1..127 -> bin 0..7."""
    return velocity * VELOCITY_BINS // 128


def bin_velocity(level: int) -> int:
    """Bin 0..7 -> the velocity in its middle, 8..120."""
    return level * 128 // VELOCITY_BINS + 64 // VELOCITY_BINS


@cache
def transposition(semitones: int) -> tuple[int, ...]:
    """Token id -> token id with pitches and chord roots `semitones` higher (or lower, below 0).

    Pitches that would leave the keyboard fold back by octaves; every other token is unchanged.
    """
    table = list(range(len(VOCABULARY)))
    for first in (COMP, LEAD):
        for pitch in range(LOWEST, HIGHEST + 1):
            table[first + pitch - LOWEST] = first + fold(pitch + semitones) - LOWEST
    for chord in range(len(CHORDS)):
        root, quality = divmod(chord, len(QUALITIES))
        table[CHORD + chord] = CHORD + (root + semitones) % 12 * len(QUALITIES) + quality
    return tuple(table)


def steps_of(duration_token: int) -> Step:
    """The length that a `Duration` token stands for."""
    return Step(DURATIONS[duration_token - DURATION])


def ticks_of(duration_token: int) -> Tick:
    """The length that a `Duration` token stands for, in ticks."""
    return to_tick(steps_of(duration_token))


def bars_left(line: int, end: int, bar: int) -> int | None:
    """How many bars of a phrase are left at a bar line, including the bar that begins there.

    Args:
        line: The bar line.
        end: Where the phrase ends, in the same unit.
        bar: The length of a bar.

    Returns:
        1..`PHRASE_BARS`, or None if the phrase is over or more bars are left than that.
    """
    left = -(-(end - line) // bar)
    return left if 1 <= left <= PHRASE_BARS else None
