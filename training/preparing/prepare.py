"""Files of music -> a corpus.

Three steps: read what has not been read before, decide which files are one piece and which side of
the split each is on, and write the pieces in the language asked for. In the grid language a piece
of one file is written as soon as it has been read, which saves a trip to another process; the
second step then only decides where it goes.
"""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from jamd.errors import CorpusError, SourceError
from jamd.grid.tokens import VOCABULARY
from jamd.training.corpus import Contents, Corpus, CorpusWriter, LeftOut, Split
from jamd.training.preparing.sources import SourceFile, find_sources
from jamd.training.preparing.split import held_out_of, with_versions
from jamd.training.preparing.spool import Spool
from jamd.training.preparing.store import Store, StoredFile, key_of
from jamd.training.preparing.tasks import FileTask, PieceTask, Written, read_and_write, write_piece
from jamd.training.preparing.worker_pool import LimitError, Workers
from jamd.training.progress import Progress, no_progress
from jamd.writing import named

if TYPE_CHECKING:
    from jamd.training.preparing.cluster import Cluster

STORE = "readings.sqlite"
"""The file, in the corpus's folder, that keeps what was read."""

FEWEST_PITCHES = 3
"""A corpus with fewer different notes teaches a model only to repeat them."""

MOST_NAMES = 2**16
"""Token ids are 16 bits wide."""

_MOST_AT_ONCE = 16  # most items in a task
_KEEP_EVERY = 64  # files between two writes to the store


