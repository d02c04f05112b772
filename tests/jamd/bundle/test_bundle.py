"""A bundle matches itself or is refused with one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_bytes import field, model, network

import jamd
from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle, checksum
from jamd.bundle.manifest import (
    FORMAT,
    Excerpt,
    Figures,
    Graph,
    Manifest,
    Parity,
    Rehearsal,
    Score,
    grid_tensors,
    window_tensors,
)
from jamd.errors import BundleError
from jamd.vocabulary import Vocabulary

TOKENS = ("Pad", "Start", "End", "Lead_60")
LAYERS = (16, 8)
GRAPHS = {  # who made it, and the graph
    "float32": field(2, b"pretend") + model(network(len(TOKENS), LAYERS)),
    "int8": field(2, b"small") + model(network(len(TOKENS), LAYERS)),
}
SIZE = len(GRAPHS["float32"])


def manifest(**changes: Any) -> Manifest:
    inputs, outputs = grid_tensors(len(TOKENS), LAYERS)
    whole = Manifest(
        format=FORMAT,
        language="grid",
        vocabulary=TOKENS,
        fingerprint=Vocabulary(TOKENS).fingerprint,
        steps_per_beat=12,
        layers=LAYERS,
        window=0,
        inputs=inputs,
        outputs=outputs,
        graphs={
            "float32": Graph(len(GRAPHS["float32"]), checksum(GRAPHS["float32"]), "float16"),
            "int8": Graph(len(GRAPHS["int8"]), checksum(GRAPHS["int8"]), "int8"),
        },
        parity=Parity(1024, 1e-6, 5000, 0.0, 0.001),
        training={"steps": 10, "seconds": 1.5, "backend": "tensorflow"},
        sources={"jazz": "OpenEWLD, public domain"},
        figures={"jazz": Figures(2, 900, 250, {"model": Score(2.0, 7.2, 0.5)})},
        licence="MIT",
        made_by={"jamd": "0.1.0"},
    )
    return replace(whole, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bundles.write(tmp_path / "a-bundle", manifest(), GRAPHS, "# A card\n").path


def test_written_and_read_back(folder: Path) -> None:
    found = Bundle.read(folder)
    assert found.manifest == manifest()
    assert found.precisions == ("float32", "int8")
    assert found.graph_path("int8").read_bytes() == GRAPHS["int8"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_precision_that_is_not_there_is_named(tmp_path: Path) -> None:
    graphs = {"int8": GRAPHS["int8"]}
    only = manifest(graphs={"int8": manifest().graphs["int8"]})
    found = bundles.write(tmp_path / "b", only, graphs, "")
    with pytest.raises(BundleError, match=r"expected a float32 graph .* found only int8"):
        found.graph_path("float32")


REHEARSAL = b"\x01\x00\x03\x00\x02\x00"


def with_rehearsal(data: bytes = REHEARSAL, tokens: int = 3) -> Manifest:
    return manifest(
        rehearsal=Rehearsal(
            len(data), checksum(data), (Excerpt(tokens, held_out=True, has_velocity=False),)
        )
    )


def test_excerpts_to_rehearse_are_checked_like_a_graph(tmp_path: Path) -> None:
    found = bundles.write(tmp_path / "b", with_rehearsal(), GRAPHS, "", REHEARSAL)
    assert Bundle.read(found.path).manifest.rehearsal == with_rehearsal().rehearsal
    (found.path / bundles.REHEARSAL).write_bytes(REHEARSAL[::-1])
    with pytest.raises(BundleError, match=r"rehearsal\.tokens was altered"):
        Bundle.read(found.path)
    with pytest.raises(BundleError, match="size does not fit its excerpts"):
        Manifest.parse(with_rehearsal(tokens=4).to_json().encode())


def test_an_older_bundle_is_replaced_and_nothing_else_is(folder: Path) -> None:
    newer = bundles.write(folder, manifest(licence="CC0"), GRAPHS, "")
    assert Bundle.read(folder).manifest.licence == newer.manifest.licence == "CC0"
    with pytest.raises(BundleError, match="found something else"):
        bundles.write(folder.parent, manifest(), GRAPHS, "")


def test_a_contradiction_writes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BundleError, match="altered"):
        bundles.write(folder, manifest(), {**GRAPHS, "int8": GRAPHS["int8"][::-1]}, "")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(("renames", "licence"), [(1, "MIT"), (2, "CC0")])
def test_an_interrupt_leaves_the_old_bundle_or_the_new_one(
    renames: int, licence: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename
    left = renames

    def interrupted(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        renamed = rename(path, target)
        if not left:
            raise KeyboardInterrupt
        return renamed

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bundles.write(folder, manifest(licence="CC0"), GRAPHS, "")
    assert Bundle.read(folder).manifest.licence == licence
    assert list(folder.parent.iterdir()) == [folder]


def _cut(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(GRAPHS["float32"][:-1])


def _alter(folder: Path) -> None:
    (folder / "model.int8.onnx").write_bytes(GRAPHS["int8"].replace(b"s", b"z"))


def _lose(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def _lose_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _swell(folder: Path) -> None:
    with (folder / "manifest.json").open("r+b") as file:
        file.truncate(1 << 40)  # a hole: no disk is used, and it must not be read


def _folder_for_file(folder: Path) -> None:
    _lose(folder)
    (folder / "model.onnx").mkdir()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_cut, f"expected {SIZE} bytes in model.onnx, found {SIZE - 1}"),
        (_alter, "model.int8.onnx was altered"),
        (_lose, "expected a file model.onnx in it, found none"),
        (_lose_manifest, "expected a manifest.json in it, found none"),
        (_swell, "manifest.json of at most 8388608 bytes, found 1099511627776"),
        (_folder_for_file, "expected a file model.onnx in it, found none"),
    ],
)
def test_harmed_files_are_refused(folder: Path, harm: Callable[[Path], None], reason: str) -> None:
    harm(folder)
    with pytest.raises(BundleError, match=reason) as refused:
        Bundle.read(folder)
    assert str(folder) in str(refused.value)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected a bundle's folder at"):
        Bundle.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "expected a bundle of format 1, found 2"),
        ({"format": None}, "expected a bundle of format 1, found None"),
        ({"language": "morse"}, "expected grid or article as its language, found 'morse'"),
        ({"vocabulary": [*TOKENS, "More"]}, "vocabulary does not match its fingerprint"),
        ({"vocabulary": ["a", "a"]}, "vocabulary is broken: a vocabulary's tokens must differ"),
        ({"vocabulary": ["a", "\ud800"]}, r"as vocabulary\[1\], found '\\ud800'"),
        ({"layers": [16, 9]}, "tensors do not fit"),
        ({"layers": [16, True]}, r"expected a whole number as layers\[1\], found True"),
        ({"layers": [10**9]}, "expected 1..16384 as its layer's size"),
        ({"steps_per_beat": 24}, "expected 12 as its steps_per_beat, found 24"),
        ({"window": 32}, "expected 0 as its window, found 32"),
        ({"graphs": {}}, "expected 1 or 2 as its number of graphs, found 0"),
        ({"licence": 5}, "expected a text as licence, found 5"),
        ({"extra": 5}, "unknown entry 'extra'"),
        ({"training": {"steps": [1]}}, "as training.steps, found"),
        ({"window": 33, "language": "article"}, "expected 1..32 as its window, found 33"),
        ({"figures": {"\x1f": {}}}, r"without control characters, as a name in figures, found"),
        ({"licence": "MIT\x1b]0;owned\x07"}, "without control characters, as licence, found 'MIT"),
        (
            {"licence": "MIT\nand more"},
            r"on one line, .* as licence, found 'MIT\\nand more'",
        ),
        ({"sources": {"a": "\u202eTIM"}}, "without control characters, as sources.a, found"),
        ({"made_by": {"jamd\x9b1m": "1"}}, "without control characters, as a name in made_by"),
        ({"vocabulary": ["\x1b[2J", *TOKENS]}, r"control characters, as vocabulary\[0\]"),
        ({"training": {"a": "\x00"}}, "control characters, as training.a"),
        ({"licence": "M" * 10_001}, "a text of at most 10000 letters as licence, found 'MMM"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BundleError, match=reason):
        Manifest.parse(json.dumps({**json.loads(manifest().to_json()), **change}).encode())


@pytest.mark.parametrize("entry", ['"licence": "MIT"', '"format": 1', '"jamd": "0.1.0"'])
def test_an_entry_given_twice_is_refused(entry: str) -> None:
    text = json.dumps(json.loads(manifest().to_json()))
    assert text.count(entry) == 1
    name = entry.partition('"')[2].partition('"')[0]
    with pytest.raises(BundleError, match=f"expected one entry {name} in a table, found several"):
        Manifest.parse(text.replace(entry, f"{entry}, {entry}").encode())


def test_the_articles_tensors() -> None:
    inputs, outputs = window_tensors(len(TOKENS), 32)
    article = manifest(language="article", window=32, inputs=inputs, outputs=outputs)
    assert Manifest.parse(article.to_json().encode()) == article
    with pytest.raises(BundleError, match="tensors do not fit"):
        Manifest.parse(replace(article, window=31).to_json().encode())


def test_a_name_of_the_articles_language_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    article = Bundle(tmp_path, manifest(language="article", vocabulary=("C4", "C--4")))
    with pytest.raises(BundleError, match=r"vocabulary is broken: expected a name like C4 or 0\.4"):
        _ = article.language


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def places(
    value: dict[str, Any] | list[Any], so_far: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value, the top excepted."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    inside: list[tuple[Any, ...]] = []
    for key, inner in items:
        inside.append((*so_far, key))
        if isinstance(inner, (dict, list)):
            inside += places(inner, (*so_far, key))
    return inside


def assert_refused_or_sound(data: bytes) -> None:
    try:
        Manifest.parse(data)
    except BundleError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 250


@given(st.binary())
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Manifest.parse(data)


@given(st.data())
def test_any_change_is_refused_or_sound(data: st.DataObject) -> None:
    whole = json.loads(manifest().to_json())
    *parents, last = data.draw(st.sampled_from(places(whole)))
    holder = whole
    for key in parents:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(anything)
    assert_refused_or_sound(json.dumps(whole).encode())


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_bytes_written_over_it_are_refused_or_sound(place: int, noise: bytes) -> None:
    text = manifest().to_json().encode()
    place %= len(text)
    assert_refused_or_sound(text[:place] + noise + text[place + len(noise) :])


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BundleError):
        Manifest.parse(b"[" * 1_000_000)


def test_the_default_bundle_is_the_packages() -> None:
    assert bundles.resolve("default") == Path(jamd.__file__).parent / "bundles" / "default"
    assert bundles.resolve("~/mine") == Path.home() / "mine"


def test_reading_needs_the_standard_library_only(folder: Path) -> None:
    program = (
        "import sys, pathlib; from jamd.bundle.bundle import Bundle;"
        f"Bundle.read(pathlib.Path({str(folder)!r}));"
        "print(sorted({'numpy', 'onnx', 'onnxruntime', 'mido'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
