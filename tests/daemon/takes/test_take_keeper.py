"""Each jam of one `jamd play` becomes a take of its own, whatever becomes of the others."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from mido import Message

from jamd.bundle.bundle import Bundle, resolve
from jamd.cli import main
from jamd.config.config import Config
from jamd.config.folders import Takes
from jamd.daemon.display.screen import Screen
from jamd.daemon.events import Heard, Journal, Sounded
from jamd.daemon.settings import Settings
from jamd.daemon.takes import recorder
from jamd.daemon.takes.journal import FORMAT, Decides, Opened, Record, to_line
from jamd.daemon.takes.recorder import JOURNAL, KEPT, finish
from jamd.daemon.takes.take_keeper import TakeKeeper
from jamd.errors import TakeError

BUNDLE = Bundle.read(resolve("default"))
C4 = Message("note_on", note=60)
LEFT: Sequence[Record] = (
    Opened(FORMAT, "0.1.0", "2026-01-01T00:00:00+00:00", "default", "", Settings()),
    Journal(Sounded(0, 0.0, None, C4)),
)
TOLD = "told.txt"


@contextmanager
def jamming(tmp: Path, most: int = 200, folder: str = "") -> Iterator[Callable[[], None]]:
    """A jam of one note; what is called begins another, after a rest. The news are in `TOLD`."""
    sessions: list[Decides] = []

    def go_on_with(session: Decides) -> None:
        if sessions:
            sessions[-1].shutdown(2.0)
        sessions.append(session)
        session.handle(Heard(C4), 1.0)

    config = Config(takes=Takes(folder=tmp / folder, most=most))
    with (tmp / TOLD).open("w", encoding="utf-8") as stream:
        screen = Screen(stream)
        try:
            with TakeKeeper(config, screen, BUNDLE, rehearsal=False) as keeper:
                go_on_with(keeper.begin(Settings(), config))
                yield lambda: keeper.begin_another(Settings(), config, go_on_with)
                sessions[-1].shutdown(2.0)
        finally:
            screen.close()


def told(folder: Path) -> list[str]:
    return (folder / TOLD).read_text(encoding="utf-8").splitlines()


def test_each_jam_is_a_take_that_can_be_replayed(tmp_path: Path) -> None:
    with jamming(tmp_path) as another:
        another()
        another()
    takes = sorted(tmp_path.glob("*.mid"))
    assert len(takes) == 3
    assert sorted(told(tmp_path)) == sorted(f"The take is {take}." for take in takes)
    assert [main(["replay", str(take)]) for take in takes] == [0, 0, 0]


def test_the_next_jam_waits_for_no_take_to_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = threading.Event()

    def slowly(journal: Path) -> Path | None:
        assert saves.wait(30)
        return finish(journal)

    monkeypatch.setattr(recorder, "finish_apart", slowly)
    with jamming(tmp_path) as another:
        for _ in range(3):
            another()
        assert not list(tmp_path.glob("*.mid"))
        saves.set()
    takes = sorted(tmp_path.glob("*.mid"))
    assert len(takes) == 4
    assert [main(["replay", str(take)]) for take in takes] == [0] * 4


def test_the_next_jam_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, disk, create = threading.Event(), threading.Event(), recorder._create

    def slowly(folder: Path, name: str, hold: ExitStack) -> tuple[TextIO, Path]:
        assert begun.wait(5), "the jam that plays has to wait"
        assert disk.wait(30)
        return create(folder, name, hold)

    with jamming(tmp_path) as another:
        monkeypatch.setattr(recorder, "_create", slowly)
        another()
        begun.set()
        another()
        disk.set()
    takes = sorted(tmp_path.glob("*.mid"))
    assert len(takes) == 3
    assert [main(["replay", str(take)]) for take in takes] == [0] * 3


def test_a_later_jam_goes_on_where_no_more_takes_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> tuple[TextIO, Path]:
        raise OSError(errno.ENOSPC, "No space left on device")

    def jam_twice() -> None:
        with jamming(tmp_path) as another:
            monkeypatch.setattr(recorder, "_create", refused)
            another()

    with pytest.raises(TakeError, match="No space left on device"):
        jam_twice()
    assert len(list(tmp_path.glob("*.mid"))) == 1
    assert not list(tmp_path.glob(f"*{JOURNAL}"))


def test_where_no_take_could_be_kept_none_is_tried(tmp_path: Path) -> None:
    (tmp_path / "takes").touch()
    with jamming(tmp_path, folder="takes") as another:
        another()
    (line,) = told(tmp_path)
    assert line.startswith(f"Takes cannot be kept in {tmp_path / 'takes'}: File exists.")


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    with jamming(tmp_path, most=2) as another:
        for _ in range(3):
            another()
    assert len(list(tmp_path.glob("*.mid"))) == 2


def test_an_earlier_take_that_cannot_be_saved_is_told_at_once_and_at_the_end(
    tmp_path: Path,
) -> None:
    def jam_twice() -> None:
        with jamming(tmp_path) as another:
            (journal,) = tmp_path.glob(f"*{JOURNAL}")
            journal.with_name(journal.name.replace(JOURNAL, ".mid")).mkdir()
            another()

    with pytest.raises(TakeError, match="cannot be saved") as complaint:
        jam_twice()
    (journal,) = tmp_path.glob(f"*{JOURNAL}")
    assert str(journal) in str(complaint.value)
    assert str(complaint.value) in told(tmp_path)
    assert len(list(tmp_path.glob(f"*{KEPT}"))) == 1, "the second one is saved"


def test_what_another_jamd_left_is_no_work_for_a_jam(tmp_path: Path) -> None:
    with jamming(tmp_path) as another:
        left = tmp_path / f"left{JOURNAL}"
        left.write_text("".join(map(to_line, LEFT)), encoding="utf-8")
        another()
    assert left.exists()
    with jamming(tmp_path):
        pass
    assert not left.exists()
    assert f"A take that was cut off is now {tmp_path / 'left.mid'}." in told(tmp_path)


def test_an_old_take_that_cannot_be_deleted_does_not_cost_the_next(tmp_path: Path) -> None:
    (tmp_path / "old.mid").mkdir()
    (tmp_path / f"old{KEPT}").touch()
    with jamming(tmp_path, most=1) as another:
        another()
    assert len(list(tmp_path.glob("*.mid"))) == 3
    assert any("cannot be deleted" in line for line in told(tmp_path))
