"""The journal: all that a session received, and all that it did.

A session is a function of the events it receives and their moments. Given the same again, by `jamd
replay`, it does the same again, bit for bit; if it does not, jamd has changed or has a bug, and the
journal shows at which moment. The take's MIDI file is made from the journal, too.

A record is a line of JSON (`jamd.daemon.takes.plain_json`), and its `class` names its kind:
`Opened` once, as the first; then each call of the session (`Handled`, `Advanced`, `Closed`) and
after it what the session did, in order: `Send`, `TellLink`, `Asked`, `HandedOver`, and the entries
of the take. A request is kept as a digest, since the session makes it again; an answer is kept
whole, as the event it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from jamd.daemon.events import Ask, AskLikelihood, Effect, Entry, Event, Journal
from jamd.daemon.model.requests import Request
from jamd.daemon.settings import Settings
from jamd.daemon.status import Status
from jamd.daemon.takes.plain_json import from_plain, to_plain
from jamd.notes import Part

FORMAT = 1
"""Goes up when the format of journals changes."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The first record.

    Attributes:
        format: `FORMAT`.
        jamd: The version that wrote it.
        began: Date and time of day, ISO 8601 with the zone.
        bundle: What the settings called the model.
        model: `providers.fingerprint` of the bundle.
        settings: The session's.
        rehearsal: Whether the phrase was the rehearsal room's, and nobody played.
        sounds: The General MIDI program, 0..127, of each of jamd's parts and of the player (None),
            as far as jamd had to do with it.
    """

    format: int
    jamd: str
    began: str
    bundle: str
    model: str
    settings: Settings
    rehearsal: bool = False  # older journals lack this, and what follows
    sounds: Mapping[Part | None, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handled:
    """The session handled an event that happened at `seconds`."""

    seconds: float
    event: Event


@dataclass(frozen=True, slots=True)
class Advanced:
    """The session was advanced at `seconds`, as it had asked to be."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The session was shut down at `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A request went to the worker.

    Attributes:
        id: The request's.
        until: The tick at which the answer is to begin, or the end of the phrase in question.
        through: The tick up to which notes were asked for; `until` if none were.
        digest: Digest of the whole request, the context included.
    """

    id: int
    until: int
    through: int
    digest: str


Call = Handled | Advanced | Closed
Record = Opened | Call | Effect
Line = Opened | Call | Asked | Entry | Effect
"""What a line of a journal is read as."""


class Decides(Protocol):
    """Makes the decisions: a `Session`, or one whose calls are written down."""

    def handle(self, event: Event, now: float) -> list[Effect]: ...

    def advance(self, now: float) -> list[Effect]: ...

    def shutdown(self, now: float) -> list[Effect]: ...

    def next_deadline(self) -> float | None: ...

    def status(self, now: float) -> Status: ...


class Journaled:
    """A session whose every call and effect is written down.

    It is advanced only when it has asked for that, as nothing happens in between. So a journal need
    not hold each millisecond at which the loop looked and nothing was due.

    Args:
        session: A fresh one.
        write: Takes a record; must not block.
    """

    def __init__(self, session: Decides, write: Callable[[Record], None]) -> None:
        self._session = session
        self._write = write

    def handle(self, event: Event, now: float) -> list[Effect]:
        """As `Session.handle`."""
        self._write(Handled(now, event))
        return self._written(self._session.handle(event, now))

    def advance(self, now: float) -> list[Effect]:
        """As `Session.advance`, if the session has asked for it by now; else nothing."""
        deadline = self._session.next_deadline()
        if deadline is None or now < deadline:
            return []
        self._write(Advanced(now))
        return self._written(self._session.advance(now))

    def shutdown(self, now: float) -> list[Effect]:
        """As `Session.shutdown`."""
        self._write(Closed(now))
        return self._written(self._session.shutdown(now))

    def next_deadline(self) -> float | None:
        """As `Session.next_deadline`."""
        return self._session.next_deadline()

    def status(self, now: float) -> Status:
        """As `Session.status`."""
        return self._session.status(now)

    def _written(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            self._write(effect)
        return effects


def to_line(record: Record) -> str:
    """A record as one line of JSON, its line break included."""
    match record:
        case Ask(request):
            context = request.context
            line: Line = Asked(request.id, context.until, request.through, digest(request))
        case AskLikelihood(question):
            until = question.context.until
            line = Asked(question.id, until, until, digest(question))
        case Journal(entry):
            line = entry
        case _:
            line = record
    return json.dumps(to_plain(line), separators=(",", ":")) + "\n"


def digest(request: Request) -> str:
    """A short text that changes with anything in a request."""
    text = json.dumps(to_plain(request), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_line(line: str) -> Line:
    """The record on one line.

    Raises:
        ValueError: It is not a record, for example one that a power cut left half written.
    """
    try:
        record: Line = from_plain(Line, json.loads(line))
    except (ValueError, RecursionError) as error:  # the latter where lists are nested too deeply
        raise ValueError(f"expected a record: {error}") from error
    return record


def read_lines(lines: Iterable[str]) -> Iterator[tuple[str, Line]]:
    """Each line with its record, up to where the journal was cut off."""
    for line in lines:
        if not line.endswith("\n"):
            return
        try:
            yield line, read_line(line)
        except ValueError:
            return


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries of a take. A damaged line, or one cut off, does not cost what follows it."""
    for line in lines:
        if line.startswith(_ENTRY_BEGINNINGS):  # most lines are not, and reading costs time
            try:
                entry: Entry = from_plain(Entry, json.loads(line))
            except (ValueError, RecursionError):
                continue
            yield entry


def _beginning(kind: type[Any]) -> str:
    return f'{{"class":"{kind.__name__}",'


_ENTRY_BEGINNINGS = tuple(map(_beginning, get_args(Entry)))
