"""A bundle with correct checksums and a hostile graph: refused in one line, whatever it does."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jamd.bundle.bundle import DEFAULT, Bundle, checksum
from jamd.bundle.manifest import grid_tensors
from jamd.cli import main
from jamd.daemon.model.supervisor import Supervisor
from jamd.daemon.model.worker import Load
from jamd.errors import BundleError

if TYPE_CHECKING:
    import onnx

BUNDLE = Path(__file__).parents[1] / "fixtures" / "tiny-bundle"
GRAPH = (BUNDLE / "model.onnx").read_bytes()

TRY_EACH = """
import sys
from pathlib import Path
from jamd.bundle.bundle import Bundle
from jamd.daemon.model.improviser import Improviser
from jamd.errors import BundleError
from jamd.memory_limit import limit_memory
limit_memory(1 << 30)
for folder in map(Path, sys.argv[1:]):
    try:
        Improviser(Bundle.read(folder))
        print("plays", flush=True)
    except BundleError as error:
        print("refused", str(error).isprintable(), flush=True)
"""


def with_graph(folder: Path, graph: bytes) -> Path:
    """The tiny bundle with another graph, whose size and checksum are made to match."""
    shutil.copytree(BUNDLE, folder)
    (folder / "model.onnx").write_bytes(graph)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["graphs"]["float32"] |= {"bytes": len(graph), "sha256": checksum(graph)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_size_that_its_weights_do_not_have_is_refused(tmp_path: Path) -> None:
    """Before the network of that size is built, which `jamd train --from` would do."""
    folder = with_graph(tmp_path / "b", GRAPH)
    manifest = json.loads((folder / "manifest.json").read_text())
    tensors = grid_tensors(len(manifest["vocabulary"]), (4096, 4096))
    manifest["layers"] = [4096, 4096]
    for name, found in zip(("inputs", "outputs"), tensors, strict=True):
        manifest[name] = [asdict(tensor) for tensor in found]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError, match=r"model\.onnx has .* h0 \[batch, 32\], its manifest says"
    ):
        Bundle.read(folder)


def test_a_graph_that_is_not_played_is_looked_at_too(tmp_path: Path) -> None:
    """The int8 graph is played; the float32 graph beside it belongs to another bundle."""
    folder = tmp_path / "b"
    shutil.copytree(DEFAULT, folder)
    (folder / "model.onnx").write_bytes(GRAPH)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["graphs"]["float32"] |= {"bytes": len(GRAPH), "sha256": checksum(GRAPH)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError, match=r"model\.onnx has .* h0 \[batch, 32\], its manifest says"
    ):
        Bundle.read(folder)


def damaged(count: int) -> Iterator[bytes]:
    """The graph with bits turned, bytes lost, cut off, or spliced from elsewhere in it."""
    rng = random.Random(1)
    outline = len(GRAPH) // 20
    for i in range(count):
        # Half of it where the outline is densest: what is in the weights is only wrong weights.
        place = rng.randrange(outline) if i % 2 else rng.randrange(len(GRAPH) - 64)
        place = len(GRAPH) - 1 - place if i % 4 > 1 else place
        other = rng.randrange(len(GRAPH) - 64)
        yield (
            GRAPH[:place] + bytes([GRAPH[place] ^ (1 << rng.randrange(8))]) + GRAPH[place + 1 :],
            GRAPH[:place] + GRAPH[place + rng.randrange(1, 9) :],
            GRAPH[:place],
            GRAPH[:place] + GRAPH[other : other + 32] + GRAPH[place + 32 :],
        )[rng.randrange(4)]


def test_damaged_graphs_with_right_checksums_are_refused_or_play(tmp_path: Path) -> None:
    folders = [with_graph(tmp_path / str(i), graph) for i, graph in enumerate(damaged(60))]
    said: list[str] = []
    while len(said) < len(folders):  # a crash is one refusal, and the others are still tried
        rest = [str(folder) for folder in folders[len(said) :]]
        done = subprocess.run(
            [sys.executable, "-c", TRY_EACH, *rest], capture_output=True, text=True, check=False
        )
        said += done.stdout.splitlines()
        assert done.returncode <= 0, f"no other error than a BundleError: {done.stderr}"
        if done.returncode < 0:
            said.append("crashed")
    assert said.count("refused True") > len(folders) / 3
    assert "refused False" not in said


def floats_replaced(value: float) -> bytes:
    """The graph with one value of every large weight replaced."""
    import onnx

    proto = onnx.load_from_string(GRAPH)
    for tensor in proto.graph.initializer:
        if len(tensor.raw_data) > 64 and tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.raw_data = struct.pack("<f", value) + tensor.raw_data[4:]
        elif len(tensor.raw_data) > 64 and tensor.data_type == onnx.TensorProto.FLOAT16:
            tensor.raw_data = struct.pack("<e", value) + tensor.raw_data[2:]
    return bytes(proto.SerializeToString())


def later_operators(proto: onnx.ModelProto) -> None:
    proto.opset_import[0].version = 10**9


def later_format(proto: onnx.ModelProto) -> None:
    proto.ir_version = 10**9


def names_twice(proto: onnx.ModelProto) -> None:
    for node in proto.graph.node:
        node.name = "\x1b[31mtwice" + "\n" * 1000


def a_row_too_few(proto: onnx.ModelProto) -> None:
    """Well formed; only running it shows that it does not know the last token."""
    import onnx

    rows = next(i for i in proto.graph.initializer if i.name == "E")
    rows.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(rows)[:-1], "E"))


def no_numbers(proto: onnx.ModelProto) -> None:
    for tensor in proto.graph.initializer:
        if len(tensor.raw_data) > 64:
            tensor.raw_data = b"\xff" * len(tensor.raw_data)


@pytest.mark.train
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (later_operators, "onnxruntime: "),
        (later_format, "onnxruntime: "),
        (names_twice, "onnxruntime: "),
        (a_row_too_few, "its graph cannot be run: "),
        (no_numbers, "expected a number for each of 413 tokens"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "generate"])
def test_whatever_loads_it_says_so_in_one_line(
    change: Callable[[onnx.ModelProto], None],
    reason: str,
    command: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """And onnxruntime prints nothing of its own."""
    import onnx

    proto = onnx.load_from_string(GRAPH)
    change(proto)
    bundle = str(with_graph(tmp_path / "b", proto.SerializeToString()))
    rest = ["none.mid"] if command == "evaluate" else ["-o", str(tmp_path / "o.mid"), "-n", "5"]
    assert main([command, bundle, *rest]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert reason in line
    assert line.isprintable()
    assert len(line) < 500 + 2 * len(bundle)


@pytest.mark.train
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    assert first_word(with_graph(tmp_path / "b", floats_replaced(value))).count("expected a number")


@pytest.mark.train
def test_a_graph_that_wants_all_the_memory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    import onnx

    proto = onnx.load_from_string(GRAPH)
    size = onnx.numpy_helper.from_array(np.array([1 << 40]), "bomb_size")
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32), "bomb_one")
    proto.graph.initializer.extend([size, one])
    proto.graph.node.append(onnx.helper.make_node("Expand", ["bomb_one", "bomb_size"], ["bomb"]))
    last = next(node for node in proto.graph.node if "logits" in node.output)
    last.output[0] = "real_logits"
    proto.graph.node.append(onnx.helper.make_node("Add", ["real_logits", "bomb"], ["logits"]))
    bomb = with_graph(tmp_path / "b", proto.SerializeToString())
    assert "an operator 'Expand'" in first_word(bomb)
    assert main(["generate", str(bomb), "-o", str(tmp_path / "o.mid"), "-n", "5"]) == 2
    assert "an operator 'Expand'" in capsys.readouterr().err


def first_word(folder: Path) -> str:
    """The worker's reason for refusing the bundle in `folder`."""
    tried = Supervisor(Load(folder), time.monotonic())
    deadline = time.monotonic() + 30
    try:
        while not tried.settle(time.monotonic()):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        tried.close()
    assert "\n" not in str(tried.refused)
    return str(tried.refused or "")


def test_a_model_that_kills_its_worker_is_refused_and_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert first_word(BUNDLE) == "its worker on CPU ended, 2 times"


def test_no_port_is_opened_for_a_model_that_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = bytes([*GRAPH[:-2000], *bytes(2000)])
    for graph in (noise, GRAPH[: len(GRAPH) // 2]):
        folder = with_graph(tmp_path / str(len(graph)), graph)
        assert main(["play", "--bundle", str(folder), "--takes", str(tmp_path / "takes")]) == 2
        told = capfd.readouterr()
        assert told.out == "", "not even that there is no MIDI system"
        assert len(told.err.splitlines()) == 1
