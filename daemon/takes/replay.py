"""Replays a session from its journal: makes the same calls, and compares the music."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from jamd.daemon.events import Answered, Ask, Effect, Entry, Journal
from jamd.daemon.model.requests import Planned, PlanRequest
from jamd.daemon.session import Session
from jamd.daemon.takes.journal import (
    FORMAT,
    Advanced,
    Call,
    Closed,
    Handled,
    Opened,
    read_line,
    read_lines,
    to_line,
)
from jamd.daemon.virtual import Improvises
from jamd.errors import SourceError
from jamd.language import Context
from jamd.notes import Note, Tick


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replayed session differs from its journal.

    Attributes:
        seconds: When it was called, counted from its first call.
        call: The call, as in the journal.
        then: What it did then, a line of the journal; empty: nothing more.
        now: What it did now; empty: nothing more.
    """

    seconds: float
    call: str
    then: str
    now: str


@dataclass(slots=True)
class Replay:
    """The result of replaying a session.

    Attributes:
        opened: How the journal begins.
        whole: Whether the journal has an end; one that was cut off has none.
        entries: The take, as it came out now.
        effects: Number of effects compared.
        requests: What the improviser was asked now.
        answers: What was answered then, by the request's id.
        rest: What the model was not asked about, as it would have been shown.
        difference: The first difference; None if there is none.
    """

    opened: Opened
    whole: bool = False
    entries: list[Entry] = field(default_factory=list)
    effects: int = 0
    requests: list[PlanRequest] = field(default_factory=list)
    answers: dict[int, list[Planned]] = field(default_factory=dict)
    rest: list[Context] = field(default_factory=list)
    difference: Difference | None = None


def replay(lines: Iterable[str]) -> Replay:
    """Make the calls in a journal on a fresh session.

    Args:
        lines: The journal, each line with its line break.

    Raises:
        SourceError: It is not a journal, or one of another format.
    """
    lines = iter(lines)
    again = Replay(_opened(next(lines, "")))
    session = Session(again.opened.settings)
    start: float | None = None
    for line, call, then, last in _calls(lines):
        start = call.seconds if start is None else start
        again.whole = isinstance(call, Closed)
        effects = _do(session, call)
        now = [to_line(effect) for effect in effects]
        again.effects += len(now)
        if last and not again.whole:
            now = now[: len(then)]  # the rest may be missing because the journal was cut off
        if now != then and again.difference is None:
            again.difference = _difference(call.seconds - start, line, then, now)
        again.entries += [effect.entry for effect in effects if isinstance(effect, Journal)]
        asked = [effect.request for effect in effects if isinstance(effect, Ask)]
        again.requests += [request for request in asked if request.max_tokens]
        if isinstance(call, Handled) and isinstance(call.event, Answered):
            planned = call.event.planned
            again.answers.setdefault(planned.id, []).append(planned)
    again.rest = session.rest()
    return again


def _opened(line: str) -> Opened:
    try:
        opened = read_line(line)
    except ValueError as error:
        raise SourceError("expected a journal of jamd's, found something else") from error
    if not isinstance(opened, Opened) or opened.format != FORMAT:
        raise SourceError(
            f"expected a journal of format {FORMAT}, found another: use the jamd that wrote it"
        )
    return opened


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, Call, list[str], bool]]:
    """For each call: its line, the call, the lines of its effects, and whether it is the last."""
    called: tuple[str, Call] | None = None
    then: list[str] = []
    for line, record in read_lines(lines):
        if isinstance(record, Handled | Advanced | Closed):
            if called is not None:
                yield *called, then, False
            called, then = (line, record), []
        else:
            then.append(line)
    if called is not None:
        yield *called, then, True


def _do(session: Session, call: Call) -> list[Effect]:
    match call:
        case Handled(seconds, event):
            return session.handle(event, seconds)
        case Advanced(seconds):
            return session.advance(seconds)
        case Closed(seconds):
            return session.shutdown(seconds)


def _difference(seconds: float, call: str, then: list[str], now: list[str]) -> Difference:
    one, other = next(pair for pair in zip_longest(then, now, fillvalue="") if pair[0] != pair[1])
    return Difference(seconds, call.strip(), one.strip(), other.strip())


@dataclass(frozen=True, slots=True)
class Compared:
    """The model's answers to a request, then and now.

    Attributes:
        request: The request.
        answered: Whether the worker had answered any of it. The newest request wins, so not all
            are answered.
        notes: Number of notes answered then.
        then: The first note that differs, as answered then; None: none differs, or it is one more
            now.
        now: The first note that differs, as answered now; None: none differs, or it was one more
            then.
    """

    request: PlanRequest
    answered: bool
    notes: int = 0
    then: Note | None = None
    now: Note | None = None

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.then is None and self.now is None


def ask_again(again: Replay, improviser: Improvises) -> Iterator[Compared]:
    """Ask the model everything that was asked, and compare the answers with those given then.

    An answer that another request interrupted is compared as far as it went.
    """
    for request in again.requests:
        planned = again.answers.get(request.id, [])
        if not planned:
            yield Compared(request, answered=False)
            continue
        through = max(piece.through for piece in planned)
        then = _notes(planned, through)
        now = _notes(_until(improviser.plan(request), through), through)
        differing = (pair for pair in zip_longest(then, now) if pair[0] != pair[1])
        yield Compared(request, True, len(then), *next(differing, (None, None)))


def _until(planned: Iterable[Planned], through: Tick) -> Iterator[Planned]:
    for piece in planned:
        yield piece
        if piece.through >= through:
            return


def _notes(planned: Iterable[Planned], through: Tick) -> list[Note]:
    return sorted(note for piece in planned for note in piece.notes if note.onset < through)
