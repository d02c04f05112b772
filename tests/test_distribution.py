"""What is published: built, installed into an empty environment, run from an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import mido
import pytest
from packaging.requirements import Requirement

import jamd

TOP = Path(__file__).parents[1]


def left_behind(folder: str, names: list[str]) -> set[str]:
    """What a checkout holds beside what is published."""
    top = {"build", "dist", "takes"} if Path(folder) == TOP else set()
    return top | shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")(folder, names)


def run(
    *command: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=cwd, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    shutil.copytree(TOP, source, symlinks=True, ignore=left_behind)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it requires, nothing else."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(TOP / "tools" / "new_venv", venv, cwd=built)
    (wheel,) = built.glob("*.whl")
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet")
    run(*pip, "--constraint", TOP / "constraints.txt", wheel, cwd=built)
    return venv / "bin"


def test_the_wheel_holds_the_packages_and_their_data_under_jamd_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names} == {
        "jamd",
        f"jamd-{jamd.__version__}.dist-info",
    }
    for name in (
        "jamd/py.typed",
        "jamd/daemon/session.py",
        "jamd/training/corpus.py",
        "jamd/export/__init__.py",
        "jamd/bundles/default/manifest.json",
        f"jamd-{jamd.__version__}.dist-info/licenses/LICENSE",
    ):
        assert name in names
    assert [name for name in names if name.startswith("jamd/daemon/seeds/")]


def test_every_module_and_its_data_are_in_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "jamd", "daemon", "training", "export", cwd=TOP).stdout.split()
    sides = ("daemon", "training", "export")
    expected = {
        f"jamd/{name}" if name.startswith(sides) else name
        for name in tracked
        if not (TOP / name).is_symlink()
    }
    assert expected <= packed


def test_the_sdist_holds_what_its_two_commands_need(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "Makefile",
        "config.toml",
        "constraints.txt",
        "tools/new_venv",
        "tests/conftest.py",
        "tests/live/alsa_vm",
        "daemon/session.py",
    } <= names


def test_the_sdist_holds_every_page_that_its_readme_refers_to(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    links = set(re.findall(r"\]\((?!https:)([^)#]+)", readme))
    assert {"docs/playing.md", "LICENSE"} <= links
    assert links <= names


@pytest.mark.parametrize(
    ("sys_platform", "machine", "pinned"),
    [
        ("linux", "x86_64", "1.31.1"),
        ("linux", "aarch64", "1.31.1"),
        ("win32", "AMD64", "1.31.1"),
        ("darwin", "arm64", "1.31.1"),
        ("darwin", "x86_64", "1.23.2"),  # the newest that has wheels for these
    ],
)
def test_a_runtime_is_pinned_that_the_computer_has_wheels_of(
    sys_platform: str, machine: str, pinned: str
) -> None:
    environment = {"sys_platform": sys_platform, "platform_machine": machine}
    lines = (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    fitting = [
        str(pin.specifier)
        for pin in pins
        if pin.name == "onnxruntime" and (pin.marker is None or pin.marker.evaluate(environment))
    ]
    assert fitting == [f"=={pinned}"]


@pytest.mark.slow
def test_an_installed_jamd_jams_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path / "home")}
    folder = tmp_path / "empty"
    folder.mkdir()
    program = installed / "jamd"

    version = run(program, "--version", cwd=folder, environment=environment)
    assert version.stdout == f"jamd {jamd.__version__}\n"

    settings = run(program, "config", cwd=folder, environment=environment)
    assert "# default" in settings.stdout

    find_seeds = "import jamd.daemon; print(jamd.daemon.__path__[0] + '/seeds')"
    seeds = run(installed / "python", "-c", find_seeds, cwd=folder).stdout.strip()
    seed = min(Path(seeds).glob("*.mid"))
    run(program, "freewheel", seed, "-o", "out.mid", cwd=folder, environment=environment)
    heard, played = mido.MidiFile(seed), mido.MidiFile(folder / "out.mid")

    def notes(file: mido.MidiFile) -> int:
        return sum(m.type == "note_on" and m.velocity > 0 for m in file)

    assert notes(played) > notes(heard) > 0
    assert [path.name for path in folder.iterdir()] == ["out.mid"]


@pytest.mark.slow
def test_the_installed_environment_has_nothing_of_the_learning_side(installed: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", "--format=freeze", cwd=installed).stdout
    assert not {"tensorflow", "keras", "music21", "tf2onnx", "matplotlib"} & {
        line.partition("==")[0].lower() for line in listed.split()
    }
