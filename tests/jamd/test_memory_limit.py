"""A process can take as much memory as it is allowed, and not more than the shell allows."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALLOWED = 2**32
"""Bytes that a shell allows, as by `ulimit -v`."""

LIMITED = f"""
import resource, sys
from jamd.memory_limit import limit_memory

resource.setrlimit(resource.RLIMIT_AS, ({ALLOWED}, {ALLOWED}))
limit_memory(int(sys.argv[1]))
print(*resource.getrlimit(resource.RLIMIT_AS))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limit")
@pytest.mark.parametrize(("more", "is_less"), [(2**40, False), (2**28, True)])
def test_the_limit_of_a_shell_stays(more: int, is_less: bool) -> None:
    told = subprocess.check_output([sys.executable, "-c", LIMITED, str(more)], text=True)
    soft, hard = map(int, told.split())
    assert hard == ALLOWED
    assert soft < ALLOWED if is_less else soft == ALLOWED
