"""When to play: one small policy for each mode.

A policy decides which stretch of time jamd is to fill, as far as is known now, and when its turn
begins. `Floor` passes the turn accordingly, and `Planner` has the stretch filled, so a policy need
not know about workers, lateness or messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from jamd.daemon.events import Mode, Turn
from jamd.daemon.phrase import Phrase
from jamd.daemon.plan import Span, commit_window
from jamd.daemon.settings import Settings
from jamd.daemon.swing import STRAIGHT, straight_tick
from jamd.daemon.transport import SIXTEENTH, Transport
from jamd.notes import TICKS_PER_BEAT, Tick

FEWEST_NOTES = 3
"""jamd plays nothing before it has heard this many notes."""

LONGEST_SILENCE = 2 * TICKS_PER_BEAT
"""Longest silence between the player's last note and the answer, in ticks."""

LIFTED_EARLY = TICKS_PER_BEAT // 8
"""How early a key meant to be held up to the beat may be released, in ticks: the silence before an
answer on the beat may be longer by this much."""

LONGEST_PICKUP = Tick(TICKS_PER_BEAT)
"""Notes at most this many ticks before a bar line belong to the bar that they lead to."""

PROMPT_SECONDS = 0.025
"""How long the improviser has to answer when the turn is handed over."""


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


class Policy(Protocol):
    """A mode's decisions."""

    yields: bool
    """Whether the player can take the turn back."""

    by_the_bar: bool
    """Whether the turn passes on a bar line, whatever the player does."""

    def wants(self, scene: Scene) -> Span | None:
        """What jamd is to fill; a span with a different start is a different answer.

        During the player's turn this is a guess, made so that the answer is ready in time; it
        becomes the answer when the phrase ends. None during jamd's turn gives the turn back.
        """

    def is_due(self, scene: Scene) -> bool:
        """Whether jamd's turn, with what it is to fill, begins now; asked in the player's turn."""

    def deadline(self, scene: Scene) -> float | None:
        """When `wants` or `is_due` changes by itself, in seconds; None if it does not."""

    def shift(self, by: int, transport: Transport) -> None:  # noqa: ARG002 - most keep no tick
        """Count every moment `by` ticks later: the bar line was found."""
        return


class Answer(Policy):
    """The player plays and pauses; jamd answers at the phrase's length, then waits."""

    yields = True
    by_the_bar = False

    def wants(self, scene: Scene) -> Span | None:
        return answer_span(scene) if scene.turn is Turn.PLAYER else _rest_of_answer(scene)

    def is_due(self, scene: Scene) -> bool:
        return phrase_is_over(scene)

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        return scene.span_ends


