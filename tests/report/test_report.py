"""`jamd evaluate --report` writes a page that stands alone, and the same every time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from jamd.cli import main
from jamd.lock import only_writer
from jamd.notes import Note, Tick
from jamd.report import pictures
from jamd.report import report as reporting
from jamd.report.audio import Synth, find_synth, write_midi
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


def reported(folder: Path, corpora: list[Corpus], *more: str) -> int:
    sets = [text for corpus in corpora for text in ("--corpus", str(corpus.path))]
    return main(["evaluate", str(BUNDLE), *sets, "--report", str(folder), "--quick", *more])


def test_the_page_stands_alone(
    made_corpus: Callable[[str], Corpus],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reporting, "find_synth", lambda: "FluidSynth is not installed")
    corpora = [Corpus.read(made_corpus("jazz").path.rename(tmp_path / "jazz #1 & %41"))]
    assert reported(tmp_path / "first", corpora, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    text = (tmp_path / "first" / "index.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert not links.open
    assert "FluidSynth is not installed" in text
    for target in links.targets:
        if target.startswith("#"):
            assert f'id="{target[1:]}"' in text
        else:
            assert (tmp_path / "first" / unquote(urlsplit(target).path)).stat().st_size > 0
    assert not re.findall(r"(?:https?:)?//[a-z]", text)
    for picture in (tmp_path / "first").glob("*.svg"):
        ET.parse(picture)
    assert f"{quote('jazz #1 & %41')}-1-jamd.svg" in text
    assert printed == json.loads((tmp_path / "first" / "report.json").read_text(encoding="utf-8"))
    (jazz,) = printed["sets"]
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
    assert "<th>change with memory</th>" in text
    assert jazz["played"]["bits_per_note_as_heard"] > 0
    assert jazz["manner"]["Comp"]["real"]["notes"] > 0

    assert reported(tmp_path / "second", corpora) == 0
    assert "the report" in capsys.readouterr().out
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name


def test_a_set_is_called_as_its_folder_is_printed(
    made_corpus: Callable[[str], Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "find_synth", lambda: "FluidSynth is not installed")
    corpus = Corpus.read(made_corpus("jazz").path.rename(tmp_path / os.fsdecode(b"caf\xe9")))
    assert reported(tmp_path / "report", [corpus]) == 0
    told = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [one["set"] for one in told["sets"]] == [r"caf\udce9"]


@pytest.mark.parametrize("stranger", ["index.html", "report.json"])
def test_a_folder_that_holds_something_else_is_left_alone(
    stranger: str,
    made_corpus: Callable[[str], Corpus],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / stranger).write_text('["mine"]')
    assert reported(tmp_path / "site", [made_corpus("jazz")]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "--report: expected a new or an empty folder or a report at" in told
    assert [path.read_text() for path in (tmp_path / "site").iterdir()] == ['["mine"]']


def test_a_folder_that_cannot_be_written_to_is_found_out_before_the_measuring(
    made_corpus: Callable[[str], Corpus],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reporting, "Judge", None)
    corpora = [made_corpus("jazz")]
    with only_writer(tmp_path / "report"):
        assert reported(tmp_path / "report", corpora) == 2
    assert "expected a folder that nobody writes to" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert reported(tmp_path / "file" / "report", corpora) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_a_report_takes_the_place_of_one_that_was_interrupted(
    made_corpus: Callable[[str], Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reporting, "find_synth", lambda: "FluidSynth is not installed")
    (tmp_path / "report").mkdir()
    corpora = [made_corpus("jazz")]
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(pictures, "copies_by_set", interrupt)
        assert reported(tmp_path / "report", corpora) == 130
    assert (tmp_path / "report" / "bits.svg").exists()
    assert reported(tmp_path / "report", corpora) == 0


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
    synth = find_synth()
    assert isinstance(synth, Synth), synth
    write_midi([Note(Tick(0), 60), Note(Tick(480), 64)], tmp_path / "two.mid")
    assert synth.render(tmp_path / "two.mid", tmp_path / "two.ogg")
    sound = (tmp_path / "two.ogg").read_bytes()
    assert sound.startswith(b"OggS")
    assert len(sound) < 100_000
    assert not synth.render(tmp_path / "none.mid", tmp_path / "none.ogg")


def test_without_fluidsynth_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_synth() == "FluidSynth is not installed"
