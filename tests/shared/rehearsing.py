"""`jamd play` as a process, in its rehearsal room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from jamd.daemon.control.remote import STATUS, ask
from jamd.daemon.events import Sounded
from jamd.daemon.takes.journal import entries
from jamd.daemon.takes.recorder import JOURNAL, journal_of

BUNDLE = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
PLAY = (
    "import sys\n"
    "from jamd.cli import main\n"
    "from jamd.daemon.ports import midi_system\n"
    "midi_system.SYSTEMS = {}\n"  # rehearse, whatever this machine has
    "sys.exit(main(['play', '--bundle', sys.argv[1], '--takes', sys.argv[2]]))\n"
)


def started(
    program: str,
    takes: Path,
    stdout: int = subprocess.PIPE,
    process_group: int | None = None,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, BUNDLE, takes],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        process_group=process_group,
    )


def until_shown(process: subprocess.Popen[str], text: str, times: int = 1) -> None:
    assert process.stdout is not None
    shown = 0
    while shown < times:
        line = process.stdout.readline()
        assert line, f"it ended before {text!r}"
        shown += text in line


def written(takes: Path) -> list[str]:
    """The lines of the journal being written."""
    (journal,) = takes.glob(f"*{JOURNAL}")
    with journal_of(journal) as lines:
        return list(lines)


def rows(pid: int) -> list[str]:
    """What `jamd status` shows of a running jamd."""
    told: list[str] = ask(STATUS, pid).given[pid]["rows"]
    return told


def kept(takes: Path, text: str) -> int:
    """How many of these lines contain `text`."""
    return sum(text in line for line in written(takes))


def played(lines: Iterable[str]) -> tuple[int, int]:
    """How many notes jamd has begun, and how many ended."""
    sounded = (entry for entry in entries(lines) if isinstance(entry, Sounded))
    kinds = [entry.message.type for entry in sounded if entry.part is not None]
    return kinds.count("note_on"), kinds.count("note_off")
