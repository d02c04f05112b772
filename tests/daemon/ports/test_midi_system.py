"""Which MIDI system is taken, and what is told if there is none."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import cast

import pytest

from jamd.daemon.ports import jack, midi_system
from jamd.daemon.ports.midi_system import NoMidiSystem, NotAllowed, System, open_system


@pytest.mark.parametrize("api", ["coremidi", "winmm"])
def test_another_computers_midi_is_refused_in_one_line(api: str) -> None:
    with pytest.raises(NoMidiSystem, match=rf"\[midi\] api is '{api}', but .* use --api auto"):
        open_system(api)


def forbid(monkeypatch: pytest.MonkeyPatch, jack_server: System | None) -> None:
    """ALSA's sequencer is there, and only others may open it."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr(jack, "open_jack", lambda: jack_server)


@pytest.mark.skipif(sys.platform != "linux", reason="no ALSA there")
@pytest.mark.parametrize("api", ["auto", "alsa"])
def test_who_may_not_open_the_sequencer_learns_how_to(
    monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    forbid(monkeypatch, jack_server=None)
    with pytest.raises(NotAllowed, match="who may not open /dev/snd/seq: join the group audio"):
        open_system(api)


@pytest.mark.skipif(sys.platform != "linux", reason="no ALSA there")
def test_who_may_not_open_the_sequencer_plays_on_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    server = cast("System", object())
    forbid(monkeypatch, jack_server=server)
    assert open_system() is server


@pytest.mark.skipif(sys.platform != "linux", reason="no ALSA there")
def test_a_sequencer_whose_module_is_missing_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node = tmp_path / "seq"  # which cannot be opened either, for the same reason: no such device
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(node))
        monkeypatch.setattr(midi_system, "_SEQUENCER", node)
        with pytest.raises(NoMidiSystem, match="load the module snd-seq"):
            open_system("alsa")
