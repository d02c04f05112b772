"""A bundle's description of itself: `manifest.json`.

The dataclasses below are the format; `jamd.bundle.manifest_file` reads them strictly, and a
manifest that contradicts itself is refused here, with one line. Standard library only: the front
process reads a manifest to report which model plays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from jamd.bundle.manifest_file import brief, decode, parse, refuse
from jamd.errors import BundleError
from jamd.notes import STEPS_PER_BEAT
from jamd.vocabulary import Vocabulary

FORMAT = 1
"""Incremented whenever an older jamd could no longer read what is written."""

LANGUAGES = ("grid", "article")
WEIGHTS = {"float32": ("float32", "float16"), "int8": ("int8",)}
"""Precision of a graph -> the types in which its weights may be stored in the file."""

MOST_WINDOW = 32
"""Tokens: the article's window; no other is exported. A window is computed whole, at once."""

MOST_REHEARSAL_BYTES = 1 << 20
"""A fifth of this is enough to rehearse with; a bundle is not the place for a corpus."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of the graph, named as onnxruntime names it.

    Attributes:
        name: `tokens`, `h0`, `logits` …
        dtype: `int32` or `float32`.
        shape: Sizes; a string where a size is free, as in `("batch", "time")`.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX file of the bundle.

    Attributes:
        bytes: Its size.
        sha256: Its checksum, 64 hexadecimal digits.
        weights: How the weights are stored in the file: `float32`, `float16` (still computed in
            float32) or `int8`.
    """

    bytes: int
    sha256: str
    weights: str


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the graphs are from the Keras model that they were made from.

    Attributes:
        tokens: At how many positions the float32 logits were compared.
        float32_difference: Largest |difference| of a logit, ONNX float32 against Keras.
        held_out_tokens: How many held-out tokens the rises were measured on.
        float16_rise: Bits per token that rounding the weights to float16 costs; 0 if they are
            stored as float32.
        int8_rise: Bits per token that int8 costs; None if there is no int8 graph.
    """

    tokens: int
    float32_difference: float
    held_out_tokens: int
    float16_rise: float
    int8_rise: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """How well something predicts a set of held-out pieces. Fewer bits are better.

    Attributes:
        bits_per_token: Mean -log2 of the probability given to the token that came.
        bits_per_note: The same bits, all kinds of token together, per note of the pieces.
        accuracy: Share of tokens that were predicted as the likeliest, 0..1.
    """

    bits_per_token: float
    bits_per_note: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Scores on one set's held-out pieces.

    Attributes:
        pieces: Held-out pieces measured.
        tokens: Tokens measured.
        notes: Notes in them.
        scores: By name: `model`, and also `unigram` and `n-gram` if they were measured.
    """

    pieces: int
    tokens: int
    notes: int
    scores: dict[str, Score]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A few bars of the music that a model learned from, or was measured on.

    Attributes:
        tokens: How many it has.
        held_out: Whether it is from a piece that was held out from training.
        has_velocity: False if its velocities teach nothing.
    """

    tokens: int
    held_out: bool
    has_velocity: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The file of excerpts on which further training of the model can rehearse and be measured.

    Attributes:
        bytes: The file's size: two for each token.
        sha256: Its checksum.
        excerpts: What it holds, in order.
    """

    bytes: int
    sha256: str
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a bundle says about itself.

    Attributes:
        format: `FORMAT`.
        language: `grid` or `article`.
        vocabulary: Every token's name; its id is its place in the list.
        fingerprint: `Vocabulary.fingerprint` of it.
        steps_per_beat: The grid's resolution; `STEPS_PER_BEAT`.
        layers: Units of each LSTM layer, bottom first.
        window: Tokens that the graph sees in one call if it keeps no states; 0 if it keeps them.
        inputs: The graph's inputs, in order.
        outputs: The graph's outputs, in order.
        graphs: By precision, `float32` and perhaps `int8`.
        parity: The graphs against Keras.
        training: How it was trained, as facts for the model card.
        sources: What it was trained on: name of a set -> who made it, and its licence.
        figures: By name of a set of held-out pieces.
        licence: Under which the weights may be used.
        made_by: Versions of what made it.
        rehearsal: Excerpts of what it learned from, if it has some.
    """

    format: int
    language: str
    vocabulary: tuple[str, ...]
    fingerprint: str
    steps_per_beat: int
    layers: tuple[int, ...]
    window: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    graphs: dict[str, Graph]
    parity: Parity
    training: dict[str, str | int | float]
    sources: dict[str, str]
    figures: dict[str, Figures]
    licence: str
    made_by: dict[str, str]
    rehearsal: Rehearsal | None = None

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read `manifest.json`'s bytes.

        Raises:
            BundleError: It is not JSON, of another format, or contradicts itself; the message is
                one line, without the file's name.
        """
        value = parse(data)
        if isinstance(value, dict) and value.get("format") != FORMAT:
            raise BundleError(
                f"expected a bundle of format {FORMAT}, found {brief(value.get('format'))}: "
                "it needs another version of jamd"
            )
        manifest: Manifest = decode(cls, value)
        _refuse_contradictions(manifest)
        return manifest

    def to_json(self) -> str:
        """The manifest as text, ending in a line break."""
        fields_ = asdict(self)
        if self.rehearsal is None:
            del fields_["rehearsal"]
        return json.dumps(fields_, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def grid_tensors(
    vocabulary: int, layers: tuple[int, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Inputs and outputs of a graph that keeps states: the same one primes and steps."""
    states = [(f"{kind}{i}", units) for i, units in enumerate(layers) for kind in "hc"]
    inputs = [Tensor("tokens", "int32", ("batch", "time"))]
    inputs += [Tensor(name, "float32", ("batch", units)) for name, units in states]
    outputs = [Tensor("logits", "float32", ("batch", "time", vocabulary))]
    outputs += [Tensor(f"{name}_out", "float32", ("batch", units)) for name, units in states]
    return tuple(inputs), tuple(outputs)


def window_tensors(vocabulary: int, window: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Inputs and outputs of the article's graph, which sees a window and keeps nothing."""
    inputs = (Tensor("window", "float32", ("batch", window, 1)),)
    return inputs, (Tensor("logits", "float32", ("batch", vocabulary)),)


def _refuse_contradictions(manifest: Manifest) -> None:
    """Raise BundleError if the fields do not fit each other."""
    _check_vocabulary(manifest)
    _expect("steps_per_beat", [STEPS_PER_BEAT], manifest.steps_per_beat)
    _expect("number of layers", range(1, 33), len(manifest.layers))
    for units in manifest.layers:
        _expect("layer's size", range(1, 16_385), units)
    if manifest.language == "grid":
        _expect("window", [0], manifest.window)
        tensors = grid_tensors(len(manifest.vocabulary), manifest.layers)
    else:
        _expect("window", range(1, MOST_WINDOW + 1), manifest.window)
        tensors = window_tensors(len(manifest.vocabulary), manifest.window)
    if (manifest.inputs, manifest.outputs) != tensors:
        raise BundleError("its tensors do not fit its vocabulary and layer sizes")
    _expect("number of graphs", range(1, 3), len(manifest.graphs))
    for precision, graph in manifest.graphs.items():
        _expect("precision", list(WEIGHTS), precision)
        _expect("graph's weights", WEIGHTS[precision], graph.weights)
        _expect("graph's bytes", range(1, (1 << 30) + 1), graph.bytes)
        _check_sha256("a graph's sha256", graph.sha256)
    if manifest.rehearsal is not None:
        _check_rehearsal(manifest.rehearsal)


def _check_rehearsal(rehearsal: Rehearsal) -> None:
    _check_sha256("the rehearsal's sha256", rehearsal.sha256)
    _expect("rehearsal's bytes", range(1, MOST_REHEARSAL_BYTES + 1), rehearsal.bytes)
    for excerpt in rehearsal.excerpts:
        _expect("excerpt's tokens", range(2, MOST_REHEARSAL_BYTES), excerpt.tokens)
    if rehearsal.bytes != 2 * sum(excerpt.tokens for excerpt in rehearsal.excerpts):
        raise BundleError("its rehearsal's size does not fit its excerpts")


def _check_sha256(what: str, found: str) -> None:
    if len(found) != 64 or set(found) - set("0123456789abcdef"):
        refuse(what, "64 hexadecimal digits", found)


def _check_vocabulary(manifest: Manifest) -> None:
    _expect("language", LANGUAGES, manifest.language)
    _expect("number of tokens", range(2, 65_537), len(manifest.vocabulary))  # ids are uint16
    try:
        fingerprint = Vocabulary(manifest.vocabulary).fingerprint
    except ValueError as error:  # from Vocabulary, or half a surrogate pair
        raise BundleError(f"its vocabulary is broken: {error}") from None
    if fingerprint != manifest.fingerprint:
        raise BundleError("its vocabulary does not match its fingerprint")


def _expect(what: str, legal: Sequence[object], found: object) -> None:
    if found in legal:
        return
    if isinstance(legal, range) and len(legal) > 2:
        refuse(f"its {what}", f"{legal[0]}..{legal[-1]}", found)
    refuse(f"its {what}", " or ".join(map(str, legal)), found)
