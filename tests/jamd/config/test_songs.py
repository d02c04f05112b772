"""A folder of songs: each file overrides config.toml, and says what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from jamd.cli import main
from jamd.config.config import SETTINGS
from jamd.config.songs import OWN, read_songs
from jamd.errors import ConfigError
from jamd.notes import Meter

TOP = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    place.mkdir()
    return place


def problems(folder: Path, file: Path | None = None, **options: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_songs(str(folder), file, {key.replace("__", "."): one for key, one in options.items()})
    return str(caught.value).splitlines()


def test_they_are_played_in_the_order_of_their_numbers_and_called_by_the_rest(folder: Path) -> None:
    for name in ("10 last", "2 - Waltz", "01_a_blues", "encore", "3", "0. Água"):
        (folder / f"{name}.toml").touch()
    (folder / "04 named.toml").write_text('title = "Giant Steps"', encoding="utf-8")
    for other in (".01 blues.toml", "notes.txt", "01 waltz.toml~"):
        (folder / other).write_text("no song", encoding="utf-8")
    titles = [song.title for song in read_songs(str(folder), None, {})]
    assert titles == ["Água", "a_blues", "Waltz", "3", "Giant Steps", "last", "encore"]


def test_a_song_overrides_config_toml_and_the_command_line_every_song(folder: Path) -> None:
    file = folder.parent / "config.toml"
    file.write_text("[transport]\nbpm = 90\nmeter = '3/4'\n[play]\nmode = 'endless'\n")
    (folder / "1 fast.toml").write_text("[transport]\nbpm = 200\n[play]\ntrade = 4\n")
    (folder / "2 plain.toml").touch()
    fast, plain = read_songs(str(folder), file, {"play.trade": 2})
    assert (fast.config.transport.bpm, plain.config.transport.bpm) == (200, 90)
    assert fast.config.transport.meter == plain.config.transport.meter == Meter(3, 4)
    assert (fast.config.play.mode, plain.config.play.trade) == ("endless", 2)
    assert fast.config.play.trade == 2, "the command line is for tonight"
    assert (fast.own_tempo, plain.own_tempo) == (True, False)
    assert all(song.own_tempo for song in read_songs(str(folder), file, {"transport.bpm": 60}))


def test_every_problem_of_every_song_is_told_in_a_line_with_file_and_key(folder: Path) -> None:
    one, two = folder / "1 one.toml", folder / "2 two.toml"
    one.write_text(
        "title = 3\n[midi]\nsplit = 50\ninput_name = 'x'\n[transport]\nsource = 'link'\n"
    )
    two.write_text("[play]\nmode = 'disco'\ntemprature = 1\n[takes]\nkeep = false\n")
    (folder / "3 three.toml").write_text("[play\n")
    told = problems(folder)
    assert told[:3] == [
        f"{one}: midi.input_name: not a song's to set, but config.toml's, for all of them",
        f"{one}: transport.source: a Link session is for all songs: set it in config.toml",
        f"{one}: title: expected a title of at most 60 characters, in quotes; found 3",
    ]
    assert told[3] == f"{two}: takes.keep: not a song's to set, but config.toml's, for all of them"
    assert told[4].startswith(f"{folder / '3 three.toml'}: expected TOML; ")
    two.write_text("[play]\nmode = 'disco'\ntemprature = 1\n[tempoo]\nbpm = 3\n")
    assert problems(folder)[3:-1] == [
        f"{two}: play.temprature: no such setting; did you mean model.temperature?",
        f"{two}: tempoo: no such section",
        f'{two}: play.mode: expected one of "answer", "endless", "off"; found "disco"',
    ]
    two.write_text("titel = 'Two'\n")
    assert f"{two}: titel: no such setting; did you mean title?" in problems(folder)
    two.write_text("style = 'jazz'\n")
    assert f"{two}: style: no such setting; did you mean model.style?" in problems(folder)


def test_changes_of_config_toml_that_do_not_fit_a_songs_meter_are_that_songs_problem(
    folder: Path,
) -> None:
    file = folder.parent / "config.toml"
    file.write_text("[play]\nchanges = 'C F G C'\n")
    waltz = folder / "1 waltz.toml"
    waltz.write_text("[transport]\nmeter = '3/4'\n")
    assert problems(folder, file) == [
        f"{waltz}: {file}: play.changes: expected at most 3 chords in a bar of 3/4; found 4"
    ]


def test_a_link_session_is_for_all_songs(folder: Path) -> None:
    file = folder.parent / "config.toml"
    file.write_text("[transport]\nsource = 'link'\n")
    alone = folder / "1 alone.toml"
    alone.write_text("[transport]\nsource = 'player'\n")
    (folder / "2 linked.toml").touch()
    assert problems(folder, file) == [
        f"{alone}: transport.source: a Link session is for all songs, and config.toml has one"
    ]
    for source in ("link", "internal"):
        songs = read_songs(str(folder), file, {"transport.source": source})
        assert {song.config.transport.source for song in songs} == {source}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere", "expected a folder of songs: No such file or directory"),
        ("set", 'expected songs, such as "01 waltz.toml"; found none'),
        ("~nobody-here/x", "expected a folder of songs: "),
    ],
)
def test_a_folder_without_songs_is_refused_in_one_line(
    folder: Path, name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    (problem,) = problems(Path(name))
    assert problem.startswith(f"{name}: {told}")


def test_jamd_play_refuses_a_bad_song_with_status_2_before_it_plays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "1 bad.toml").write_text("[play]\nmode = 'disco'\n")
    assert main(["play", "--rehearse", "--songs", str(folder)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"jamd: {folder / '1 bad.toml'}: play.mode: expected one of")
    assert told.err.count("\n") == 1


def test_the_setlist_of_the_documentation_can_be_played(folder: Path) -> None:
    """What is indented after `set/NAME.toml` there is that file."""
    text = (TOP / "docs" / "playing.md").read_text(encoding="utf-8")
    for name, indented in re.findall(r"`set/(.+\.toml)`:\n\n((?:    .*\n|\n)+)", text):
        (folder / name).write_text(dedent(indented), encoding="utf-8")
    waltz, blues = read_songs(str(folder), None, {})
    assert (waltz.title, blues.title) == ("waltz in F", "Slow blues in F")
    assert (waltz.config.transport.meter, blues.config.transport.bpm) == (Meter(3, 4), 72)
    assert blues.config.play.changes is not None


def test_what_a_song_may_set_are_settings() -> None:
    assert set(SETTINGS) > OWN
