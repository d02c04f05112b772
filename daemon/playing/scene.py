"""The scene: what the players do at one moment, and when an answer to it is due."""

from __future__ import annotations

from dataclasses import dataclass

from jamd.daemon.events import Turn
from jamd.daemon.listening.phrase import Phrase
from jamd.daemon.playing.plan import Span
from jamd.daemon.timing.swing import STRAIGHT, straight_tick
from jamd.daemon.timing.transport import SIXTEENTH, Transport
from jamd.notes import TICKS_PER_BEAT, Meter, Tick

FEWEST_NOTES = 3
"""jamd plays nothing before it has heard this many notes."""

LIFTED_EARLY = TICKS_PER_BEAT // 8
"""How early a key meant to be held up to the beat may be released, in ticks: the silence before an
answer on the beat may be longer by this much."""

STRUCK_EARLY_SECONDS = 0.025
"""How early a chord that hands the turn over may be for a beat on which it was meant to be, with
which the answer to it then does not begin."""


def longest_silence(meter: Meter) -> Tick:
    """Longest silence between the player's last note and the answer, in ticks: two pulses."""
    return Tick(2 * meter.ticks_per_pulse)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a policy bases its decisions on.

    Attributes:
        now: The present, in seconds.
        transport: A rolling transport.
        phrase: What the player is playing, or played last.
        notes_heard: Number of notes heard from the player in the whole session.
        turn: Who has the floor.
        span: What jamd is filling or going to fill; None: nothing.
        ahead_s: How much earlier than its tick a note must be known, in seconds.
        swing: Where the off-beat lies in the beat as jamd plays, 0.5..0.75.
    """

    now: float
    transport: Transport
    phrase: Phrase
    notes_heard: int
    turn: Turn
    span: Span | None
    ahead_s: float = 0.0
    swing: float = STRAIGHT

    @property
    def span_ends(self) -> float | None:
        """When `span` ends, in seconds; None: there is none."""
        return None if self.span is None else self.transport.seconds_at(self.span.through)


def phrase_is_over(scene: Scene) -> bool:
    """Whether the player has paused for long enough to end the turn."""
    ends = _ends(scene)
    return ends is not None and ends <= scene.now


def phrase_ends(
    transport: Transport, phrase: Phrase, ahead_s: float = 0.0, swing: float = STRAIGHT
) -> float | None:
    """When the phrase is over unless a key moves before; None if nothing has been played.

    As `Phrase.ends`; but after slow short notes soon enough for an answer on an eighth within
    `longest_silence`.

    Args:
        transport: A rolling transport.
        phrase: What the player plays.
        ahead_s: As in `Scene`.
        swing: As in `Scene`.
    """
    ends = phrase.ends(transport.beat_seconds)
    if ends is None or phrase.keys_down or phrase.handed_over is not None:
        return ends
    latest = transport.last_eighth(_latest(transport, phrase, swing, LIFTED_EARLY))
    return min(ends, transport.seconds_at(latest - SIXTEENTH) - ahead_s)


def _ends(scene: Scene) -> float | None:
    return phrase_ends(scene.transport, scene.phrase, scene.ahead_s, scene.swing)


def _latest(transport: Transport, phrase: Phrase, swing: float, later: int = 0) -> Tick:
    """The last tick of the model's, which are straight, that sounds in time for an answer.

    Args:
        transport: A rolling transport.
        phrase: What is answered.
        swing: As in `Scene`: an off-beat sounds later than the model writes it.
        later: Ticks by which the silence may be longer than `longest_silence`.
    """
    silent = longest_silence(transport.meter) + later
    return Tick(round(straight_tick(phrase.last + silent, swing)))


def is_stray(scene: Scene) -> bool:
    """Whether what the player played is over and has too few notes to be answered."""
    return scene.phrase.notes < FEWEST_NOTES and phrase_is_over(scene)


def answer_span(scene: Scene) -> Span | None:
    """The span of an answer to the phrase so far; None unless the player seems to pause."""
    transport = scene.transport
    beat = transport.beat_seconds
    pauses, ends = scene.phrase.pauses(beat), _ends(scene)
    if pauses is None or ends is None or scene.now < pauses or scene.notes_heard < FEWEST_NOTES:
        return None
    over = scene.now > ends + beat  # it ended while jamd played, so there was no silence
    if over:
        ends = scene.now
    start = answer_start(scene.transport, scene.phrase, ends + scene.ahead_s, silent=not over)
    through = Tick(start + scene.phrase.answer_ticks(scene.transport.meter))
    begins = start
    if scene.phrase.handed_over is None:
        begins = max(start, _latest(transport, scene.phrase, scene.swing))
    return Span(start, through, phrase=scene.phrase.first, begins=begins)


def answer_start(transport: Transport, phrase: Phrase, ends: float, *, silent: bool = True) -> Tick:
    """Where the answer begins to a phrase that is over at `ends`, in seconds.

    On the next strong beat that is at least a sixteenth later, and over a drone or pad, with which
    there is no silence, always there. If the silence would be longer than `longest_silence`, on the
    next pulse; if it still would and `silent` (jamd has not played meanwhile), on the next eighth.
    If the player handed the turn over, and so is waiting, on the next sixteenth, even if it comes
    sooner than the improviser's answer: `Commit` waits for that. After a chord, not on the one that
    the chord may have been meant to be on.
    """
    if phrase.handed_over is not None:
        early = STRUCK_EARLY_SECONDS if phrase.is_handed_over_in_a_chord else 0.0
        return transport.next_sixteenth(transport.passed(ends + early) + 1)
    earliest = transport.tick_at(ends) + SIXTEENTH
    strong, beat = transport.next_strong_beat(earliest), transport.next_pulse(earliest)
    latest = phrase.last + longest_silence(transport.meter)
    if phrase.keys_down or strong <= latest:
        return strong
    if not silent or beat <= latest + LIFTED_EARLY:
        return beat
    return transport.next_eighth(earliest)


def answer_deadline(scene: Scene) -> float | None:
    """When the player will seem to pause; after that, when the phrase will be over."""
    if scene.notes_heard < FEWEST_NOTES:
        return None
    pauses, ends = scene.phrase.pauses(scene.transport.beat_seconds), _ends(scene)
    if pauses is not None and scene.now < pauses:
        return pauses
    return ends
