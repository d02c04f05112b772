"""What every test may require, and what a skip means.

A test that needs a program or a machine declares it: `@pytest.mark.needs("jackd", "fluidsynth")`.
If one is missing, the test skips on a laptop; with `CI=true` a skip is a failure, because there
everything is installed and a test that does not run proves nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# In CI, hypothesis loads its own profile, which draws the same examples every time. Here it draws
# new ones. How long an example takes depends on what else the machine does, so it has no deadline.
settings.register_profile(
    "new-examples", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
if os.environ.get("CI") != "true":
    settings.load_profile("new-examples")

ALSA_MACHINE = "alsa machine"
NETWORK_NAMESPACES = "network namespaces"
_PROGRAMS = {
    ALSA_MACHINE: ("qemu-system-x86_64", "busybox", "cpio", "depmod", "aconnect"),
    NETWORK_NAMESPACES: ("unshare", "nsenter", "ip"),
}


def missing(need: str) -> str | None:
    """Why `need`, a program or one of the two above, cannot be met; None if it can."""
    system_programs = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    for program in _PROGRAMS.get(need, (need,)):
        if shutil.which(program, path=system_programs) is None:
            return f"{program} is not installed"
    if need == NETWORK_NAMESPACES:
        trial = ["unshare", "--map-root-user", "--net", "true"]
        if subprocess.run(trial, capture_output=True, check=False).returncode:
            return "this system does not let a user make one (unshare --map-root-user --net)"
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): skip where a program is missing")
    config.addinivalue_line("markers", "train: needs the extra `train`, TensorFlow and the like")
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for need in marker.args:
            if reason := missing(need):
                pytest.skip(f"needs {need}: {reason}")


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
