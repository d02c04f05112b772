"""What goes into a session and what comes out: events, the entries of a take, and effects.

The session is a function of these: events and moments in, effects out. Everything that touches the
world (ports, the worker, the disk) is on the other side of this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from mido import Message

from jamd.daemon.midi.echo_signature import Route
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods, Planned, PlanRequest
from jamd.harmony.chart import Changes
from jamd.notes import Meter, Part


class Mode(Enum):
    """When jamd plays."""

    ANSWER = "answer"  # the player plays and pauses; jamd answers
    ENDLESS = "endless"  # after the first phrase jamd goes on until it is stopped
    OFF = "off"  # jamd plays nothing of its own


class Turn(Enum):
    """Who has the floor. In `endless` it is jamd's from the first phrase's end."""

    PLAYER = "player"
    JAMD = "jamd"


class Output(Enum):
    """Where a message goes; all but the first may go to the main port, too."""

    MAIN = "main"  # the port that jamd plays on
    CLICK = "click"
    CLOCK = "clock"
    THRU = "thru"  # what the player plays, sent on, where it sounds apart from jamd's own


# Events: `Session.handle(event, now)`, `now` being when the event happened, in seconds.


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole MIDI message from the player, of any kind."""

    message: Message


@dataclass(frozen=True, slots=True)
class InputLost:
    """An input on which keys may be down has gone, or went unheard: no note-offs will come."""


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker can be asked: the first one, or a new one after a loss."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker is gone; what it was asked will not be answered."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Part of the answer to a request."""

    planned: Planned


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to a `LikelihoodRequest`."""

    likelihoods: Likelihoods


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker could not answer request `id`, but is still there."""

    id: int


@dataclass(frozen=True, slots=True)
class SetMode:
    """Change the mode; what the old one planned is dropped and what sounds rings out."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class SetTempo:
    """Change the tempo from now on, in quarter notes a minute."""

    bpm: float


@dataclass(frozen=True, slots=True)
class Adjust:
    """Change one of the settings that `jamd.daemon.settings.Settings.adjusted` takes.

    Attributes:
        setting: Its name.
        value: Its value from now on, as config.toml has it.
    """

    setting: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Panic:
    """End everything that sounds, now, and drop every plan."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """The state of an Ableton Link session from now on; sent whenever it has changed.

    Attributes:
        peers: Number of other peers in it.
        bpm: Its tempo, in quarter notes a minute, 20..999.
        bar_line: When one of its bars begins or began, in seconds.
        playing: Whether its transport plays.
        since: When it started or stopped playing, or will, in seconds.
    """

    peers: int
    bpm: float
    bar_line: float
    playing: bool
    since: float


@dataclass(frozen=True, slots=True)
class YourTurn:
    """The player hands the turn over: the phrase is over now."""


@dataclass(frozen=True, slots=True)
class Tap:
    """The player taps the beat."""


@dataclass(frozen=True, slots=True)
class Again:
    """The player wants the last answer once more."""


@dataclass(frozen=True, slots=True)
class Press:
    """`jamd press`: what a control would do is asked for without one.

    Attributes:
        action: What the control would mean: an `Action` of `jamd.daemon.control.controls`, by its
            value.
    """

    action: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Another session goes on from this one: end what jamd plays, and say what that has to know."""


