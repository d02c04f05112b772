"""Run a command in the terminal's foreground, by itself.

Usage: python foreground.py COMMAND [ARG ...]

Ctrl-C goes to every process of the terminal's foreground group, and GNU make dies of it with status
130 whatever its child does. In a group of its own, only the command gets Ctrl-C, and make passes
its exit status on. The user's shell takes the terminal back when make ends. If there is no
terminal, or make is not in its foreground, the command is simply run.

Ctrl-Z is ignored: a band-mate that stops in the middle leaves its notes sounding.
"""

import os
import signal
import sys

if sys.stdin.isatty() and os.tcgetpgrp(0) == os.getpgrp():
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.setpgid(0, 0)
    # Sent to whoever takes the terminal from the background.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
