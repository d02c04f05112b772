"""Does jamd find the bar line by itself? Openings are played to a session, end to end.

An opening is a line of `openings.txt` (as in `jamd.measure.performances`; onsets count from the bar
line before its first note): 8 to 24 onsets of a tune that begins after a rest of a beat or more, on
a bar line or up to a beat before one. `tools/cut_openings.py` cut them from the held-out pieces of
the default model's corpora of standards (OpenEWLD, MIT), songs (OpenScore Lieder, CC0) and piano
music (Mutopia, public domain), so the model has not learned them.

They are played with a person's timing and touch, in the session's tempo. The session takes the
first note for beat one, and moves its bar line when it finds a pickup. What is measured is where
the first note lies in the bar at the end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from mido import Message

from jamd.bundle.bundle import Bundle
from jamd.daemon.events import BarLineFound, Event, Heard, WorkerReady
from jamd.daemon.model.improviser import Improviser
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.virtual import Judge, ScriptedImproviser, VirtualJam
from jamd.measure.performances import HUMAN_SECONDS, Performance, shipped
from jamd.measure.report import Figure, share
from jamd.notes import TICKS_PER_BEAT

MOST_WRONG = "<= 5"

_BEGINS_S, _AFTERWARDS_S = 1.0, 6.0
_SHORTEST, _LONGEST = 0.75, 1.0  # how much of its length a note sounds


@dataclass(frozen=True, slots=True)
class FoundPickup:
    """How many ticks before a bar line one opening begins: `pickup` in truth, `found` by jamd."""

    kind: str
    pickup: int
    found: int


def figures(bundle: Bundle) -> Iterator[Figure]:
    """For each kind of music and for all: pickups found, and bar lines moved without a pickup.

    Args:
        bundle: The model that is asked.
    """
    judge = Improviser(bundle).likelihoods
    found = [find_pickup(opening, judge) for opening in shipped("openings.txt")]
    for kind in dict.fromkeys(each.kind for each in found):
        yield from _figures(kind, [each for each in found if each.kind == kind])
    yield from _figures("all", found)


def _figures(kind: str, found: Sequence[FoundPickup]) -> Iterator[Figure]:
    pickups = [each for each in found if each.pickup]
    others = [each for each in found if not each.pickup]
    limit = MOST_WRONG if kind == "all" else None
    yield share(
        f"{kind}: pickups found", sum(each.found == each.pickup for each in pickups), len(pickups)
    )
    yield share(
        f"{kind}: downbeats mistaken", sum(each.found > 0 for each in others), len(others), limit
    )


def find_pickup(opening: Performance, judge: Judge) -> FoundPickup:
    """Play `opening` to a session that asks `judge`."""
    played = VirtualJam(
        Session(Settings(bpm=opening.bpm, meter=opening.meter)),
        ScriptedImproviser(),
        _events(opening),
        judge,
    )
    played.run(opening.notes[-1].end * 60 / opening.bpm / TICKS_PER_BEAT + _AFTERWARDS_S)
    by = sum(entry.by for entry in played.entries if isinstance(entry, BarLineFound))
    bar = opening.meter.ticks_per_bar
    return FoundPickup(opening.kind, -opening.notes[0].onset % bar, -by % bar)


def _events(opening: Performance) -> Iterator[tuple[float, Event]]:
    chance = random.Random(opening.name)
    rate, first = 60 / opening.bpm / TICKS_PER_BEAT, opening.notes[0].onset
    struck = [
        (note.onset - first) * rate + chance.gauss(_BEGINS_S, HUMAN_SECONDS)
        for note in opening.notes
    ]
    yield 0.0, WorkerReady()
    for note, at, following in zip(opening.notes, struck, [*struck[1:], inf], strict=True):
        sounds = chance.uniform(_SHORTEST, _LONGEST) * note.duration * rate
        yield at, Heard(Message("note_on", note=note.pitch, velocity=80))
        yield min(at + sounds, following), Heard(Message("note_off", note=note.pitch))
