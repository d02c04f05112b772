"""A bare process that only sleeps to the deadlines that it reads: the yardstick for the front.

Reads a JSON list of seconds from its start, sleeps to each, and prints how many seconds late it
woke. Standard library only.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """Read, sleep and print."""
    deadlines = json.load(sys.stdin)
    late = []
    began = time.monotonic()
    for deadline in deadlines:
        due = began + deadline
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
    print(json.dumps(late))


if __name__ == "__main__":
    main()
