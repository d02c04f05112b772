"""Chord changes given by the player: chord symbols on bars, and the chord in force at each tick.

A chart reads as on a lead sheet, `Dm7 G7 | Cmaj7 | % |`: bars between strokes, whose chords share
the bar evenly, and it goes round for as long as the jam lasts.

Standard library only: the front process and the configuration import this.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

from jamd.harmony.harmony import QUALITIES, ROOTS
from jamd.notes import Meter, Tick

AGAIN = "%"
"""A bar that is like the one before."""

ON = "/"
"""A share of a bar in which the chord before goes on; `.` is read as well."""

MOST_BARS = 400
"""A longer chart is refused, as every request to the model holds it."""

_STROKE = re.compile(r"(:?\|+(?:\.\s*$|:)?|\n)")  # `|.` ends a grid of ChordPro's
_SPELLINGS = (
    ("♭", "b"),
    ("♯", "#"),
    (r"6/9", "69"),
    (r"/[A-G][b#]?$", ""),  # the bass is the player's
    (r"/4$", "sus4"),
    (r"^([^\ds]*)\((?=7)", r"\1"),  # but what is added to a suspended chord colours it
    (r"[(,/](?=\d)", "add"),
    (r"[(),]", ""),
    (r"(?<=\d)[-–−]", "b"),
    (r"(?<=\d)\+", "#"),
    (r"^[-–−]|^(?i:minor|min|mi)", "m"),
    (r"^m[-–−/](?=[Mm])", "m"),
    (r"^(?i:dominant|dom)(?=\d)", ""),
    (r"^\+|^(?i:aug)", "aug"),
    (r"^([°º˚]|o(?!m)|(?i:dim))", "dim"),
    (r"^[øØ∅h](7|9|11)?", "m7b5"),
    (r"[Δ∆△^](\d*)", lambda found: f"maj{found[1] or 7}"),
    (r"(7|9)M", r"maj\1"),
    (r"(?i:major|maj)|M[aA]|ma(?![jd])|M|^j", "maj"),
)
"""Ways to write what follows a root -> one way, in the order in which they are applied."""

_ROOT = re.compile(r"([A-G])([b#♭♯]?)(.*)")
_REST = re.compile(
    r"(?P<triad>maj|m|dim|aug|)(?P<major>maj)?(?P<number>2|6|69|7|9|11|13|)"
    r"(?P<colours>(?:[b#](?:5|6|9|11|13)|add[b#]?\d+|(?:no|omit)5|sus(?:13|9|[24])?|alt)*)"
)
_HINTS = (
    (r"[a-g][b#♭♯]?([m7].*)?", "a chord begins with a capital letter"),
    (r"H.*", "write B for H, and Bb for B"),
    (r"(?i:n\.?c\.?)", f"jamd plays a chord throughout: {ON} goes on with the one before"),
    (r"[A-G][b#♭♯]?5|.*(no|omit)3\)?", "jamd plays the third: write C or Cm for C5"),
    (ON, "the first bar begins with a chord"),
    (AGAIN, f"it is a bar by itself, not the first; {ON} goes on with a chord"),
)
"""What cannot be read -> what to write instead."""

_SEVENTHS = ("7", "9", "11", "13")


@cache
def chord_named(symbol: str) -> int:
    """The index into `CHORDS` of what a symbol such as `F#m7b5` or `Bb13` names.

    Tensions, and a bass after a stroke, are read and left out: jamd knows ten kinds of chord.

    Raises:
        ValueError: It is no such symbol; the error holds it, and what to write instead.
    """
    found = _ROOT.fullmatch(symbol.strip("()"))
    rest = found[3] if found else ""
    for pattern, spelling in _SPELLINGS:
        rest = re.sub(pattern, spelling, rest)
    parsed = _REST.fullmatch(rest)
    quality = parsed and _quality(**parsed.groupdict())
    if found is None or quality is None:
        raise ValueError(symbol, _hint(symbol))
    root = ROOTS.index(found[1]) + {"": 0, "b": -1, "♭": -1, "#": 1, "♯": 1}[found[2]]
    if "sus2" in rest:
        root += 7  # Csus2 has the notes of Gsus4
    return root % len(ROOTS) * len(QUALITIES) + list(QUALITIES).index(quality)


def _hint(symbol: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.fullmatch(pattern, symbol)), "")


def _quality(triad: str, major: str | None, number: str, colours: str) -> str | None:
    """One of `QUALITIES`; None if the parts of a symbol make no sense together."""
    if major and (triad not in ("m", "aug") or number not in _SEVENTHS):
        return None
    flat_fifth = "b5" in colours
    if "sus" in colours:
        qualities = dict.fromkeys(("", "m", "maj"), ("sus4", "sus4"))
    else:
        qualities = {
            "": ("aug" if "#5" in colours and not number else "maj", "7"),
            "m": ("dim" if flat_fifth and not number else "min", "hdim7" if flat_fifth else "min7"),
            "maj": ("aug", "aug") if "#5" in colours else ("maj", "maj7"),
            "dim": ("dim", "dim7"),
            "aug": ("aug", "7"),
        }
    if triad not in qualities or (triad in ("dim", "aug") and number not in ("", *_SEVENTHS)):
        return None
    plain, seventh = qualities[triad]
    return seventh if (number in _SEVENTHS and not major) or "alt" in colours else plain


@dataclass(frozen=True, slots=True)
class Chart:
    """Chord symbols on bars.

    Attributes:
        bars: For each bar its shares, from left to right: a symbol, or `ON`. The first share of all
            is a symbol.
    """

    bars: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Chart:
        """Read a chart; a line break ends a bar like a stroke, and empty bars are none.

        What stands between `|:`, or the beginning, and `:|` is played twice.

        Raises:
            ValueError: A symbol is no chord, the first one repeats a chord, or there are more than
                `MOST_BARS`; the error holds what was found, and what to write instead.
        """
        bars: list[tuple[str, ...]] = []
        repeated = 0  # the first bar that the next `:|` repeats
        pieces = _STROKE.split(text)
        for bar, stroke in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
            shares = tuple(ON if share == "." else share for share in bar.split())
            if shares == (AGAIN,) and bars:
                bars.append(bars[-1])
            elif shares:
                bars.append(shares)
            if stroke.startswith(":"):
                bars += bars[repeated:]
            if ":" in stroke:
                repeated = len(bars)
        if len(bars) > MOST_BARS:
            raise ValueError(f"{len(bars)} bars", f"at most {MOST_BARS} go round")
        if not bars or bars[0][0] == ON:
            raise ValueError(ON if bars else "", _hint(ON))
        for symbol in {symbol for shares in bars for symbol in shares} - {ON}:
            chord_named(symbol)
        return cls(tuple(bars))

    def __str__(self) -> str:
        return " | ".join(map(" ".join, self.bars))

    @property
    def fullest(self) -> int:
        """The most shares that a bar has."""
        return max(map(len, self.bars))


@dataclass(frozen=True, slots=True)
class Changes:
    """A chart on the bars of a jam, going round and round.

    Attributes:
        symbols: (tick, symbol) of each share with a chord, from tick 0 of the chart on.
        length: The length of the chart.
        start: A tick at which it begins, on a bar line.
    """

    symbols: tuple[tuple[Tick, str], ...]
    length: Tick
    start: Tick = Tick(0)

    @classmethod
    def of(cls, chart: Chart, meter: Meter) -> Changes:
        """Lay out a chart; a bar that cannot be shared out evenly has more of its first chord.

        Raises:
            ValueError: A bar has more shares than the meter has beats.
        """
        most, bar = meter.numerator, meter.ticks_per_bar
        if chart.fullest > most:
            raise ValueError(f"{chart.fullest} chords in a bar of {meter}")
        symbols = []
        for number, shares in enumerate(chart.bars):
            share = most // len(shares) * (bar // most)
            longer = bar - share * len(shares)
            for index, symbol in enumerate(shares):
                if symbol != ON:
                    begin = index * share + (longer if index else 0)
                    symbols.append((Tick(number * bar + begin), symbol))
        return cls(tuple(symbols), Tick(len(chart.bars) * bar))

    def symbol_at(self, tick: Tick) -> str:
        """The symbol of the chord in force; before the first round it is as in the others."""
        place = (tick - self.start) % self.length
        return self.symbols[bisect_right(self.symbols, place, key=itemgetter(0)) - 1][1]

    def at(self, tick: Tick) -> int:
        """The chord in force: an index into `CHORDS`."""
        return chord_named(self.symbol_at(tick))

    def is_change(self, tick: Tick) -> bool:
        """Whether another chord is in force at `tick` than just before."""
        return self.at(tick) != self.at(Tick(tick - 1))

    def written(self, begin: Tick, end: Tick) -> Iterator[tuple[Tick, str]]:
        """(tick, symbol): what is in force at `begin`, then each share before `end`."""
        if begin < end:
            yield begin, self.symbol_at(begin)
        first_round = begin - (begin - self.start) % self.length
        for line in range(first_round, end, self.length):
            for place, symbol in self.symbols:
                if begin < line + place < end:
                    yield Tick(line + place), symbol

    def between(self, begin: Tick, end: Tick) -> Iterator[tuple[Tick, int]]:
        """(tick, index into `CHORDS`): what is in force at `begin`, then changes before `end`."""
        last = None
        for tick, symbol in self.written(begin, end):
            chord = chord_named(symbol)
            if chord != last:
                yield tick, chord
            last = chord
