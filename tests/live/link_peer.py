"""A program for the tests: somebody else in a Link session, who asks Link itself and not jamd.

It takes commands on stdin, a line each (`tempo BPM`, `start`, `stop`, `look`), and answers each
with a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time

from link import Link

QUANTUM = 4.0  # quarter notes


def main(bpm: float) -> None:
    link = Link(bpm)
    link.startStopSyncEnabled = True
    link.enabled = True
    for line in sys.stdin:
        state, micros = link.captureAppSessionState(), link.clock().micros()
        match line.split():
            case ["tempo", wanted]:
                state.setTempo(float(wanted), micros)
                link.commitAppSessionState(state)
            case ["start"]:
                state.setIsPlaying(True, micros)
                link.commitAppSessionState(state)
            case ["stop"]:
                state.setIsPlaying(False, micros)
                link.commitAppSessionState(state)
        now, micros = time.monotonic(), link.clock().micros()
        state = link.captureAppSessionState()
        seen = {
            "peers": link.numPeers(),
            "bpm": state.tempo(),
            "bar_line": now - state.phaseAtTime(micros, QUANTUM) * 60 / state.tempo(),
            "playing": state.isPlaying(),
        }
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
