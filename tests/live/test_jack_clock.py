"""A beat shared with real JACK clients, by MIDI clock in either direction."""

from __future__ import annotations

import itertools
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rtmidi
from waiting import until

if TYPE_CHECKING:
    from tests.live.conftest import JackServer

BPM = 120
RATE = 48_000  # frames a second, as the server runs
PERIOD = 256
TEN_BEATS = 240  # pulses
PULSE_S = 60 / BPM / 24

pytestmark = [
    pytest.mark.needs("jackd", "setpriv", "jack_lsp", "jack_connect", "jack_midi_clock"),
    pytest.mark.needs("jack_mclk_dump", "jack_midi_dump"),
    pytest.mark.slow,
]


def port(name: str) -> str:
    """The JACK port whose name ends so, once it is there."""
    found: list[str] = []

    def look() -> bool:
        listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=True).stdout
        found[:] = [line for line in listed.splitlines() if line.endswith(name)]
        return bool(found)

    until(look, 20, name)
    return found[0]


def connect(source: str, destination: str, how: str = "jack_connect") -> None:
    subprocess.run([how, port(source), port(destination)], check=True)


@contextmanager
def jamd(folder: Path, *options: str) -> Iterator[list[str]]:
    """A `jamd play` that is ready; what it prints."""
    lines: list[str] = []
    program = str(Path(sys.executable).with_name("jamd"))
    command = [program, "play", "--api", "jack", "--no-keep"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            until(lambda: any(line.startswith("Ready") for line in lines), 30, "Ready")
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
            reader.join(5)


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and value at 0, by least squares."""
    fit = statistics.linear_regression([x for x, _ in points], [y for _, y in points])
    return fit.slope, fit.intercept


def punctual(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of the points that no busy machine kept waiting."""
    slope = statistics.median(
        (later - earlier) / 48
        for (_, earlier), (_, later) in zip(points, points[48:], strict=False)
    )
    offsets = [y - slope * x for x, y in points]
    usual = statistics.median(offsets)
    return [
        point
        for point, offset in zip(points, offsets, strict=True)
        if abs(offset - usual) <= 3 * PERIOD
    ]


def test_a_clock_that_jamd_sends_is_steady(realtime_jack: JackServer, tmp_path: Path) -> None:
    """Over each ten beats, as `jack_mclk_dump` counts frames, within 0.1 bpm."""

    def attempt() -> None:
        options = ("--bpm", str(BPM), "--send-clock", "--count-in", "4")
        with jamd(tmp_path, *options):
            heard = subprocess.run(
                ["timeout", "-s", "INT", "13", "jack_mclk_dump", "-n", port("jamd plays")],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        frames = [int(at) for at in re.findall(r"@ (\d+)", heard)][24:]
        assert len(frames) > 480
        # A busy machine's reader misses some: each is numbered by where it lies.
        numbers = [round((at - frames[0]) / (60 * RATE / BPM / 24)) for at in frames]
        points = punctual(list(zip(numbers, frames, strict=True)))
        tempos = []
        for begin in range(0, numbers[-1] - TEN_BEATS + 2, 48):
            ten_beats = [point for point in points if begin <= point[0] < begin + TEN_BEATS]
            tempos.append(60 * RATE / 24 / line_through(ten_beats)[0])
        print(f"{min(tempos):.3f} to {max(tempos):.3f} bpm; {len(frames) - len(points)} late")
        assert len(points) > 0.8 * len(frames)
        assert all(abs(tempo - BPM) <= 0.1 for tempo in tempos)

    realtime_jack.undisturbed(attempt)


ECHO = """
import rtmidi, sys, time
heard = []
def hear(packet, _):
    if packet[0] == [0xFA]:
        heard.clear()
    elif packet[0] == [0xF8]:
        heard.append(time.monotonic())
        out.send_message([0x9F, 0, 1])
out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "echo")
out.open_virtual_port("returns")
source = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "echo")
source.ignore_types(timing=False)
source.set_callback(hear)
source.open_virtual_port("takes")
print(flush=True)
sys.stdin.read()
print(*heard)
"""
"""Returns a note for each pulse, as soon as python-rtmidi can; then prints when each came."""


@contextmanager
def running(command: Sequence[str | Path], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("jitter", [0, 10])
def test_jamd_is_on_the_beat_of_jacks_clock(
    realtime_jack: JackServer, tmp_path: Path, jitter: int
) -> None:
    """Clicks against the line through the pulses around them, beside an echo of each pulse.

    `jack_midi_dump` tells the frame of each message, however late it reads it; but jamd and the
    echo hear and play by whole periods of JACK's, 5.3 ms, and later where the computer is busy.
    With jitter the clock's beat itself wanders, by tens of milliseconds in some seconds.

    That goes for the beats until the computer holds the clock up: after a pause as long as a pulse
    nobody can tell whether one is missing.
    """
    clock = ["jack_midi_clock", "-B", "-b", str(BPM), "-J", str(jitter)]
    heard = tmp_path / "heard.txt"

    def attempt() -> None:
        # Before the clock is there: an attempt before this one left the transport where it stopped,
        # and a clock that sees it play there says Continue, not Start.
        tell_transport("stop", "locate 0")
        with (
            heard.open("wb") as file,
            jamd(tmp_path, "--clock", "midi", "--click", "on", "--bpm", "77") as lines,
            running(clock, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
            running(["jack_midi_dump", "-a"], stdout=file),
            running(
                [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as echo,
        ):
            assert echo.stdout is not None
            echo.stdout.readline()
            for listener in ("jamd listens", "takes", "midi-monitor:input"):
                connect("mclk_out", listener)
            for player in ("jamd plays", "returns"):
                connect(player, "midi-monitor:input")
            tell_transport("play")
            time.sleep(7)
            tell_transport("stop")
            time.sleep(0.3)
            arrivals = [float(at) for at in echo.communicate()[0].split()]
        times: dict[str, list[float]] = {}
        for frame, status in re.findall(r"(\d+): ([0-9a-f]{2})", heard.read_text()):
            times.setdefault(status, []).append(int(frame) / RATE)
        assert len(times.get("fa", ())) == 1, "one Start is heard"
        (begun_s,) = times["fa"]
        pulses = [at for at in times["f8"] if at >= begun_s]
        pulses = pulses[: min(held_up(pulses), held_up(arrivals))]
        points = list(enumerate(pulses))
        clicks = [at for at in times["99"] if begun_s <= at <= pulses[-1]]
        beats = [apart for at in clicks if (apart := after_beat(points, at)) is not None]
        assert len(beats) >= 8, (len(pulses), lines)
        assert len(clicks) > 0.8 * len(pulses) / 24, lines
        echoes = [
            at - pulses[bisect(pulses, at) - 1] for at in times["9f"] if begun_s < at <= pulses[-1]
        ]
        (late_s, apart_s), (echo_s, echo_apart_s) = spread(beats), spread(echoes)
        print(
            f"{jitter} %, {len(beats)} beats: {1000 * late_s:.1f} ms late, "
            f"half ±{1000 * apart_s:.1f} ms; "
            f"an echo {1000 * echo_s:.1f} ms, ±{1000 * echo_apart_s:.1f} ms"
        )
        assert -PERIOD / RATE < late_s < echo_s + PERIOD / RATE
        assert apart_s < echo_apart_s + PERIOD / RATE, beats

    realtime_jack.undisturbed(attempt, times=10)


def held_up(pulses: Sequence[float]) -> int:
    """How many pulses there are before the first that comes much too late or too early."""
    gaps = (later - earlier for earlier, later in itertools.pairwise(pulses))
    return next((i for i, gap in enumerate(gaps, 1) if abs(gap / PULSE_S - 1) > 0.45), len(pulses))


def spread(late_s: Sequence[float]) -> tuple[float, float]:
    """The median, and the median distance from it."""
    usual_s = statistics.median(late_s)
    return usual_s, statistics.median(abs(one - usual_s) for one in late_s)


def numbered(pulses: Sequence[float], begun: float) -> list[tuple[float, float]]:
    """Pulses with their numbers: a busy machine may miss some, the first ones too."""
    apart = [later - earlier for earlier, later in itertools.pairwise(pulses)]
    first = int((pulses[0] - begun) / PULSE_S)
    steps = [max(1, round(one / PULSE_S)) for one in apart]
    return list(zip(itertools.accumulate(steps, initial=first), pulses, strict=True))


def after_beat(points: Sequence[tuple[float, float]], at: float) -> float | None:
    """Seconds from the beat nearest to `at`, by the line through the pulses around it."""
    near = [point for point in points if abs(point[1] - at) < 0.3]
    if len(near) < 24:
        return None  # at the very beginning or end
    slope, start = line_through(near)
    return at - start - 24 * slope * round((at - start) / slope / 24)


def tell_transport(*commands: str) -> None:
    lines = "\n".join([*commands, "quit\n"])
    subprocess.run(["jack_transport"], input=lines, text=True, capture_output=True, check=True)


@contextmanager
def keyboard() -> Iterator[rtmidi.MidiOut]:
    keys = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "keyboard")
    keys.open_virtual_port("keys")
    try:
        yield keys
    finally:
        keys.close_port()
        keys.delete()


@pytest.mark.needs("jack_disconnect", "jack_transport")
def test_who_follows_jamd_is_told_to_start_to_stop_and_where_to_go_on(
    realtime_jack: JackServer, tmp_path: Path
) -> None:
    """A note begins jamd's song, a sequencer takes the lead and loses it, the jam ends.

    `jack_midi_dump` hears jamd and the sequencer; while that leads, nothing of a clock is jamd's.
    """
    file = tmp_path / "heard.txt"
    sequencer = ["jack_midi_clock", "-B", "-b", str(BPM)]

    def heard() -> list[tuple[float, str]]:
        """All that belongs to a clock, in hexadecimal, and when it came, in seconds."""
        lines = re.findall(r"(\d+): (f[\da-f](?: [\da-f]{2})*)", file.read_text())
        return [(int(frame) / RATE, message) for frame, message in lines]

    def goes_on(word: str, pulses: int) -> bool:
        """Whether it was that word that came last, and so many pulses since."""
        messages = [message[:2] for _, message in reversed(heard())]
        since = next((i for i, message in enumerate(messages) if message != "f8"), None)
        return since is not None and messages[since] == word and since >= pulses

    def attempt() -> None:
        tell_transport("stop", "locate 0")
        with file.open("wb") as dump, running(["jack_midi_dump", "-a"], stdout=dump):
            with (
                jamd(tmp_path, "--send-clock", "--bpm", "90"),
                running(sequencer, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
                keyboard() as keys,
            ):
                for source in ("jamd plays", "mclk_out"):
                    connect(source, "midi-monitor:input")
                for source in ("keyboard:keys", "mclk_out"):
                    connect(source, "jamd listens")
                keys.send_message([0x90, 60, 80])
                keys.send_message([0x80, 60, 64])
                until(lambda: goes_on("fa", 24), 5, "Start")
                tell_transport("play")
                until(lambda: goes_on("fc", 48), 5, "Stop")
                for listener in ("midi-monitor:input", "jamd listens"):
                    connect("mclk_out", listener, "jack_disconnect")
                until(lambda: goes_on("fb", 12), 5, "Song Position and Continue")
            until(lambda: goes_on("fc", 0), 5, "Stop at the end")
        everything = heard()
        words = [i for i, (_, message) in enumerate(everything) if message != "f8"]
        assert [everything[i][1][:2] for i in words] == ["fa", "fa", "fc", "f2", "fb", "fc"]
        start, taken, stop, position, goes, _ = words
        for i in (start, goes):
            (told_s, _), (pulse_s, message) = everything[i : i + 2]
            assert message == "f8"
            assert pulse_s - told_s <= PERIOD / RATE
        pulses = [at for at, _ in everything[stop + 1 : position]]
        apart_s, begun_s = line_through(numbered(pulses, everything[taken][0]))
        assert apart_s == pytest.approx(PULSE_S, rel=0.02), "one clock, and not two at once"
        low, high = everything[position][1].split()[1:]
        sixteenths = int(low, 16) + 128 * int(high, 16)
        late_s = everything[goes][0] - begun_s - 6 * sixteenths * apart_s
        print(f"goes on at sixteenth {sixteenths}, {1000 * late_s:.1f} ms late")
        assert abs(late_s) < 3 * PULSE_S

    realtime_jack.undisturbed(attempt)
