"""`jamd prepare` beside the reading loop of the article that jamd grew out of."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from jamd.bench.daemon import JAMD
from jamd.bench.report import Row, informs, left_out, times_faster
from jamd.errors import SourceError


def rows(
    midi: Path | None = None,
    songs: int = 4000,
    limit_s: float = 8.0,
    turns: int = 3,
    least: float | None = 300,
) -> Iterator[Row]:
    """Measure the microseconds that a note takes.

    For jamd, that is the whole command, from a cold start to the written corpus. For the article,
    it is the loop alone, without the import of music21, on as many of the same files, in random
    order, as it reads within the limit. They take turns, so that other load on the machine slows
    both.

    Args:
        midi: A folder of MIDI files; None makes some up.
        songs: How many are made up: a corpus, beside which the start of a command is short.
        limit_s: Seconds that the article's loop may take each time.
        turns: How often each is measured; jamd prepares the whole folder anew each time.
        least: How many times faster jamd must be; None if the files are so few that mainly the
            start of the command is measured.
    """
    try:
        import music21  # noqa: F401 - both sides need the train extra
        import symusic  # noqa: F401
    except ModuleNotFoundError:
        yield left_out("prepare", "it needs pip install 'jamd[train]'")
        return
    ours_us, theirs_us, read = [], [], 0
    with tempfile.TemporaryDirectory(prefix="jamd-bench-") as scratch:
        folder = midi or _made_up(Path(scratch) / "songs", songs)
        for turn in range(turns):
            corpus = Path(scratch) / f"corpus{turn}"
            spent_s = _prepare(folder, corpus)
            notes = _notes_by_file(corpus)
            together = sum(notes.values())
            if not together:
                raise SourceError(f"{folder}: expected MIDI files that can be prepared, found none")
            ours_us.append(1e6 * spent_s / together)
            names = sorted(notes)
            random.Random(turn).shuffle(names)
            read_s = _article([folder / name for name in names], limit_s)
            read += len(read_s)
            theirs_us.append(1e6 * read_s[-1] / sum(notes[name] for name in names[: len(read_s)]))
    name = f"prepare, a note of {together} in {len(notes)} files"
    measured = (name, "us", ours_us, f"article's music21 loop, {read} files in turns", theirs_us)
    yield informs(*measured) if least is None else times_faster(*measured, least)


def _prepare(folder: Path, corpus: Path) -> float:
    """Seconds from the start of the command to its end. Raises SourceError if it refuses."""
    command = [*JAMD, "prepare", str(folder), "-o", str(corpus), "--language", "grid"]
    began = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    spent_s = time.perf_counter() - began
    if done.returncode == 2:  # a mistake of the user's, in one line
        raise SourceError(done.stderr.splitlines()[-1].removeprefix("jamd: "))
    done.check_returncode()
    return spent_s


def _notes_by_file(corpus: Path) -> dict[str, int]:
    described = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    return {piece["source"]: piece["notes"] for piece in described["pieces"]}


def _article(paths: Sequence[Path], limit_s: float) -> list[float]:
    """Seconds from the start of the loop to the end of each file that it read."""
    result = subprocess.run(
        [sys.executable, "-m", "jamd.bench.article_loop"],
        check=True,
        input=json.dumps([limit_s, *map(str, paths)]).encode(),
        stdout=subprocess.PIPE,
    )
    read_s: list[float] = json.loads(result.stdout)
    return read_s


def _made_up(folder: Path, songs: int) -> Path:
    """Songs of 64 bars: melody, chords and bass, about 1,100 notes; not music, but like it."""
    from symusic.core import NoteTickList, ScoreTick, TrackTick

    bars = 64
    folder.mkdir()
    for song in range(songs):
        numbers = np.random.default_rng(song)
        roots = np.repeat(48 + numbers.choice([0, 2, 4, 5, 7, 9], 2 * bars), 3)
        thirds = np.tile([0, 4, 7], 2 * bars)
        eighths = np.flatnonzero(numbers.random(8 * bars) < 0.7)
        walk = 72 + np.abs(np.cumsum(numbers.integers(-2, 3, len(eighths))) % 24 - 12)
        score = ScoreTick(480)
        for name, every, onsets, pitches in (
            ("Melody", 240, 240 * eighths, walk),
            ("Piano", 960, np.repeat(960 * np.arange(2 * bars), 3), roots + thirds),
            ("Bass", 480, 480 * np.arange(4 * bars), np.repeat(roots[::3], 2) - 12),
        ):
            track = TrackTick(name)
            track.notes = NoteTickList.from_numpy(
                onsets.astype(np.int32),
                np.full(len(onsets), every - 30, np.int32),
                pitches.astype(np.int8),
                numbers.integers(60, 100, len(onsets)).astype(np.int8),
            )
            score.tracks.append(track)
        score.dump_midi(folder / f"{song:04}.mid")
    return folder
