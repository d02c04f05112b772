"""What every test may ask for, and what a skip means.

A test that needs a program or a machine says so: `@pytest.mark.needs("jackd", "fluidsynth")`. Where
one is missing it skips, on a laptop; where `CI=true` a skip is a failure, because there everything
is installed and a test that does not run proves nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# In CI hypothesis loads a profile of its own, which draws the same examples every time. Here it
# draws new ones; in both, how long an example takes depends on what else the machine does.
settings.register_profile(
    "new-examples", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if os.environ.get("CI") != "true":
    settings.load_profile("new-examples")

ALSA_MACHINE = "alsa machine"
_PROGRAMS_OF_ALSA_MACHINE = ("qemu-system-x86_64", "busybox", "cpio", "depmod", "aconnect")


def missing(need: str) -> str | None:
    """The program that is not there, if `need` cannot be met: a program, or `alsa machine`."""
    programs = _PROGRAMS_OF_ALSA_MACHINE if need == ALSA_MACHINE else (need,)
    system_programs = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return next((p for p in programs if shutil.which(p, path=system_programs) is None), None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): skip where a program is missing")
    config.addinivalue_line("markers", "train: needs the extra `train`, TensorFlow and the like")
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for need in marker.args:
            if program := missing(need):
                pytest.skip(f"needs {need}: {program} is not installed")


def _not_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}: where CI=true, nothing may skip"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _not_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _not_in_ci(report)
    return report
