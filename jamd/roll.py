"""A take as a picture: a piano roll in SVG, standard library only.

Time runs to the right, eight bars a row; pitch runs up. Each voice has its own colour, louder notes
are more opaque, bars and beats are lines, the background is tinted by whose turn it was, and the
chords that were given stand above.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from jamd.errors import printable
from jamd.notes import TICKS_PER_BEAT, Meter, Note, Tick

PLAYER, LEAD, COMP = "#2563a8", "#d9622b", "#e2a33d"
"""Colours of the player, of jamd's lead and of jamd's chords: distinct to colour-blind eyes too."""

_TINT_OPACITY = 0.10
_BARS_A_ROW = 8
_BEAT_WIDTH = 36  # px
_BOLD_WIDTH = 7  # px of a letter of a chord, about
_PITCH_HEIGHT = 7  # px
_LEFT, _TOP, _GAP, _MARGIN = 46, 58, 34, 16  # px
_BEAT, _EIGHTH = "#d0d0d8", "#e9e9ee"
_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


@dataclass(frozen=True, slots=True)
class Voice:
    """Notes drawn in one colour.

    Attributes:
        name: For the legend.
        colour: As SVG writes it.
        notes: In any order.
    """

    name: str
    colour: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Attributes:
        title: One line above it.
        voices: At least one, in the legend's order.
        meters: (tick, meter), by tick, the first at tick 0, each on a bar line.
        turns: (tick, colour of the one whose turn begins there), by tick.
        chords: (tick, symbol of the chord played over from there on), by tick.
    """

    title: str
    voices: tuple[Voice, ...]
    meters: tuple[tuple[Tick, Meter], ...] = ((Tick(0), Meter(4, 4)),)
    turns: tuple[tuple[Tick, str], ...] = field(default=())
    chords: tuple[tuple[Tick, str], ...] = field(default=())


