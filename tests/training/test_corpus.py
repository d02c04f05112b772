"""A corpus on disk."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamd.errors import CorpusError
from jamd.training.corpus import Corpus, CorpusWriter, LeftOut, npy_header

pytestmark = pytest.mark.train


NAMES = list("abcdefghij")


def write(
    folder: Path,
    pieces: list[list[int]],
    table: list[int] | None = None,
    taught: Mapping[int, list[bool]] = MappingProxyType({}),
) -> Corpus:
    with CorpusWriter(folder) as writer:
        for number, tokens in enumerate(pieces):
            writer.add(
                np.array(tokens, np.uint16),
                source=f"{number}.mid",
                group=f"{number:016x}",
                split="held-out" if number % 3 == 2 else "train",
                notes=len(tokens),
                has_velocity=True,
                taught=np.array(taught[number]) if number in taught else None,
            )
        if table is not None:
            writer.renumber(np.array(table, np.uint16), block=3)
        return writer.finish(
            language="grid",
            vocabulary=NAMES,
            style="jazz",
            left_out=[LeftOut("bad.mid", "no notes")],
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, len(NAMES) - 1), max_size=20), max_size=8))
def test_what_is_written_is_read(tmp_path: Path, pieces: list[list[int]]) -> None:
    write(tmp_path, pieces)
    corpus = Corpus.read(tmp_path)
    assert [corpus.tokens(piece).tolist() for piece in corpus.pieces] == pieces
    assert [piece.source for piece in corpus.of_split("held-out")] == [
        f"{i}.mid" for i in range(2, len(pieces), 3)
    ]
    assert corpus.left_out == (LeftOut("bad.mid", "no notes"),)
    assert list(corpus.vocabulary) == NAMES
    plain = np.load(tmp_path / "tokens.npy", allow_pickle=False)
    assert plain.tolist() == [token for piece in pieces for token in piece]


@given(st.integers(0, 2**60))
def test_the_header_is_what_numpy_would_write(tokens: int) -> None:
    file = BytesIO()
    described = {"descr": "<u2", "fortran_order": False, "shape": (tokens,)}
    np.lib.format.write_array_header_1_0(file, described)
    assert npy_header(tokens) == file.getvalue()


def test_tokens_can_be_renumbered_at_the_end(tmp_path: Path) -> None:
    corpus = write(tmp_path, [[0, 1, 2, 2], [1]], table=[7, 8, 9])
    assert corpus.all_tokens.tolist() == [7, 8, 9, 9, 8]


def test_what_is_to_be_learned_goes_with_its_corpus(tmp_path: Path) -> None:
    corpus = write(tmp_path, [[0, 1, 2], [1], [5, 6]], taught={2: [False, True]})
    asked = [corpus.taught(piece) for piece in corpus.pieces]
    assert [None if one is None else one.tolist() for one in asked] == [
        *([True, True, True], [True], [False, True]),
    ]
    after = write(tmp_path, [[0, 1, 2], [1], [5, 6]])  # as long, and nothing of it a jam
    assert [after.taught(piece) for piece in after.pieces] == [None, None, None]


def test_an_interrupted_run_leaves_the_old_corpus(tmp_path: Path) -> None:
    write(tmp_path, [[1, 2, 3]])
    with pytest.raises(KeyboardInterrupt), CorpusWriter(tmp_path):
        raise KeyboardInterrupt
    assert Corpus.read(tmp_path).all_tokens.tolist() == [1, 2, 3]
    assert {path.name for path in tmp_path.iterdir()} == {"corpus.json", "tokens.npy"}


@contextmanager
def room_in_a_file(most_bytes: int) -> Iterator[None]:
    """As a context: the system refuses to let a file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("taught", [{}, {0: [False, True]}])
def test_where_there_is_no_room_the_old_corpus_stays(
    tmp_path: Path, taught: dict[int, list[bool]]
) -> None:
    write(tmp_path, [[1, 2, 3]])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with room_in_a_file(4096), pytest.raises(OSError, match=r"corpus\.json"):
        write(tmp_path, [[4, 5]] * 60, taught=taught)  # whose tokens have room enough
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert Corpus.read(tmp_path).all_tokens.tolist() == [1, 2, 3]


@pytest.mark.parametrize("files", [["tokens.npy"], ["taught.npy"], ["tokens.npy", "taught.npy"]])
def test_what_a_kill_amid_the_replacing_leaves_is_refused(tmp_path: Path, files: list[str]) -> None:
    """Also where the new corpus is as long as the old one."""
    write(tmp_path / "old", [[1, 2, 3], [4]], taught={0: [True, False, True]})
    write(tmp_path / "new", [[1, 2], [3, 5]], taught={0: [True, True]})
    for name in files:
        (tmp_path / "new" / name).replace(tmp_path / "old" / name)
    with pytest.raises(CorpusError, match="do not belong together; prepare it again"):
        Corpus.read(tmp_path / "old")


def test_a_file_of_the_corpus_before_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "jam", [[1, 2]], taught={0: [True, False]})
    write(tmp_path / "songs", [[1, 2]])
    (tmp_path / "jam" / "taught.npy").replace(tmp_path / "songs" / "taught.npy")
    assert Corpus.read(tmp_path / "songs").all_taught is None


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a corpus's head as somebody might by hand."""
    head = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    change(head)
    (folder / "corpus.json").write_text(json.dumps(head), encoding="utf-8")