@dataclass(frozen=True, slots=True)
class Sequencer:
    """A MIDI clock that is followed, and where its song is.

    Attributes:
        pulses: When its last pulses fell, in seconds; none if there is no clock at present.
        song: Where the song goes on, in ticks.
        stands: Whether the sequencer was stopped.
        rolls: Whether the song goes on with the next pulse.
    """

    pulses: tuple[float, ...]
    song: int = 0
    stands: bool = False
    rolls: bool = False


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What another session left: as its last effect, and as the first event of the next one.

    Attributes:
        pedals: The MIDI channels, 0..15, on which a sustain pedal is heard to be down.
        sent_on: Messages of the player's that were sent on and hold still: notes that sound, pedals
            that are down, wheels that are not at rest.
        channels: The MIDI channels used so far, 0..15: a panic is for them, too.
        pressed: The pedals and buttons in use as controls that are down: channel, controller.
        asked: When each action was last asked for, in seconds, by its name; each song apart.
        sequencer: What leads the beat; None: no MIDI clock does.
        requests: The id of the last request to the worker: its answer may be still to come.
        route: What may come back of what jamd sent.
    """

    pedals: tuple[int, ...] = ()
    sent_on: tuple[Message, ...] = ()
    channels: tuple[int, ...] = ()
    pressed: tuple[tuple[int, int], ...] = ()
    asked: Mapping[str, float] = field(default_factory=dict)
    sequencer: Sequencer | None = None
    requests: int = 0
    route: Route = field(default_factory=Route)


FromWorker = WorkerReady | WorkerLost | Answered | Judged | Failed
Command = SetMode | SetTempo | Adjust | Panic | YourTurn | Tap | Again
Event = Heard | InputLost | LinkState | Press | FromWorker | Command | Leave | HandedOver


# Entries: what a take is made of, in the order in which it happened.


@dataclass(frozen=True, slots=True)
class Sounded:
    """A channel message that was heard from the player, or sent by jamd.

    Attributes:
        tick: Where it lies on the transport: as played for the player, as due for jamd.
        seconds: When it was heard or due, on the session's clock.
        part: The part jamd played it in; None if the player's.
        message: As heard, or as sent.
    """

    tick: int
    seconds: float
    part: Part | None
    message: Message


@dataclass(frozen=True, slots=True)
class TempoSet:
    """The tempo from `tick` on, in quarter notes a minute.

    It may be found a little later, so the tick may lie before those of earlier entries; of several
    at one tick the last counts.
    """

    tick: int
    seconds: float
    bpm: float


@dataclass(frozen=True, slots=True)
class MeterSet:
    """The meter from `tick`, a bar line, on."""

    tick: int
    seconds: float
    meter: Meter


@dataclass(frozen=True, slots=True)
class ChangesLaid:
    """The chord changes that are played over from `tick` on, in place of earlier ones, or None."""

    tick: int
    seconds: float
    changes: Changes | None


@dataclass(frozen=True, slots=True)
class BarLineFound:
    """The first note was a pickup, not beat one: all earlier entries lie `by` ticks later.

    Attributes:
        tick: The present, counted that way.
        by: A bar less the pickup.
    """

    tick: int
    seconds: float
    by: int


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """The turn passed."""

    tick: int
    seconds: float
    turn: Turn


@dataclass(frozen=True, slots=True)
class ModeSet:
    """The mode changed."""

    tick: int
    seconds: float
    mode: Mode


@dataclass(frozen=True, slots=True)
class ControlUsed:
    """The player used a control.

    Attributes:
        action: What it means: one of `jamd.daemon.control.controls.Action`, by its value.
        message: As heard; None if it was a `Press`.
    """

    tick: int
    seconds: float
    action: str
    message: Message | None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A setting was changed; its attributes are as in `Adjust`."""

    tick: int
    seconds: float
    setting: str
    value: float | str


Entry = (
    Sounded
    | TempoSet
    | MeterSet
    | ChangesLaid
    | BarLineFound
    | TurnTaken
    | ModeSet
    | ControlUsed
    | Adjusted
)


# Effects: what `handle`, `advance` and `shutdown` return, to be done in their order.


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a message to an output port now.

    Attributes:
        message: A channel message with its channel set, or a clock message.
        due: When it should have been handed over, in seconds; the shell measures lateness by it.
        output: Which port.
    """

    message: Message
    due: float
    output: Output = Output.MAIN


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the worker; whatever it was doing for an earlier request no longer matters."""

    request: PlanRequest


@dataclass(frozen=True, slots=True)
class AskLikelihood:
    """Ask the worker for likelihoods, not for notes; otherwise as `Ask`."""

    request: LikelihoodRequest


@dataclass(frozen=True, slots=True)
class Journal:
    """Write an entry into the take."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class TellLink:
    """Change an Ableton Link session.

    Attributes:
        seconds: From when on.
        bpm: Its tempo; None leaves it.
        playing: Whether its transport plays; None leaves it.
        bar_line: Let a bar begin at `seconds`; if there are other peers, their bar lines stay.
    """

    seconds: float
    bpm: float | None = None
    playing: bool | None = None
    bar_line: bool = False


Effect = Send | Ask | AskLikelihood | Journal | TellLink | HandedOver
