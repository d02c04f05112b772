"""The model card: a manifest as a readable page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jamd.bundle.bundle import GRAPHS, REHEARSAL
from jamd.bundle.manifest import Figures, Manifest

_LANGUAGES = {
    "grid": "the grid language: bars, positions on a grid of twelve steps a beat, harmony, and two "
    "parts of notes with velocity and duration",
    "article": "the article's language: note and chord names, a moment each, without rhythm",
}

_LIMITS = {
    "grid": (
        "It knows 2/4, 3/4, 4/4 and 6/8, and nothing finer than the grid.",
        "It has no idea of a whole song: what it remembers fades over some dozens of bars.",
        "Where a set has no velocities of its own, none were learned from it.",
    ),
    "article": (
        "It knows no rhythm, no velocity and no chord that its corpus does not hold.",
        "Chords are kept as pitch classes; jamd chooses their register.",
    ),
}


def card(manifest: Manifest) -> str:
    """The text of a bundle's README.md, in Markdown."""
    *first, last = map(str, manifest.layers)
    layer = "LSTM layers" if first else "one LSTM layer"
    layers = f"{', '.join(first)} and {last}" if first else last
    ngram = "Witten-Bell smoothing"
    if manifest.language == "grid":
        ngram += " and pitches as intervals"
    parts = [
        f"# A jamd model of the {manifest.language} language",
        (
            f"A network with {layer} of {layers} units that continues music in "
            f"{_LANGUAGES[manifest.language]}; {len(manifest.vocabulary)} tokens. "
            "`jamd play --bundle` with the path of this folder plays with it."
        ),
        "## Trained on",
        _table(("Set", "Source and licence"), manifest.sources.items())
        if manifest.sources
        else "Whose music it is was not stated.",
        "## How",
        _table(("", ""), ((name, _fact(value)) for name, value in manifest.training.items())),
        "## How well it predicts",
        (
            "Bits per note on pieces that were held out from training, all their tokens together "
            "(velocities only where the source has its own); fewer are better. The n-gram has "
            f"order 5, {ngram}, and knows the same set's training pieces; so does the unigram."
        ),
        _figures(manifest.figures),
        "## The files",
        _table(
            ("File", "Bytes", "Holds"),
            _files(manifest),
        ),
        _parity(manifest),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _LIMITS[manifest.language]),
        "## Licence",
        manifest.licence,
        "Made by "
        + ", ".join(f"{name} {version}" for name, version in manifest.made_by.items())
        + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _files(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for precision, graph in manifest.graphs.items():
        yield f"`{GRAPHS[precision]}`", f"{graph.bytes:,}", f"weights in {graph.weights}"
    if (rehearsal := manifest.rehearsal) is not None:
        held_out = sum(excerpt.held_out for excerpt in rehearsal.excerpts)
        yield (
            f"`{REHEARSAL}`",
            f"{rehearsal.bytes:,}",
            f"{len(rehearsal.excerpts)} excerpts of the sets above, {held_out} of held-out pieces",
        )


def _figures(figures: dict[str, Figures]) -> str:
    names = [name for one in figures.values() for name in one.scores]
    columns = list(dict.fromkeys(names))
    rows = [
        (
            name,
            f"{one.pieces:,}",
            f"{one.notes:,}",
            *(f"{one.scores[c].bits_per_note:.2f}" if c in one.scores else "" for c in columns),
            f"{one.scores['model'].bits_per_token:.3f}",
            f"{one.scores['model'].accuracy:.1%}",
        )
        for name, one in figures.items()
    ]
    return _table(
        ("Set", "Pieces", "Notes", *columns, "model, bits per token", "model, accuracy"), rows
    )


def _parity(manifest: Manifest) -> str:
    parity = manifest.parity
    text = (
        f"float32 logits differ from Keras by at most {parity.float32_difference:.2g} over "
        f"{parity.tokens:,} tokens, in one call or in many."
    )
    if parity.float16_rise:
        text += (
            " Before, weights were rounded to what float16 holds, which changes held-out bits per "
            f"token by {parity.float16_rise:+.5f}."
        )
    if parity.int8_rise is not None:
        text += f" int8 changes them by {parity.int8_rise:+.5f}"
        text += f" ({parity.held_out_tokens:,} tokens)."
    return text


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _fact(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}"
