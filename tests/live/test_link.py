"""jamd and another Link peer, each in a network of its own, joined by a cable of the test's own.

Neither network leads anywhere else, so no packet leaves the machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PATIENCE_S = 20.0
OLDER_S = 0.7
"""Where two sessions meet, Link joins the one that is older by more than half a second, by what its
packets measure: on a busy machine that has been the other one."""

CABLE = """
set -e
unshare --net sleep infinity & other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add name jamd-a type veth peer name jamd-b
ip link set jamd-b netns $other
ip address add 10.77.0.1/24 dev jamd-a
nsenter --target $other --net ip address add 10.77.0.2/24 dev jamd-b
ip link set jamd-a up
nsenter --target $other --net ip link set jamd-b up
echo $other
read _ || true
"""
"""Two networks: this shell's, with 10.77.0.1, and that of the process whose id it prints."""


class Program:
    """One of the test's programs in one of the two networks, asked line by line."""

    def __init__(self, network: int, *command: str | Path) -> None:
        self.process = subprocess.Popen(
            [
                *("nsenter", f"--target={network}", "--user", "--net", "--preserve-credentials"),
                *("--", sys.executable, *map(str, command)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str = "look") -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(command, file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask again and again, until the answer is as it should be."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds(answer := self.ask()):
            assert time.monotonic() < deadline, f"still {answer}"
        return answer


@pytest.fixture
def two_networks() -> Iterator[tuple[int, int]]:
    """The ids of two processes, each in a network namespace of its own."""
    with subprocess.Popen(
        ["unshare", "--map-root-user", "--net", "--", "sh", "-c", CABLE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        assert shell.stdout is not None
        yield shell.pid, int(shell.stdout.readline())
        assert shell.stdin is not None
        shell.stdin.close()


@pytest.fixture
def session(two_networks: tuple[int, int]) -> Iterator[tuple[Program, Program]]:
    """A jamd at 100 bpm, and a peer at 180 that was there before."""
    with ExitStack() as stops:
        peer = Program(two_networks[1], HERE / "link_peer.py", "180")
        stops.enter_context(peer.process)
        stops.callback(peer.process.terminate)
        peer.ask()  # it takes part before it answers
        born = time.monotonic()
        peer.until(lambda _: time.monotonic() > born + OLDER_S)
        jam = Program(two_networks[0], HERE / "link_jam.py")
        stops.enter_context(jam.process)
        stops.callback(jam.process.terminate)
        peer.until(lambda seen: seen["peers"] == 1)
        yield jam, peer


def apart_ms(jam: Program, peer: Program) -> float:
    """How far jamd's place in the bar is from the peer's, in milliseconds: of five, the median."""
    looks = ((jam.ask(), peer.ask()) for _ in range(5))
    return statistics.median(late_ms(here["now"], here["beat"], there) for here, there in looks)


def late_ms(now: float, beat: float, there: dict[str, Any]) -> float:
    """How long before `now` the peer was at `beat` of its bar, in milliseconds."""
    beat_s = 60 / float(there["bpm"])
    late_s: float = (now - there["bar_line"] - beat * beat_s + 2 * beat_s) % (
        4 * beat_s
    ) - 2 * beat_s
    return 1000 * late_s


@pytest.mark.needs("network namespaces")
def test_two_peers_share_tempo_phase_start_and_stop(session: tuple[Program, Program]) -> None:
    jam, peer = session
    # The peer's tempo, and jamd's only if Link took jamd's session for the older of the two.
    jam.until(lambda seen: seen["bpm"] == pytest.approx(peer.ask()["bpm"], abs=0.01))
    peer.ask("tempo 180")
    joined = jam.until(lambda seen: seen["bpm"] == pytest.approx(180, abs=0.01))
    assert joined["tempos"] == 0  # whoever won, jamd has told nobody a tempo

    # The player comes in on the peer's third beat, which starts everybody.
    jam.ask(f"play {peer.ask()['bar_line'] + 6 * 60 / 180}")
    peer.until(lambda seen: seen["playing"])
    assert 2 <= jam.ask()["beat"] < 3
    assert abs(apart_ms(jam, peer)) < 3
    onsets = jam.until(lambda seen: len(seen["onsets"]) >= 8)["onsets"]
    there = peer.ask()
    late = [late_ms(seconds, beat, there) for seconds, beat in onsets]
    print(f"onsets after the peer's beat: {min(late):.2f} to {max(late):.2f} ms")
    assert abs(statistics.median(late)) < 3

    peer.ask("tempo 220")  # a peer's tempo
    jam.until(lambda seen: abs(seen["bpm"] - 220) < 0.01)
    assert abs(apart_ms(jam, peer)) < 3
    jam.ask("tempo 152.5")  # jamd's tempo
    peer.until(lambda seen: abs(seen["bpm"] - 152.5) < 0.01)
    assert jam.ask()["tempos"] == 1
    assert abs(apart_ms(jam, peer)) < 3

    peer.ask("stop")
    jam.until(lambda seen: seen["beat"] is None)
    peer.ask("start")
    began = jam.until(lambda seen: seen["beat"] is not None)
    assert began["beat"] < 0.3  # at the bar line
    assert abs(apart_ms(jam, peer)) < 3
    jam.ask("key stop")
    peer.until(lambda seen: not seen["playing"])
    jam.ask("key start")
    peer.until(lambda seen: seen["playing"])

    jam.ask("leave")
    assert peer.until(lambda seen: seen["peers"] == 0)["playing"]  # the others play on


@pytest.mark.needs("network namespaces")
def test_the_next_song_goes_on_at_the_tempo_and_on_the_beat_of_the_session(
    session: tuple[Program, Program],
) -> None:
    jam, peer = session
    peer.ask("tempo 180")
    jam.until(lambda seen: seen["bpm"] == pytest.approx(180, abs=0.01))
    jam.ask("waltz")  # and nothing changes in the session that would be told by itself
    jam.until(lambda seen: seen["bpm"] == pytest.approx(180, abs=0.01))
    jam.ask(f"play {peer.ask()['bar_line'] + 8 * 60 / 180 + 0.04}")  # a little late
    jam.until(lambda seen: seen["beat"] is not None)
    here, there = jam.ask(), peer.ask()
    beat_s = 60 / 180
    off_s = here["now"] - there["bar_line"] - here["beat"] * beat_s
    assert abs((off_s + beat_s / 2) % beat_s - beat_s / 2) < 0.010
    jam.ask("leave")
