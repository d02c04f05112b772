"""Files are written whole or not at all, and an error names them."""

from __future__ import annotations

import errno
import os
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
    "arguments",
    [
        ["generate", str(BUNDLE), "-n", "3"],
        ["freewheel", str(SONG), "--scripted"],
        ["roll", str(SONG)],
    ],
)
def test_a_full_disk_names_the_file_and_leaves_none(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(path: Path) -> None:
        path.touch()
        raise FULL

    monkeypatch.setattr(MidiFile, "save", lambda file, path: full(path))
    monkeypatch.setattr(Path, "write_text", lambda path, text, encoding: full(path))
    out = tmp_path / "out.svg"
    assert main([*arguments, "-o", str(out)]) == 2
    assert capsys.readouterr() == ("", f"jamd: {out}: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", "", ".."])
def test_a_folder_is_no_file_to_draw(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["roll", name]) == 2
    assert capsys.readouterr().err.endswith("expected a MIDI file, found a folder\n")
