"""Files are written whole or not at all, and an error names them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from mido import MidiFile

from jamd.cli import main
from jamd.writing import written_whole

SONG = Path(__file__).parents[2] / "daemon" / "seeds" / "phrase.mid"
BUNDLE = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_was_there_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "new")]


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    link, target = tmp_path / "link.txt", tmp_path / "target.txt"
    link.symlink_to(target)
    with written_whole(link) as new:
        new.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    with written_whole(Path(os.devnull)) as new:
        assert new == Path(os.devnull)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["generate", str(BUNDLE), "-n", "3"], "out.mid"),
        (["freewheel", str(SONG), "--scripted"], "out.mid"),
        (["roll", str(SONG)], "out.svg"),
    ],
)
def test_a_full_disk_names_the_file_and_leaves_none(
    arguments: list[str],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(path: Path) -> None:
        path.touch()
        raise FULL

    monkeypatch.setattr(MidiFile, "save", lambda file, path: full(path))
    monkeypatch.setattr(Path, "write_text", lambda path, text, encoding: full(path))
    out = tmp_path / name
    assert main([*arguments, "-o", str(out)]) == 2
    assert capsys.readouterr() == ("", f"jamd: {out}: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["generate", str(BUNDLE)], "a MIDI file or a score"),
        (["freewheel", str(SONG), "--scripted"], "a MIDI file"),
        (["replay", str(SONG)], "a MIDI file"),
        (["roll", str(SONG)], "an SVG file"),
    ],
)
def test_a_file_is_called_what_it_is(
    arguments: list[str], kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    assert main([*arguments, "-o", str(out)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"jamd: {out}: expected the name of {kind}, ending in .")
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["freewheel", "replay"])
def test_what_is_read_is_not_written(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = tmp_path / "song.mid"
    shutil.copy(SONG, song)
    (tmp_path / "link.MID").symlink_to(song)
    for name in (song, tmp_path / "link.MID"):
        assert main([command, str(song), "-o", str(name)]) == 2
        assert capsys.readouterr().err == (
            f"jamd: {name}: expected another file than the one that is read\n"
        )
    assert song.read_bytes() == SONG.read_bytes()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".", "expected a MIDI file, found a folder\n"),
        ("..", "expected a MIDI file, found a folder\n"),
        ("", "expected a name; found an empty one: see `jamd roll --help`\n"),
    ],
)
def test_a_folder_is_no_file_to_draw(
    name: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["roll", name]) == 2
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("none/out.mid", "none/out.mid: expected a folder none, found none: make it first"),
        ("folder.mid", "folder.mid: expected the name of a file, found a folder"),
    ],
)
def test_where_nothing_can_be_written_is_told_before_the_work(
    output: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.mid").mkdir()
    monkeypatch.setattr("jamd.daemon.takes.take.read_song", lambda _: pytest.fail("it was read"))

    assert main(["freewheel", str(SONG), "-o", output]) == 2
    assert capsys.readouterr().err == f"jamd: {told}\n"
