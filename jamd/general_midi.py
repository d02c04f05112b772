"""The sounds of General MIDI, level 1, by number and by name.

Musicians count them from 1, as the specification does; in a program change they count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

NAMES: Sequence[str] = (
    """
acoustic grand piano, bright acoustic piano, electric grand piano, honky-tonk piano,
electric piano 1, electric piano 2, harpsichord, clavi,
celesta, glockenspiel, music box, vibraphone, marimba, xylophone, tubular bells, dulcimer,
drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion, harmonica,
tango accordion,
acoustic guitar (nylon), acoustic guitar (steel), electric guitar (jazz), electric guitar (clean),
electric guitar (muted), overdriven guitar, distortion guitar, guitar harmonics,
acoustic bass, electric bass (finger), electric bass (pick), fretless bass, slap bass 1,
slap bass 2, synth bass 1, synth bass 2,
violin, viola, cello, contrabass, tremolo strings, pizzicato strings, orchestral harp, timpani,
string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, choir aahs, voice oohs,
synth voice, orchestra hit,
trumpet, trombone, tuba, muted trumpet, french horn, brass section, synth brass 1, synth brass 2,
soprano sax, alto sax, tenor sax, baritone sax, oboe, english horn, bassoon, clarinet,
piccolo, flute, recorder, pan flute, blown bottle, shakuhachi, whistle, ocarina,
lead 1 (square), lead 2 (sawtooth), lead 3 (calliope), lead 4 (chiff), lead 5 (charang),
lead 6 (voice), lead 7 (fifths), lead 8 (bass + lead),
pad 1 (new age), pad 2 (warm), pad 3 (polysynth), pad 4 (choir), pad 5 (bowed), pad 6 (metallic),
pad 7 (halo), pad 8 (sweep),
fx 1 (rain), fx 2 (soundtrack), fx 3 (crystal), fx 4 (atmosphere), fx 5 (brightness),
fx 6 (goblins), fx 7 (echoes), fx 8 (sci-fi),
sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai,
tinkle bell, agogo, steel drums, woodblock, taiko drum, melodic tom, synth drum, reverse cymbal,
guitar fret noise, breath noise, seashore, bird tweet, telephone ring, helicopter, applause, gunshot
""".strip()
    .replace("\n", " ")
    .split(", ")
)
"""The name of each sound, that of sound 1 first."""


def name_of(number: int) -> str:
    """The name of a sound, 1..128."""
    return NAMES[number - 1]


def named(text: str) -> list[int]:
    """The numbers of the sounds that `text` may mean: it is a name, or some words of one."""
    words = _words(text)
    if words in _WORDS:
        return [_WORDS.index(words) + 1]
    return [n for n, theirs in enumerate(_WORDS, 1) if words and set(words) <= set(theirs)]


def closest(text: str) -> str:
    """The name that is most like `text`; empty if none is."""
    return next(iter(get_close_matches(" ".join(_words(text)), NAMES, n=1)), "")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


_WORDS = [_words(name) for name in NAMES]