def of_before(folder: Path) -> None:
    """Make of a corpus one that was written before there were checksums."""
    edit(folder, lambda head: head.pop("sha256"))


def test_a_corpus_without_checksums_is_read_where_it_fits_itself(tmp_path: Path) -> None:
    for name, pieces in (("good", [[1, 0]]), ("longer", [[1, 0, 1]])):
        write(tmp_path / name, pieces)
        of_before(tmp_path / name)
    assert Corpus.read(tmp_path / "good").all_tokens.tolist() == [1, 0]
    tokens = tmp_path / "good" / "tokens.npy"
    tokens.write_bytes((tmp_path / "longer" / "tokens.npy").read_bytes())
    with pytest.raises(CorpusError, match="do not belong together"):
        Corpus.read(tmp_path / "good")


@pytest.mark.parametrize("is_early", [False, True])
@pytest.mark.parametrize("known", [0, 9])
def test_tokens_that_the_vocabulary_does_not_have_are_refused(
    known: int, is_early: bool, tmp_path: Path
) -> None:
    write(tmp_path, [[1, 9]])
    if is_early:
        of_before(tmp_path)
    edit(tmp_path, lambda head: head.update(vocabulary=NAMES[:known]))
    with pytest.raises(CorpusError, match="do not belong together; prepare it again"):
        Corpus.read(tmp_path)


@given(
    name=st.sampled_from(["corpus.json", "tokens.npy", "taught.npy"]),
    is_early=st.booleans(),
    length=st.just(1.0) | st.floats(0, 1),
    changes=st.dictionaries(st.floats(0, 1, exclude_max=True), st.integers(0, 255), max_size=3),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
def test_whatever_becomes_of_a_file_it_is_one_line(
    tmp_path: Path, name: str, is_early: bool, length: float, changes: Mapping[float, int]
) -> None:
    write(tmp_path, [[1, 0, 1], [1], [0, 0]], taught={0: [True, False, True]})
    if is_early:
        of_before(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    for place, byte in changes.items():
        content[int(place * len(content))] = byte
    (tmp_path / name).write_bytes(content[: int(length * len(content))])
    try:
        corpus = Corpus.read(tmp_path)
    except CorpusError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert sum(len(corpus.tokens(piece)) for piece in corpus.pieces) <= 6


def test_a_folder_that_is_no_corpus_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"found no corpus\.json .* jamd prepare"):
        Corpus.read(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [[1]])
    edit(tmp_path, lambda head: head.update(format=2))
    with pytest.raises(CorpusError, match="expected a corpus of format 1, found 2"):
        Corpus.read(tmp_path)


@pytest.mark.parametrize("damage", ["{", '{"format": 1}', "[]", "[" * 100_000])
def test_a_damaged_corpus_is_refused(tmp_path: Path, damage: str) -> None:
    write(tmp_path, [[1]])
    (tmp_path / "corpus.json").write_text(damage, encoding="utf-8")
    with pytest.raises(CorpusError, match="damaged"):
        Corpus.read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "\x1b]0;title\x07"},
        {"sha256": {"/dev/zero": ""}},
        {"vocabulary": ["\x1b[31m", *NAMES[1:]]},
        {"vocabulary": ["\ud800", *NAMES[1:]]},
        {"vocabulary": [5, *NAMES[1:]]},
        {"pieces": [{"\x1b[31m": 1}]},
    ],
)
def test_a_head_of_another_making_is_refused_in_a_line_that_can_be_printed(
    tmp_path: Path, change: Mapping[str, Any]
) -> None:
    write(tmp_path, [[1]])
    edit(tmp_path, lambda head: head.update(change))
    with pytest.raises(CorpusError, match="prepare it again") as told:
        Corpus.read(tmp_path)
    assert str(told.value).isprintable()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("id", "0"), ("start", -1), ("source", 5), ("group", 5), ("split", 5), ("has_velocity", None)],
)
def test_a_piece_with_a_field_of_another_kind_is_refused(
    tmp_path: Path, field: str, wrong: object
) -> None:
    write(tmp_path, [[1]])
    edit(tmp_path, lambda head: head["pieces"][0].update({field: wrong}))
    with pytest.raises(CorpusError, match=f"damaged corpus .*'{field}': {wrong!r}"):
        Corpus.read(tmp_path)


def test_a_header_that_no_parser_bears_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [[1]])
    of_before(tmp_path)
    header = b"-" * 8_000
    start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
    (tmp_path / "tokens.npy").write_bytes(start + header)
    with pytest.raises(CorpusError, match="does not begin as it should"):
        Corpus.read(tmp_path)


def test_tokens_of_another_corpus_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "short", [[1]])
    write(tmp_path / "long", [[1, 2, 3]])
    (tmp_path / "short" / "tokens.npy").replace(tmp_path / "long" / "tokens.npy")
    with pytest.raises(CorpusError, match="do not belong together"):
        Corpus.read(tmp_path / "long")
