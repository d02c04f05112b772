"""The least that python-rtmidi can do: what comes in goes out. The yardstick for an answer.

`python -m jamd.bench.echo` plays back what it hears on JACK until SIGTERM; then it prints, as JSON,
the moment (seconds, monotonic) of each note-on that it heard.
"""

from __future__ import annotations

import json
import signal
import threading
import time

import rtmidi


def main() -> None:
    """Echo until told to stop."""
    heard: list[float] = []
    output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "echo")
    output.open_virtual_port("plays")
    source = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "echo")

    def answer(packet: tuple[list[int], float], _: object) -> None:
        if packet[0][0] & 0xF0 == 0x90:
            heard.append(time.monotonic())
        output.send_message(packet[0])

    source.set_callback(answer)
    source.open_virtual_port("listens")
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    over.wait()
    print(json.dumps(heard))


if __name__ == "__main__":
    main()