@dataclass(frozen=True, slots=True)
class Options:
    """How to prepare.

    Attributes:
        language: `grid` or `article`.
        style: One of `jamd.grid.tokens.STYLES`, for all pieces.
        sample: How many files to read, chosen by `seed`; None for all.
        seed: Seed of the sample, and of the order in which pieces are joined.
        held_out: The share of groups held out from training, 0..1.
        jobs: How many processes, at least 1; there are no more than files, or cores, as one file
            may hold many pieces.
        time_limit_s: Seconds that one file may take.
        memory_limit_mb: Megabytes that one file may take.
        join_bars: Files with fewer bars than this are joined, within a folder, until they have as
            many; 0 for never.
        dask: Address of a dask scheduler whose workers do the work, instead of `jobs` processes.
    """

    language: str = "grid"
    style: str = "other"
    sample: int | None = None
    seed: int = 1
    held_out: float = 0.1
    jobs: int = 2
    time_limit_s: float = 60.0
    memory_limit_mb: int = 1024
    join_bars: int = 0
    dask: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd about a source that could be used."""

    source: str
    text: str


@dataclass(slots=True)
class Report:
    """The result of preparing a corpus.

    Attributes:
        contents: What was made.
        files: How many files there were, those that could not be opened included.
        reused: How many of them had been read by an earlier run.
        warnings: What was odd about files that could be used.
    """

    contents: Contents
    files: int
    reused: int
    warnings: list[Remark] = field(default_factory=list)

    @property
    def corpus(self) -> Corpus:
        """The corpus that was made; each access opens it anew."""
        return Corpus.read(self.contents.path)


@dataclass(frozen=True, slots=True)
class _Found:
    """A piece of a file, by its place in the store."""

    source: SourceFile
    key: str
    number: int
    group: str
    split: Split
    bars: int

    @property
    def name(self) -> str:
        return f"{self.source.name}#{self.number + 1}" if self.number else self.source.name

    @property
    def place(self) -> tuple[str, int]:
        """The place of its reading in the store."""
        return self.key, self.number


@dataclass(frozen=True, slots=True)
class _Workshop:
    """What reading and writing are done with."""

    options: Options
    workers: Workers | Cluster
    store: Store
    spool: Spool
    progress: Progress

    def at_once(self, items: int) -> int:
        """How many items a worker is handed together: few enough for all to end together."""
        return max(1, min(_MOST_AT_ONCE, items // (8 * self.workers.jobs)))


def prepare(
    given: Sequence[str], output: Path, options: Options, progress: Progress = no_progress
) -> Report:
    """Read `given` (folders, files, names of music21's corpus) and write a corpus to `output`.

    Raises:
        SourceError: A source is missing, or none of them holds anything to read.
        CorpusError: No piece was left, or the article's vocabulary is too large.
        ClusterError: The dask cluster cannot be reached, or was lost.
        BusyError: Another process writes to `output`.
    """
    sources, left_out = find_sources(given)
    if options.sample is not None and options.sample < len(sources):
        sources = sorted(random.Random(options.seed).sample(sources, options.sample))
    files = len(sources) + len(left_out)
    warnings: list[Remark] = []
    with (
        named(output),
        CorpusWriter(output) as writer,
        _workers(options, len(sources)) as workers,
        Store(output / STORE) as store,
        Spool(output) as spool,
    ):
        shop = _Workshop(options, workers, store, spool, progress)
        keyed = list(_keys(sources, left_out))
        new = {key: source for source, key in keyed if store.reason(key) is None}
        reused = sum(key not in new for _, key in keyed)
        failed = _read(new, shop)
        found = list(_find(keyed, failed, shop, left_out, warnings))
        if not found:
            store.discard()
            ((reason, _),) = Counter(item.reason for item in left_out).most_common(1)
            raise CorpusError(
                f"expected at least one piece, found none in {files} files; "
                f"the commonest reason: {reason}"
            )
        works = list(_join(found, options))
        ids, pitches = _write(works, writer, shop, left_out)
        if len(pitches) < FEWEST_PITCHES:
            few = (
                f"only {len(pitches)} different notes: a model can learn nothing but to repeat them"
            )
            warnings.append(Remark("the whole corpus", few))
        contents = writer.close(
            language=options.language,
            vocabulary=_sorted_names(ids, writer) if options.language == "article" else VOCABULARY,
            style=options.style,
            left_out=left_out,
        )
    return Report(contents, files, reused, warnings)


def _workers(options: Options, files: int) -> Workers | Cluster:
    if options.dask is None:
        jobs = min(options.jobs, max(files, os.cpu_count() or 1))
        return Workers(jobs, options.time_limit_s, options.memory_limit_mb)
    from jamd.training.preparing.cluster import Cluster

    return Cluster(options.dask, options.time_limit_s, options.memory_limit_mb)


def _keys(
    sources: Iterable[SourceFile], left_out: list[LeftOut]
) -> Iterator[tuple[SourceFile, str]]:
    for source in sources:
        try:
            content = source.path.read_bytes()
        except OSError as error:
            left_out.append(LeftOut(source.name, f"cannot be opened: {error.strerror}"))
            continue
        yield source, key_of(content, source.path.suffix, source.is_score)


def _read(new: dict[str, SourceFile], shop: _Workshop) -> dict[str, str]:
    """Read files into the store; return, by key, why files failed that another run might read."""
    failed: dict[str, str] = {}
    fresh: list[tuple[str, StoredFile]] = []
    options = shop.options
    style = options.style if options.language == "grid" else None
    tasks = (
        FileTask(source.path, source.is_score, style, options.join_bars, key=key)
        for key, source in new.items()
    )
    try:
        results = shop.workers.map(read_and_write, tasks, shop.at_once(len(new)))
        for done, (key, result) in enumerate(zip(new, results, strict=True), 1):
            if isinstance(result, LimitError):
                failed[key] = str(result)
            elif isinstance(result, SourceError):
                fresh.append((key, StoredFile(reason=str(result))))
            else:
                fresh.append((key, StoredFile(tuple(read for read, _ in result))))
                for number, (_, written) in enumerate(result):
                    if written is not None:
                        shop.spool.put((key, number), written)
            if len(fresh) >= _KEEP_EVERY:
                shop.store.put(fresh)
                fresh.clear()
            shop.progress("reading", done, len(new))
    finally:  # so that an interrupt loses nothing that was read
        shop.store.put(fresh)
    return failed


def _find(
    keyed: Sequence[tuple[SourceFile, str]],
    failed: Mapping[str, str],
    shop: _Workshop,
    left_out: list[LeftOut],
    warnings: list[Remark],
) -> Iterator[_Found]:
    """The pieces of all files, each on its side of the split."""
    facts = {key: shop.store.facts(key) for _, key in keyed}
    groups = with_versions(piece for pieces in facts.values() for piece, _, _ in pieces)
    held_out = held_out_of(set(groups.values()), shop.options.held_out)
    for source, key in keyed:
        reason = failed.get(key) or shop.store.reason(key)
        if reason:
            left_out.append(LeftOut(source.name, reason))
            continue
        for number, (piece, bars, remarks) in enumerate(facts[key]):
            group = groups[piece]
            split: Split = "held-out" if group in held_out else "train"
            warnings += [Remark(source.name, remark) for remark in remarks]
            yield _Found(source, key, number, group, split, bars)


def _join(found: Sequence[_Found], options: Options) -> Iterator[list[_Found]]:
    """The files of each piece: one, or several short ones of one folder and one side."""
    short = [item for item in found if item.bars < options.join_bars]
    yield from ([item] for item in found if item.bars >= options.join_bars)

    def place(item: _Found) -> tuple[str, str]:
        return item.source.folder, item.split

    for where, items in groupby(sorted(short, key=place), key=place):
        order = sorted(items, key=lambda item: (item.key, item.number))
        random.Random(f"{options.seed} {where}").shuffle(order)
        joined: list[_Found] = []
        for item in order:
            joined.append(item)
            if sum(each.bars for each in joined) >= options.join_bars:
                yield joined
                joined = []
        if joined:
            yield joined


def _write(
    works: Sequence[list[_Found]], writer: CorpusWriter, shop: _Workshop, left_out: list[LeftOut]
) -> tuple[dict[str, int], set[int]]:
    """Write the pieces.

    Returns:
        The ids given to the article's names, in order of first appearance; and the different notes,
        or some of them if there are more than `FEWEST_PITCHES`.
    """
    ids: dict[str, int] = {}
    pitches: set[int] = set()
    options, spool = shop.options, shop.spool
    left = [work for work in works if len(work) > 1 or work[0].place not in spool]
    tasks = (
        PieceTask(
            tuple(shop.store.reading(item.key, item.number) for item in work),
            options.language,
            options.style,
        )
        for work in left
    )
    results = shop.workers.map(write_piece, tasks, shop.at_once(len(left)))
    for done, work in enumerate(works, 1):
        spooled = len(work) == 1 and work[0].place in spool
        written = spool.get(work[0].place) if spooled else next(results)
        shop.progress("writing", done, len(works))
        if isinstance(written, SourceError):
            left_out += [LeftOut(item.name, str(written)) for item in work]
            continue
        tokens = _ids(written, ids)
        if len(pitches) < FEWEST_PITCHES:
            pitches.update(_pitches(tokens, options.language))
        writer.add(
            tokens,
            source=" + ".join(item.name for item in work),
            group=" + ".join(dict.fromkeys(item.group for item in work)),
            split=work[0].split,
            notes=written.notes,
            has_velocity=written.has_velocity,
        )
    return ids, pitches


def _sorted_names(ids: dict[str, int], writer: CorpusWriter) -> list[str]:
    """The article's names in order, by which what was written is numbered from now on."""
    import numpy as np

    names = sorted(ids)
    table = np.zeros(max(1, len(ids)), np.uint16)
    table[[ids[name] for name in names]] = range(len(names))
    writer.renumber(table)
    return names


def _ids(written: Written, ids: dict[str, int]) -> bytes:
    """The tokens of a piece, two bytes each."""
    if isinstance(written.tokens, bytes):
        return written.tokens
    numbers = [ids.setdefault(name, len(ids)) for name in written.tokens]
    if len(ids) > MOST_NAMES:
        raise CorpusError(
            f"expected at most {MOST_NAMES} different notes and chords, found more; "
            "prepare fewer files"
        )
    return struct.pack(f"<{len(numbers)}H", *numbers)


def _pitches(tokens: bytes, language: str) -> set[int]:
    """The different notes among the tokens."""
    ids = set(struct.unpack(f"<{len(tokens) // 2}H", tokens))
    if language == "article":
        return ids
    return {token for token in ids if VOCABULARY.kind(token) in ("Lead", "Comp")}
