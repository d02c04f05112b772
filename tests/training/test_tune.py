"""A network that is there learns a player's own loops, and forgets little of what it knew."""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import mido
import numpy as np
import pytest

from jamd.bundle.bundle import DEFAULT, Bundle
from jamd.bundle.manifest import Excerpt, Rehearsal
from jamd.daemon.events import Event, Heard, Mode, WorkerReady
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.takes.journal import FORMAT, Journaled, Opened
from jamd.daemon.takes.recorder import Recorder
from jamd.daemon.virtual import ScriptedImproviser, VirtualJam
from jamd.errors import BundleError
from jamd.grid.tokens import DURATION, LEAD, VELOCITY, VOCABULARY
from jamd.language import Context
from jamd.notes import Note, Part, Tick
from jamd.training import rehearsal
from jamd.training.backend import load_backend
from jamd.training.corpus import Corpus
from jamd.training.preparing import takes

pytestmark = pytest.mark.train

load_backend()

from jamd.cli import main  # noqa: E402 - after the backend, which is loud otherwise
from jamd.export.weights import read_network  # noqa: E402
from jamd.training.learning.checkpoints import checkpoints  # noqa: E402
from jamd.training.learning.runs import Run, preset  # noqa: E402
from jamd.training.learning.train import new_run  # noqa: E402
from jamd.training.progress import no_progress  # noqa: E402
from jamd.training.tune import SETTINGS, YOURS, conclude  # noqa: E402

TINY = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
QUICK = ["--batch", "2", "--window", "32", "--epochs", "2"]

MakeGrid = Callable[[str], Corpus]
MakeArticle = Callable[[str, Sequence[str], int], Corpus]


