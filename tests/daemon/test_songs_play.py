"""`jamd play --songs` as a process, in its rehearsal room."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from mido import MidiFile
from rehearsing import PLAY, kept, rows, started, until_shown
from waiting import until

from jamd.cli import main
from jamd.daemon.takes.journal import Opened, read_line
from jamd.daemon.takes.recorder import JOURNAL, journal_of
from jamd.notes import Meter, Part

WALTZ = '[transport]\nmeter = "3/4"\nbpm = 200\n[play]\nchanges = "Dm7 | G7"\n'
BLUES = (
    'title = "Blues in F"\n[transport]\nbpm = 160\n[play]\nmode = "endless"\n'
    '[sound]\nlead = "trumpet"\n'
)


@pytest.fixture
def program(tmp_path: Path) -> str:
    songs = tmp_path / "set"
    songs.mkdir()
    (songs / "01 waltz.toml").write_text(WALTZ, encoding="utf-8")
    (songs / "02 blues.toml").write_text(BLUES, encoding="utf-8")
    return PLAY.replace("'play', ", f"'play', '--bars', '999', '--songs', {str(songs)!r}, ")


def _title(take: Path, extension: str) -> str:
    """The title in the name of a take, without the number of a second one in the same second."""
    return take.name.removesuffix(extension).partition("_")[2].partition("_")[2].removesuffix("-2")


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
def test_each_song_has_its_settings_and_a_take_of_its_own(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes = tmp_path / "takes"

    def opened() -> list[str]:
        return [_title(path, JOURNAL) for path in takes.glob(f"*{JOURNAL}")]

    with started(program, takes) as process:
        pid = process.pid
        until_shown(process, "1.2.0")
        assert rows(pid)[0] == "song        waltz"
        assert main(["press", "next_song", "--pid", str(pid)]) == 0
        until_shown(process, "Song 2 of 2: Blues in F.")
        until(lambda: opened() == ["Blues-in-F"], 60, "the take of the waltz")
        until(lambda: "mode        endless" in rows(pid), 60, "the second song")
        assert "tempo       160 bpm (set)" in rows(pid)
        assert main(["song", "--pid", str(pid)]) == 0
        assert capsys.readouterr().out == "   1  waltz\n>  2  Blues in F\n"
        until(lambda: kept(takes, '"Sounded"') > 4, 60, "notes of the second song")
        assert main(["song", "waltz", "--pid", str(pid)]) == 0
        until(lambda: opened() == ["waltz"], 60, "the take of the blues")
        until(lambda: any("Dm7" in row for row in rows(pid)), 60, "its first chord")
        until(lambda: kept(takes, '"Sounded"') > 4, 60, "notes of the first song")
        assert main(["song", "nothing", "--pid", str(pid)]) == 2
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")
    files = sorted(takes.glob("*.mid"), key=lambda path: path.stat().st_mtime_ns)
    assert [_title(path, ".mid") for path in files] == ["waltz", "Blues-in-F", "waltz"]
    for file, meter in zip(files, (Meter(3, 4), Meter(4, 4), Meter(3, 4)), strict=True):
        assert main(["replay", str(file)]) == 0, "bit for bit"
        with journal_of(file) as lines:
            first = read_line(next(lines))
        assert isinstance(first, Opened)
        assert first.settings.meter == meter
        trumpet = {Part.LEAD: 56} if meter == Meter(4, 4) else {}
        assert first.sounds == trumpet
        (signature,) = (m for m in MidiFile(file).tracks[0] if m.type == "time_signature")
        assert Meter(signature.numerator, signature.denominator) == meter
