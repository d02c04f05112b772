"""The piano roll: every note is in the picture, where it belongs."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from jamd.notes import Meter, Note, Tick
from jamd.roll import COMP, LEAD, PLAYER, Picture, Voice, bar_lines, draw, pitch_name

BAR = Meter(4, 4).ticks_per_bar
NOTES = st.builds(
    Note,
    onset=st.integers(0, 20 * BAR).map(Tick),
    pitch=st.integers(0, 127),
    velocity=st.integers(1, 127),
    duration=st.integers(1, BAR).map(Tick),
)


def drawn(svg: str, colour: str) -> list[ET.Element]:
    """The notes drawn in `colour`, row by row."""
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    return [one for group in root.iter(f"{space}g") if group.get("fill") == colour for one in group]


@given(st.lists(NOTES, max_size=20), st.lists(NOTES, max_size=20))
def test_every_note_is_drawn_in_its_voices_colour(one: list[Note], other: list[Note]) -> None:
    voices = (Voice("player", PLAYER, tuple(one)), Voice("jamd", LEAD, tuple(other)))
    svg = draw(Picture("a take", voices))
    for notes, colour in ((one, PLAYER), (other, LEAD)):
        # A note that rings over the end of a row is drawn in both.
        rows = [range(n.onset // (8 * BAR), (n.end - 1) // (8 * BAR) + 1) for n in notes]
        assert len(drawn(svg, colour)) == sum(map(len, rows))


def test_places_and_sizes() -> None:
    notes = (Note(Tick(0), 60, 127, Tick(480)), Note(Tick(BAR), 72, 127, Tick(240)))
    first, second = drawn(draw(Picture("", (Voice("v", COMP, notes),))), COMP)
    assert float(second.attrib["x"]) - float(first.attrib["x"]) == 4 * 36
    assert float(first.attrib["y"]) - float(second.attrib["y"]) == 12 * 7
    assert float(first.attrib["width"]) == 35


def test_bar_lines_follow_the_meter() -> None:
    meters = ((Tick(0), Meter(3, 4)), (Tick(2880), Meter(4, 4)))
    assert bar_lines(meters, 4800) == [0, 1440, 2880, 4800]
    assert bar_lines(meters, 0) == [0, 1440]


def test_turns_tint_the_background() -> None:
    notes = (Note(Tick(0), 60, 80, Tick(4 * BAR)),)
    turns = ((Tick(0), PLAYER), (Tick(2 * BAR), LEAD))
    svg = draw(Picture("", (Voice("v", COMP, notes),), turns=turns))
    assert svg.count('fill-opacity="0.1"') == 2


def test_a_title_cannot_break_the_picture() -> None:
    svg = draw(Picture("<jam> & 'co'", (Voice("</svg>", PLAYER, ()),)))
    assert ET.fromstring(svg)[0].text == "<jam> & 'co'"


@given(st.text(st.characters(), max_size=10))
def test_no_name_makes_a_picture_that_cannot_be_opened(name: str) -> None:
    svg = draw(Picture(name, (Voice(name, LEAD, ()),)))
    ET.fromstring(svg.encode("utf-8"))


def test_what_no_xml_may_hold_is_shown_escaped() -> None:
    svg = draw(Picture("jam", (Voice("a\0b\x1b[31m", LEAD, ()),)))
    assert ">a\\x00b\\x1b[31m</text>" in svg


def test_pitch_names() -> None:
    assert [pitch_name(pitch) for pitch in (0, 60, 70)] == ["C-1", "C4", "B♭4"]


def test_beats_are_those_of_the_meter() -> None:
    def lines(meter: Meter) -> list[float]:
        svg = draw(Picture("", (Voice("v", LEAD, ()),), ((Tick(0), meter),)))
        found = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}line")
        return sorted(
            (float(line.attrib["x1"]) - 46) / 36
            for line in found
            if line.attrib["stroke"] == "#d0d0d8"
        )

    assert lines(Meter(4, 4)) == [1, 2, 3]
    assert lines(Meter(3, 4)) == [1, 2]
    assert lines(Meter(6, 8)) == [1.5]
    assert lines(Meter(2, 2)) == [2]


def test_chords_close_together_do_not_cover_each_other() -> None:
    voice = Voice("jamd", LEAD, (Note(Tick(0), 60, duration=Tick(BAR)),))
    symbols = ("F#m7b5", "B7", "Ebmaj7#11", "Dm7")
    chords = tuple((Tick(480 * beat), symbol) for beat, symbol in enumerate(symbols))
    root = ET.fromstring(draw(Picture("a chord a beat", (voice,), chords=chords)))
    lengths = {text.text: text.get("textLength") for text in root.iter() if text.text in symbols}
    assert lengths == {"F#m7b5": "30", "B7": None, "Ebmaj7#11": "30", "Dm7": None}


def test_of_two_chords_at_almost_one_moment_only_the_second_has_room() -> None:
    voice = Voice("jamd", LEAD, (Note(Tick(0), 60, duration=Tick(BAR)),))
    chords = ((Tick(450), "F#m7b5"), (Tick(480), "B7"))
    root = ET.fromstring(draw(Picture("changes given just before", (voice,), chords=chords)))
    assert [text.text for text in root.iter() if text.text in ("F#m7b5", "B7")] == ["B7"]