def loops(folder: Path, count: int) -> Path:
    """Loops of two bars, no two alike, as MIDI files."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(count):
        track = mido.MidiTrack()
        for pitch in rng.integers(60, 80, 13).tolist():
            track.append(mido.Message("note_on", note=pitch, velocity=80 + i))
            track.append(mido.Message("note_off", note=pitch, time=240))
        file = mido.MidiFile(ticks_per_beat=480)
        file.tracks.append(track)
        file.save(folder / f"{i}.mid")
    return folder


def test_the_network_comes_back_out_of_the_shipped_bundle() -> None:
    loaded = read_network(Bundle.read(DEFAULT))  # compares logits, and refuses others
    assert (loaded.size.units, loaded.size.layers) == (576, 2)


def test_a_bundle_without_a_float32_graph_is_refused() -> None:
    bundle = Bundle.read(DEFAULT)
    graphs = {"int8": bundle.manifest.graphs["int8"]}
    only = Bundle(bundle.path, replace(bundle.manifest, graphs=graphs))
    with pytest.raises(BundleError, match="expected a float32 graph"):
        read_network(only)


def test_the_shipped_bundle_brings_excerpts_of_both_sides(tmp_path: Path) -> None:
    corpus = rehearsal.write_corpus(Bundle.read(DEFAULT), tmp_path / "before")
    assert corpus is not None
    assert len(corpus.of_split("train")) > 2 * len(corpus.of_split("held-out")) > 0
    again, data = rehearsal.copied(corpus)
    assert again == Bundle.read(DEFAULT).manifest.rehearsal
    assert data == (DEFAULT / "rehearsal.tokens").read_bytes()


@pytest.mark.parametrize("first", [len(VOCABULARY), LEAD])
def test_excerpts_that_are_no_music_are_refused(tmp_path: Path, first: int) -> None:
    excerpt = np.array([first, VELOCITY, DURATION], "<u2").tobytes()
    shutil.copytree(TINY, tmp_path / "bundle")
    (tmp_path / "bundle" / "rehearsal.tokens").write_bytes(excerpt)
    told = Rehearsal(len(excerpt), sha256(excerpt).hexdigest(), (Excerpt(3, False, True),))
    manifest = replace(Bundle.read(TINY).manifest, rehearsal=told)
    with pytest.raises(BundleError, match=r"tokens#1: expected .* cannot stand at the start"):
        rehearsal.write_corpus(Bundle(tmp_path / "bundle", manifest), tmp_path / "before")


def test_the_command_learns_from_loops_goes_on_and_exports(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = ["--old", str(grid_corpus("jazz").path)]
    folder, run = str(loops(tmp_path / "loops", 20)), str(tmp_path / "tuned")
    begin = ["train", folder, "--from", str(TINY), "-o", run, *old, *QUICK]
    assert main(begin) == 0
    told = capsys.readouterr().out
    assert " pieces of yours, rehearsing 8 pieces of what" in told
    assert "what it knew (2 pieces), a note" in told
    assert f"next: jamd export {run} -o mine && jamd play --bundle mine" in told
    begun = Run.read(Path(run))
    assert [source.style for source in begun.sources] == ["yours", "before"]
    assert begun.origin is not None

    assert main([*begin[:-1], "3"]) == 0
    assert "epoch 3: 100%" in capsys.readouterr().out
    assert [item["epoch"] for item in begun.history()] == [1, 2, 3]
    assert main(["train", str(tmp_path), "--from", str(TINY), "-o", run]) == 2
    assert "name another folder with -o" in capsys.readouterr().err
    more = tmp_path / "loops" / "new.mid"
    shutil.copy(tmp_path / "loops" / "0.mid", more)
    assert main(begin) == 2, "the run was begun without the new loop"
    told = capsys.readouterr().err
    assert f"on 20 files in {folder} (" in told
    assert "name another folder with -o" in told
    more.unlink()
    (tmp_path / "loops" / "0.mid").touch()
    assert main(begin) == 2, "one is no longer what it was"
    assert "name another folder with -o" in capsys.readouterr().err

    export = ["export", run, "-o", str(tmp_path / "mine"), "--figures", "0"]
    assert main(export) == 0
    assert "was stopped before its end" not in capsys.readouterr().err
    begun.tuned.unlink()
    assert main(export) == 0
    assert "was stopped before its end" in capsys.readouterr().err
    manifest = Bundle.read(tmp_path / "mine").manifest
    assert manifest.training["goes on from"] == str(TINY)
    assert manifest.rehearsal is None, "the player's own corpora are not handed on unasked"


def test_a_run_is_tuned_like_its_bundle(
    grid_corpus: MakeGrid, grid_run: Run, tmp_path: Path
) -> None:
    trained = replace(grid_run, settings=replace(grid_run.settings, dropout=0.35))
    trained.write()
    bundle = tmp_path / "bundle"
    assert main(["export", str(trained.path), "-o", str(bundle), "--figures", "0"]) == 0
    folder, old = loops(tmp_path / "loops", 20), grid_corpus("jazz").path
    settings = []
    for origin in (trained.path, bundle):
        output = tmp_path / f"from-{origin.name}"
        command = ["train", str(folder), "--from", str(origin), "-o", str(output)]
        assert main([*command, "--old", str(old), *QUICK[:-1], "1"]) == 0
        settings.append(Run.read(output).settings)
    assert settings[0] == settings[1]
    assert settings[0].dropout == SETTINGS.dropout


def test_the_weights_that_are_kept_are_the_last_epochs_however_many_there_are(
    grid_run: Run,
) -> None:
    first, *_, before, last = checkpoints(grid_run.path)
    first.path.rename(grid_run.start)
    before.path.rename(before.path.with_name("9999-0.5000.weights.h5"))
    newest = last.path.rename(last.path.with_name("10000-0.4000.weights.h5"))
    pairs = zip(grid_run.sources, (YOURS, rehearsal.NAME), strict=True)
    tuned = replace(grid_run, sources=tuple(replace(one, style=name) for one, name in pairs))
    assert conclude(tuned, no_progress).kept == 1, "it has learned from both, and forgot nothing"
    expected = grid_run.network(newest).get_weights()
    for found, wanted in zip(grid_run.network().get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_of_a_change_that_forgets_too_much_nothing_is_kept(
    grid_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jamd.training.tune.MOST_FORGOTTEN", -1.0)
    first, *_ = checkpoints(grid_run.path)
    first.path.rename(grid_run.start)
    pairs = zip(grid_run.sources, (YOURS, rehearsal.NAME), strict=True)
    tuned = replace(grid_run, sources=tuple(replace(one, style=name) for one, name in pairs))
    assert conclude(tuned, no_progress).kept == 0
    expected = grid_run.network(grid_run.start).get_weights()
    for found, wanted in zip(grid_run.network().get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_what_cannot_be_learned_from_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    few = loops(tmp_path / "few", 3)
    run = ["-o", str(tmp_path / "run")]
    for arguments, reason in (
        ([str(few), "--from", "default", *run], "expected 150 notes or more to learn from"),
        ([str(few), "--from", str(TINY), *run], "expected a bundle that brings excerpts"),
        ([str(empty), "--from", "default", *run], "expected files of music"),
        (["--from", "default", *run], "expected a folder of music, a corpus or --takes"),
        (["--from", "default", "--takes", str(empty), *run], "expected takes with their journals"),
        ([str(few), "--from", str(empty), *run], "expected a run or a bundle, found none"),
        ([str(few), "--from", "default", "--units", "9", *run], "leave it out"),
        ([str(few), "--from", "default", "--dropout", "0", *run], "--dropout is for a network"),
        (
            [str(few), "--from", "default", "--weight-drop", "0", *run],
            "--weight-drop is for a network",
        ),
        ([str(few), "--from", "default", "--faithful", *run], "--faithful is for a network"),
        ([str(few), "--from", "default", "--oversample", *run], "--oversample is for a network"),
        ([str(few), "--from", "default", "--style", "jaz", *run], "--style: expected one of jazz"),
        ([str(few), "--from", "default", "--old", "a", "--old", "a", *run], "each corpus once"),
        ([str(few), "--takes", *run], "goes with --from BUNDLE"),
    ):
        assert main(["train", *arguments]) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jamd: ")]
        assert reason in line


def test_a_bundle_is_refused_before_the_music_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jamd.training.backend.load_backend", None)
    monkeypatch.setattr("jamd.training.preparing.prepare.prepare", None)
    bad = tmp_path / "bad"
    shutil.copytree(DEFAULT, bad)
    (bad / "model.onnx").write_bytes(b"")
    for origin, reason in ((bad, "found 0: it was truncated"), (TINY, "that brings excerpts")):
        assert main(["train", str(tmp_path), "--from", str(origin), "-o", str(tmp_path / "r")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line


def test_a_run_of_the_article_is_refused_before_the_music_is_read(
    article_corpus: MakeArticle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = article_corpus("corpus", ["C4", "E4"], 20)
    article = new_run(tmp_path / "article", [corpus.path], preset("article", "tiny"), {})
    article.write()
    music, output = loops(tmp_path / "loops", 20), tmp_path / "tuned"
    assert main(["train", str(music), "--from", str(article.path), "-o", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected a run of the grid language, found one of the article language" in line
    assert not output.exists()


def test_of_a_jam_only_the_players_notes_are_taught(tmp_path: Path) -> None:
    def jam(shift: int) -> list[Context]:
        mine = [Note(Tick(480 * i), 60 + i + shift) for i in range(8)]
        theirs = [Note(Tick(3840 + 480 * i), 72 + i, part=Part.LEAD) for i in range(8)]
        return [Context(tuple(mine), Tick(0), Tick(7680), "combo", played=tuple(theirs))]

    corpus = takes.write_corpus({"one": jam(0), "other": jam(3)}, tmp_path / "takes", 0.2)
    assert {piece.split for piece in corpus.pieces} == {"train", "held-out"}
    read = Corpus.read(tmp_path / "takes")
    for piece in read.pieces:
        taught = read.taught(piece)
        assert taught is not None
        kinds = np.array([read.vocabulary.kind(token) for token in read.tokens(piece)])
        assert (kinds[taught] == "Lead").sum() == piece.notes == 8
        assert (kinds[~taught] == "Lead").sum() == 8


def evenings(folder: Path, count: int, *, rehearsal: bool = False) -> None:
    """Takes as the daemon records them: no two alike, in every mode and in two styles."""
    rng = np.random.default_rng(1)
    ways = (
        Settings(trade_bars=2),
        Settings(mode=Mode.ENDLESS),
        Settings(mode=Mode.OFF, style="song"),
    )
    for evening in range(count):
        settings = replace(ways[evening % len(ways)], seed=evening)
        recorder = Recorder(folder, f"2026-11-{evening + 1:02}_20.00.00")
        recorder.write(Opened(FORMAT, "0.1.0", "today", "default", "", settings, rehearsal))
        story: list[tuple[float, Event]] = [(0.0, WorkerReady())]
        # 40 bars, 20 of them played: more than the model is shown at once.
        for begin in np.arange(1.0, 81.0, 8.0):
            for i, pitch in enumerate(rng.integers(60, 80, 6).tolist()):
                struck = float(begin) + 0.5 * i
                key = {"note": pitch, "channel": 0}
                story.append((struck, Heard(mido.Message("note_on", velocity=80, **key))))
                story.append((struck + 0.4, Heard(mido.Message("note_off", **key))))
        session = Journaled(Session(settings), recorder.write)
        VirtualJam(session, ScriptedImproviser(), story).run(82.0)
        assert recorder.close() is not None


def test_a_rehearsal_is_not_learned_nor_a_take_that_cannot_be_opened(
    grid_corpus: MakeGrid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes_ = tmp_path / "takes"
    evenings(takes_, 2, rehearsal=True)
    (takes_ / "moved.jamd-journal.gz").symlink_to("another disk")
    command = ["train", "--from", str(TINY), "--takes", str(takes_), "-o", str(tmp_path / "run")]
    assert main([*command, "--old", str(grid_corpus("jazz").path), *QUICK]) == 2
    moved, left_out, refused = capsys.readouterr().err.splitlines()
    assert moved == ("left out: moved.jamd-journal.gz: cannot be opened: No such file or directory")
    assert left_out == "left out: 2 rehearsals: the phrase was jamd's own"
    assert refused.startswith("jamd: expected takes with their journals")


def test_the_takes_of_the_current_folder_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--from", "default", "-o", "run", "--takes"]
    for where, found in ((["."], "in .,"), ([], "in takes,")):
        assert main([*command, *where]) == 2
        assert f"expected takes with their journals {found}" in capsys.readouterr().err


def test_the_command_learns_what_was_played_in_takes(
    grid_corpus: MakeGrid,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where jamd play keeps them
    evenings(Path("takes"), 9)
    last = Path("takes") / "2026-11-09_20.00.00.jamd-journal.gz"
    last.with_suffix("").write_bytes(gzip.decompress(last.read_bytes()))  # as after a kill
    last.unlink()
    old = ["--old", str(grid_corpus("jazz").path)]
    begin = ["train", "--from", str(TINY), "--takes", "--style", "jazz", "-o", "run"]
    command = [*begin, *old, *QUICK]
    assert main(command) == 0
    told = capsys.readouterr().out

    corpus = Corpus.read(tmp_path / "run" / "takes")
    sides: dict[str, set[str]] = {}
    notes: Counter[str] = Counter()
    for piece in corpus.pieces:
        sides.setdefault(piece.source, set()).add(piece.split)
        taught = corpus.taught(piece)
        assert taught is not None
        kinds = np.array([corpus.vocabulary.kind(token) for token in corpus.tokens(piece)])
        notes[piece.source] += int((kinds[taught] == "Lead").sum())
    assert len(corpus.pieces) > len(notes) == 9
    # A note that jamd struck at the same moment is given.
    assert all(58 <= each <= 60 for each in notes.values()), "each of the player's, none of jamd's"
    assert all(len(split) == 1 for split in sides.values()), "no take is on both sides"
    held_out = sum(split == {"held-out"} for split in sides.values())
    assert f"learning from {9 - held_out} takes of yours" in told
    assert f"yours ({held_out} takes), a note" in told
    assert "--bundle mine --style jazz" in told

    evenings(Path("takes"), 1)
    assert main(command) == 2, "the run was begun without the take of this evening"
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("jamd: ")]
    assert "on 9 takes in" in line
