"""Where music is looked for, what is found there, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamd.errors import SourceError, printable
from jamd.training.preparing.sources import find_sources

pytestmark = pytest.mark.train


def test_sources_are_found_in_any_case_and_each_once(tmp_path: Path) -> None:
    for name in ("a.MID", "deep/er/b.Midi", "c.kar", "d.txt", "e.mxl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found, _ = find_sources([str(tmp_path), str(tmp_path / "a.MID")])
    assert [source.name for source in found] == ["a.MID", "c.kar", "deep/er/b.Midi", "e.mxl"]
    assert [source.is_score for source in found] == [False, False, False, True]


def test_links_to_folders_are_followed_and_each_file_is_found_once(tmp_path: Path) -> None:
    for name in ("music/z/a.mid", "music/b.mid", "pack/deep/c.mid"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    links = {"all": "z", "pack": "../pack", "z/round": "..", "b again.mid": "b.mid"}
    for link, target in links.items():
        (tmp_path / "music" / link).symlink_to(target)
    (tmp_path / "pack" / "back").symlink_to(tmp_path / "music")
    found, left_out = find_sources([str(tmp_path / "music")])
    assert [source.name for source in found] == ["b again.mid", "pack/deep/c.mid", "z/a.mid"]
    assert left_out == []


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a file or a folder, found neither"):
        find_sources([str(tmp_path / "nowhere")])
    with pytest.raises(SourceError, match="expected files of music"):
        find_sources([str(tmp_path)])


def test_names_are_shown_without_what_a_terminal_would_obey() -> None:
    names = map(printable, ["a\x1b[31m\n.mid", "\udcff.mid", "ノート.mid"])
    assert ", ".join(names) == r"a\x1b[31m\n.mid, \udcff.mid, ノート.mid"