class Trade(Policy):
    """The player has a number of bars, then jamd has as many, and so on.

    The player's bars begin where jamd's ended. If the player lets all of them pass, or has taken
    the turn back, they begin with the bar in which the player next plays; a pickup of up to a beat
    belongs to the bar after it.

    Args:
        bars: How many: 2, 4 or 8.
    """

    yields = True
    by_the_bar = True

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._home: Tick | None = None  # where the player's bars last began
        self._is_early = True  # too few notes had been heard for an answer

    def wants(self, scene: Scene) -> Span | None:
        if scene.turn is Turn.JAMD:
            span = _rest_of_answer(scene)
            if span is None and scene.span is not None:
                self._home = scene.span.through
            return span
        start, self._home = self._look(scene)
        self._is_early = scene.notes_heard < FEWEST_NOTES
        if start is None or scene.now < self._asks(scene, start):
            return None
        transport = scene.transport
        line = transport.next_bar_line(start - transport.meter.ticks_per_bar // 2)
        through = Tick(line + self._length(scene))
        waits = SIXTEENTH if scene.phrase.handed_over is None else 0
        return Span(start, through, phrase=scene.phrase.first, begins=Tick(start + waits))

    def is_due(self, scene: Scene) -> bool:
        start, _ = self._look(scene)
        return start is not None and self._passes(scene, start) <= scene.now

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.JAMD:
            return scene.span_ends
        start, _ = self._look(scene)
        if start is None:
            return None
        asks = self._asks(scene, start)
        return asks if scene.now < asks else self._passes(scene, start)

    def shift(self, by: int, transport: Transport) -> None:
        """Count every moment `by` ticks later; the player's bars then begin on a bar line."""
        if self._home is not None:
            self._home = transport.next_bar_line(self._home + by)

    def _look(self, scene: Scene) -> tuple[Tick | None, Tick | None]:
        """Where the player's bars end, and where they last began.

        They end on a bar line, or where the answer begins if the turn was handed over. None: they
        have not begun, or it is not known.
        """
        phrase, bar, home = scene.phrase, scene.transport.meter.ticks_per_bar, self._home
        if phrase.first is None or scene.notes_heard < FEWEST_NOTES:
            return None, home
        if phrase.handed_over is not None:
            ends = phrase.handed_over + scene.ahead_s
            return answer_start(scene.transport, phrase, ends), home
        first, length = phrase.first + LONGEST_PICKUP, self._length(scene)
        begins = Tick(first // bar * bar) if home is None or first >= home + length else home
        late = scene.transport.tick_at(scene.now) - (begins + length)
        if late >= (0 if self._is_early else TICKS_PER_BEAT):  # they passed without an answer
            begins = home = Tick((begins + length + late + LONGEST_PICKUP) // bar * bar)
        return Tick(begins + length), home

    def _length(self, scene: Scene) -> Tick:
        return Tick(self._bars * scene.transport.meter.ticks_per_bar)

    @staticmethod
    def _asks(scene: Scene, start: Tick) -> float:
        """When to begin planning: a beat early, as what the player adds until then is replanned."""
        return scene.transport.seconds_at(start) - scene.transport.beat_seconds - scene.ahead_s

    @staticmethod
    def _passes(scene: Scene, start: Tick) -> float:
        """When the turn passes: a commit window early, when what begins at `start` is certain."""
        window = commit_window(scene.transport.beat_seconds) + scene.ahead_s
        return scene.transport.seconds_at(start) - window


class Endless(Policy):
    """jamd plays on after the first phrase; what the player then plays changes what comes next.

    Args:
        horizon_bars: Number of whole bars planned ahead, at least 1.
    """

    yields = False
    by_the_bar = False

    def __init__(self, horizon_bars: int) -> None:
        self._horizon_bars = horizon_bars

    def wants(self, scene: Scene) -> Span | None:
        if scene.turn is Turn.PLAYER:
            answer = answer_span(scene)
            return answer and self._reaching(answer, scene, answer.start)
        return scene.span and self._reaching(scene.span, scene, scene.transport.tick_at(scene.now))

    def is_due(self, scene: Scene) -> bool:
        return phrase_is_over(scene)

    def deadline(self, scene: Scene) -> float | None:
        if scene.turn is Turn.PLAYER:
            return answer_deadline(scene)
        if scene.span is None:
            return None
        # The horizon moves when a bar line is passed.
        ahead = self._horizon_bars * scene.transport.meter.ticks_per_bar
        return scene.transport.seconds_at(scene.span.through - ahead)

    def _reaching(self, span: Span, scene: Scene, tick: Tick) -> Span:
        """`span` extended to the horizon, counted from the first bar line after `tick`."""
        line = scene.transport.next_bar_line(tick + 1)
        through = Tick(line + self._horizon_bars * scene.transport.meter.ticks_per_bar)
        return replace(span, through=max(span.through, through), closes=False)


class Off(Policy):
    """jamd plays nothing of its own."""

    yields = True
    by_the_bar = False

    def wants(self, scene: Scene) -> Span | None:  # noqa: ARG002 - as the protocol has it
        return None

    def is_due(self, scene: Scene) -> bool:  # noqa: ARG002 - as the protocol has it
        return False

    def deadline(self, scene: Scene) -> float | None:  # noqa: ARG002 - as the protocol has it
        return None


def policy(mode: Mode, settings: Settings) -> Policy:
    """The policy of `mode`."""
    if mode is Mode.ANSWER:
        return Trade(settings.trade_bars) if settings.trade_bars else Answer()
    if mode is Mode.ENDLESS:
        return Endless(settings.horizon_bars)
    return Off()


def phrase_is_over(scene: Scene) -> bool:
    """Whether the player has paused for long enough to end the turn."""
    ends = _ends(scene)
    return ends is not None and ends <= scene.now


def phrase_ends(
    transport: Transport, phrase: Phrase, ahead_s: float = 0.0, swing: float = STRAIGHT
) -> float | None:
    """When the phrase is over unless a key moves before; None if nothing has been played.

    As `Phrase.ends`; but after slow short notes soon enough for an answer on an eighth within
    `LONGEST_SILENCE`.

    Args:
        transport: A rolling transport.
        phrase: What the player plays.
        ahead_s: As in `Scene`.
        swing: As in `Scene`.
    """
    ends = phrase.ends(transport.beat_seconds)
    if ends is None or phrase.keys_down or phrase.handed_over is not None:
        return ends
    latest = transport.last_eighth(_latest(phrase, swing, LIFTED_EARLY))
    return min(ends, transport.seconds_at(latest - SIXTEENTH) - ahead_s)


def _ends(scene: Scene) -> float | None:
    return phrase_ends(scene.transport, scene.phrase, scene.ahead_s, scene.swing)


def _latest(phrase: Phrase, swing: float, later: int = 0) -> Tick:
    """The last tick of the model's, which are straight, that sounds in time for an answer.

    Args:
        phrase: What is answered.
        swing: As in `Scene`: an off-beat sounds later than the model writes it.
        later: Ticks by which the silence may be longer than `LONGEST_SILENCE`.
    """
    return Tick(round(straight_tick(phrase.last + LONGEST_SILENCE + later, swing)))


def is_stray(scene: Scene) -> bool:
    """Whether what the player played is over and has too few notes to be answered."""
    return scene.phrase.notes < FEWEST_NOTES and phrase_is_over(scene)


def _rest_of_answer(scene: Scene) -> Span | None:
    """What jamd is filling in its turn; None once that is over."""
    ends = scene.span_ends
    return None if ends is None or ends <= scene.now else scene.span


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
        begins = max(start, _latest(scene.phrase, scene.swing))
    return Span(start, through, phrase=scene.phrase.first, begins=begins)


def answer_start(transport: Transport, phrase: Phrase, ends: float, *, silent: bool = True) -> Tick:
    """Where the answer begins to a phrase that is over at `ends`, in seconds.

    On the next strong beat that is at least a sixteenth later; if the silence would then be longer
    than `LONGEST_SILENCE`, on the next pulse; if it still would and `silent` (jamd has not played
    meanwhile), on the next eighth. If the player handed the turn over, and so is waiting, on the
    next sixteenth.
    """
    if phrase.handed_over is not None:
        return transport.next_sixteenth(transport.exact_tick(ends + PROMPT_SECONDS))
    earliest = transport.tick_at(ends) + SIXTEENTH
    strong, beat = transport.next_strong_beat(earliest), transport.next_pulse(earliest)
    if strong - phrase.last <= LONGEST_SILENCE:
        return strong
    if not silent or beat - phrase.last <= LONGEST_SILENCE + LIFTED_EARLY:
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
