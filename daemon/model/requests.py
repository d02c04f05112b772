"""What the front requests from the improviser, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field

from jamd.language import Constraints, Context
from jamd.notes import Note, Tick


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is drawn from the model's distribution.

    Attributes:
        temperature: Above 0; 1 is the model's own distribution, below 1 is safer.
        nucleus: Share of the probability kept, in (0, 1]; the unlikely tail is cut off (top-p;
            Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
        memory: The weight of the memory of the jam beside the model, 0..1.
        argmax: Always take the likeliest token: the article's own way, which loops.
    """

    temperature: float = 1.0
    nucleus: float = 0.95
    memory: float = 0.0
    argmax: bool = False


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Continue `context` up to `through`.

    A request holds everything that the improviser must know, so that a new worker can answer it.
    Only the newest matters: a later one cancels it.

    Attributes:
        id: Counts up from 1, and on in a session that goes on from another; with `seed` it keys
            the random numbers, so the same request gets the same answer. 0: a request that is only
            read.
        context: The jam so far; writing begins at `context.until`.
        through: Exclusive end: write until every onset before this tick is decided.
        max_tokens: Stop after this many tokens even if `through` is not reached; 0: only read
            `context`, with which the next request's context will begin.
        seed: The session's seed, 0..2**63-1.
    """

    id: int
    context: Context
    through: Tick
    constraints: Constraints = field(default_factory=Constraints)
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = 1024
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """Part of the answer to a request, as soon as it is known.

    Attributes:
        id: The request's id.
        notes: New notes, sorted by onset, none before the request's `context.until`.
        through: Exclusive end: every onset before this tick is decided.
        done: Nothing more will come for this request.
    """

    id: int
    notes: tuple[Note, ...]
    through: Tick
    done: bool


@dataclass(frozen=True, slots=True)
class LikelihoodRequest:
    """Asks how likely the rhythm of `context` would be if all of it were later.

    Attributes:
        id: Counts up together with those of `PlanRequest`s, and cancels earlier requests likewise.
        context: What was heard, up to its last note.
        shifts: How much later, in ticks, 0 or more; at least one shift.
        styles: The styles as which it is read; the likelihoods are averaged over them.
    """

    id: int
    context: Context
    shifts: tuple[Tick, ...]
    styles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """The answer to a `LikelihoodRequest`.

    Attributes:
        id: The request's id.
        nats: The log-likelihood for each shift; empty if the model knows no bars.
    """

    id: int
    nats: tuple[float, ...]


Request = PlanRequest | LikelihoodRequest