def pitch_name(pitch: int) -> str:
    """60 -> C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def bar_lines(meters: Sequence[tuple[Tick, Meter]], end: int) -> list[Tick]:
    """The bar lines up to the first at or after tick `end`, at least two."""
    lines = [Tick(0)]
    while len(lines) < 2 or lines[-1] < end:
        lines.append(Tick(lines[-1] + _meter_at(meters, lines[-1]).ticks_per_bar))
    return lines


def _meter_at(meters: Sequence[tuple[Tick, Meter]], tick: Tick) -> Meter:
    place = bisect_right(meters, tick, key=lambda change: change[0]) - 1
    return meters[max(0, place)][1]


def draw(picture: Picture) -> str:
    """The picture as an SVG document."""
    notes = [note for voice in picture.voices for note in voice.notes]
    bars = bar_lines(picture.meters, max((note.end for note in notes), default=0))
    lowest = min((note.pitch for note in notes), default=55) - 2
    highest = max((note.pitch for note in notes), default=67) + 2
    rows = [
        _Row(i + 1, bars[i : i + _BARS_A_ROW + 1], lowest, highest)
        for i in range(0, len(bars) - 1, _BARS_A_ROW)
    ]
    width = _LEFT + max(row.width for row in rows) + _MARGIN
    row_height = rows[0].height + _GAP
    height = _TOP + row_height * len(rows)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
                f'width="{width:g}" height="{height:g}" role="img" '
                'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333">'
            ),
            f"<title>{_text(picture.title)}</title>",
            f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
            *_header(picture),
            *(
                line
                for i, row in enumerate(rows)
                for line in row.draw(picture, _TOP + row_height * i)
            ),
            "</svg>\n",
        ]
    )


def _text(text: str) -> str:
    """A name escaped for XML, which allows no control characters."""
    return escape(printable(text))


def _header(picture: Picture) -> Iterator[str]:
    style = 'font-size="15" font-weight="bold"'
    yield f'<text x="{_LEFT}" y="24" {style}>{_text(picture.title)}</text>'
    x = _LEFT
    for voice in picture.voices:
        yield f'<rect x="{x}" y="34" width="10" height="10" rx="2" fill="{voice.colour}"/>'
        yield f'<text x="{x + 15}" y="43">{_text(voice.name)}</text>'
        x += 35 + 7 * len(printable(voice.name))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the picture: some of its bars.

    Attributes:
        number: Of its first bar, from 1.
        bars: Its bar lines, the last one included.
        lowest: The lowest pitch drawn.
        highest: The highest pitch drawn.
    """

    number: int
    bars: Sequence[Tick]
    lowest: int
    highest: int

    @property
    def width(self) -> float:
        return (self.bars[-1] - self.bars[0]) * _BEAT_WIDTH / TICKS_PER_BEAT

    @property
    def height(self) -> int:
        return (self.highest - self.lowest + 1) * _PITCH_HEIGHT

    def _x(self, tick: float) -> float:
        inside = min(max(tick, self.bars[0]), self.bars[-1])
        return _LEFT + (inside - self.bars[0]) * _BEAT_WIDTH / TICKS_PER_BEAT

    def _y(self, pitch: int) -> int:
        return (self.highest - pitch) * _PITCH_HEIGHT

    def draw(self, picture: Picture, top: float) -> Iterator[str]:
        """The row's elements, its upper edge at `top`."""
        yield f'<g transform="translate(0 {top:g})">'
        yield from self._keys()
        yield from self._turns(picture.turns)
        yield from self._lines(picture.meters)
        yield from self._chords(picture.chords)
        for voice in picture.voices:
            yield f'<g fill="{voice.colour}">'
            yield from self._notes(voice.notes)
            yield "</g>"
        yield "</g>"

    def _keys(self) -> Iterator[str]:
        for pitch in range(self.lowest, self.highest + 1):
            if pitch % 12 in _BLACK_KEYS:
                yield _rect(_LEFT, self._y(pitch), self.width, _PITCH_HEIGHT, 'fill="#f3f3f5"')
            elif pitch % 12 == 0:
                y = self._y(pitch)
                yield (
                    f'<text x="{_LEFT - 6}" y="{y + _PITCH_HEIGHT}" text-anchor="end" '
                    f'font-size="10" fill="#777">{pitch_name(pitch)}</text>'
                )
                yield _line(_LEFT, y + _PITCH_HEIGHT, _LEFT + self.width, "#dcdce0", across=True)

    def _turns(self, turns: Sequence[tuple[Tick, str]]) -> Iterator[str]:
        ends = [tick for tick, _ in turns[1:]] + [self.bars[-1]]
        for (tick, colour), end in zip(turns, ends, strict=bool(turns)):
            x, width = self._x(tick), self._x(end) - self._x(tick)
            if width > 0:
                style = f'fill="{colour}" fill-opacity="{_TINT_OPACITY}"'
                yield _rect(x, 0, width, self.height, style)

    def _lines(self, meters: Sequence[tuple[Tick, Meter]]) -> Iterator[str]:
        """Lines at the bars, at the pulses, and in 6/8 at the eighths between them."""
        for i, (start, end) in enumerate(zip(self.bars, self.bars[1:], strict=False)):
            meter = _meter_at(meters, start)
            pulse, unit = meter.ticks_per_pulse, 4 * TICKS_PER_BEAT // meter.denominator
            for beat in range(start + unit, end, unit):
                colour = _EIGHTH if (beat - start) % pulse else _BEAT
                yield _line(self._x(beat), 0, self.height, colour)
            yield _line(self._x(start), 0, self.height, "#9a9aa2")
            yield (
                f'<text x="{self._x(start) + 3:g}" y="{self.height + 13}" font-size="10" '
                f'fill="#777">{self.number + i}</text>'
            )
        yield _line(self._x(self.bars[-1]), 0, self.height, "#9a9aa2")

    def _chords(self, chords: Sequence[tuple[Tick, str]]) -> Iterator[str]:
        ends = [*(tick for tick, _ in chords[1:]), self.bars[-1]]
        for (tick, symbol), end in zip(chords, ends, strict=bool(chords)):
            room = self._x(end) - self._x(tick) - 6
            if self.bars[0] <= tick < self.bars[-1] and room > 0:
                style = f'x="{self._x(tick) + 3:g}" y="-3" font-weight="bold"'
                if len(symbol) * _BOLD_WIDTH > room:
                    style += f' textLength="{room:g}" lengthAdjust="spacingAndGlyphs"'
                yield f"<text {style}>{_text(symbol)}</text>"

    def _notes(self, notes: Iterable[Note]) -> Iterator[str]:
        for note in sorted(notes):
            if note.onset < self.bars[-1] and note.end > self.bars[0]:
                x = self._x(note.onset)
                width = max(2.5, self._x(note.end) - x - 1)
                opacity = 0.45 + 0.55 * note.velocity / 127
                style = f'rx="2" fill-opacity="{opacity:.2f}"'
                yield _rect(x, self._y(note.pitch) + 0.5, width, _PITCH_HEIGHT - 1, style)


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {style}/>'


def _line(x: float, y: float, end: float, colour: str, *, across: bool = False) -> str:
    other = f'x2="{end:g}" y2="{y:g}"' if across else f'x2="{x:g}" y2="{end:g}"'
    return f'<line x1="{x:g}" y1="{y:g}" {other} stroke="{colour}"/>'
