"""The subcommands of `jamd`: one module each, importing its side only when it is called.

Each has `add(subparsers)`, which declares its arguments and sets `run` as what to call, and
`run(args)`, which returns the exit status.
"""

from __future__ import annotations

import argparse
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
"""What `add` is given."""
