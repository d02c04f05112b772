"""A test that does not run proves nothing: where CI=true, a skip is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = """
import pytest

@pytest.mark.needs("no-such-program")
def test_of_a_program(): ...

def test_that_gives_up(): pytest.skip("not today")

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail(): assert False

def test_that_runs(): ...
"""
NEVER_COLLECTED = "import pytest; pytest.importorskip('no_such_module')"


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("", "1 passed, 3 skipped, 1 xfailed"), ("true", "1 failed, 1 passed, 1 xfailed, 2 errors")],
)
def test_a_skip_is_a_failure_in_ci(tmp_path: Path, ci: str, outcome: str) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    (tmp_path / "test_never_collected.py").write_text(NEVER_COLLECTED)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--continue-on-collection-errors", "-ra", "."],
        cwd=tmp_path,
        env={**os.environ, "CI": ci},
        text=True,
        capture_output=True,
        check=False,
    )
    assert outcome in done.stdout, done.stdout
    assert "no-such-program is not installed" in done.stdout
    assert ("nothing may skip" in done.stdout) == bool(ci)
