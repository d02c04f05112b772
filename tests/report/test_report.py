"""`jamd evaluate --report` writes a page that stands alone, and the same every time."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from jamd.cli import main
from jamd.daemon.sound import fluidsynth
from jamd.lock import only_writer
from jamd.notes import Note, Tick
from jamd.report import pictures
from jamd.report import report as reporting
from jamd.report.audio import render, write_midi
from jamd.training.corpus import Corpus

pytestmark = pytest.mark.train

BUNDLE = Path(__file__).parent.parent / "fixtures" / "tiny-bundle"


class Links(HTMLParser):
    """Collects what a page refers to, and checks that its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


SET = r"jazz #1 & %41 caf\udce9"
"""What the set of `made_corpus` is called: its folder's name in printable form."""


def reported(folder: Path, corpus: Corpus, *more: str) -> int:
    where = ["--corpus", str(corpus.path), "--report", str(folder)]
    return main(["evaluate", str(BUNDLE), *where, "--quick", *more])


@pytest.fixture(scope="module")
def report(made_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report, which no test changes."""
    folder, printed = tmp_path_factory.mktemp("report"), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(printed):
        patched.setattr(fluidsynth, "find", lambda: "FluidSynth is not installed")
        assert reported(folder, made_corpus) == 0
    assert "the report" in printed.getvalue()
    return folder


def test_the_page_stands_alone(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert not links.open
    assert "FluidSynth is not installed" in text
    for target in links.targets:
        if target.startswith("#"):
            assert f'id="{target[1:]}"' in text
        else:
            assert (report / unquote(urlsplit(target).path)).stat().st_size > 0
    assert not re.findall(r"(?:https?:)?//[a-z]", text)
    for picture in report.glob("*.svg"):
        ET.parse(picture)
    assert f"{quote(SET)}-1-jamd.svg" in text
    assert "<th>change with memory</th>" in text


def test_the_report_has_every_figure_of_every_set(report: Path) -> None:
    (jazz,) = json.loads((report / "report.json").read_text(encoding="utf-8"))["sets"]
    assert jazz["set"] == SET
    assert set(jazz["scores"]) == {"model", "with memory", "unigram", "n-gram"}
    assert set(jazz["likeness"]) == {
        "pitch-class histogram",
        "inter-onset interval",
        "note density",
        "polyphony",
        "scale consistency",
        "groove similarity",
    }
    for name in ("loops", "copied"):
        assert set(jazz[name]) == {"real", "written"}
    duet = jazz["duet"]
    assert duet["comp_notes"] > 0
    for told in ("given_lead", "without_lead"):
        alone = duet[f"bits_per_comp_note_{told}"]
        assert 0 < duet[f"bits_per_comp_note_{told}_with_memory"] < alone
    assert jazz["played"]["bits_per_note_as_heard"] > 0
    assert jazz["manner"]["Comp"]["real"]["notes"] > 0


def test_a_report_takes_the_place_of_one_that_was_interrupted_and_is_the_same_every_time(
    report: Path,
    made_corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fluidsynth, "find", lambda: "FluidSynth is not installed")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(pictures, "copies_by_set", interrupt)
        assert reported(tmp_path, made_corpus) == 130
    assert (tmp_path / "bits.svg").exists()
    capsys.readouterr()
    assert reported(tmp_path, made_corpus, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for file in report.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize("stranger", ["index.html", "report.json"])
def test_a_folder_that_holds_something_else_is_left_alone(
    stranger: str,
    made_corpus: Corpus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / stranger).write_text('["mine"]')
    assert reported(tmp_path / "site", made_corpus) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "--report: expected a new or an empty folder or a report at" in told
    assert [path.read_text() for path in (tmp_path / "site").iterdir()] == ['["mine"]']


def test_a_folder_that_cannot_be_written_to_is_found_out_before_the_measuring(
    made_corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reporting, "Judge", None)
    with only_writer(tmp_path / "report"):
        assert reported(tmp_path / "report", made_corpus) == 2
    assert "expected a folder that nobody writes to" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert reported(tmp_path / "file" / "report", made_corpus) == 2
    assert "Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mid", "--report", "out"], "expected held-out pieces of a --corpus, found files"),
        (["--corpus", "a", "--quick"], "--quick: expected --report"),
        (["--report", "out"], "expected files of music or a --corpus"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(BUNDLE), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


@pytest.mark.needs("fluidsynth")
def test_notes_sound(tmp_path: Path) -> None:
    installed = fluidsynth.find()
    assert isinstance(installed, fluidsynth.Installed), installed
    write_midi([Note(Tick(0), 60), Note(Tick(480), 64)], tmp_path / "two.mid")
    assert render(installed, tmp_path / "two.mid", tmp_path / "two.ogg")
    sound = (tmp_path / "two.ogg").read_bytes()
    assert sound.startswith(b"OggS")
    assert len(sound) < 100_000
    assert not render(installed, tmp_path / "none.mid", tmp_path / "none.ogg")
