"""The report's page: figures -> HTML. The files beside it are written by `jamd.report.report`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jamd.report import html, sections, words
from jamd.report.figures import SetFigures
from jamd.report.samples import Sample, Side
from jamd.report.sections import NONE, change, per_note


@dataclass(frozen=True, slots=True)
class Facts:
    """What was judged, and how.

    Attributes:
        model: The model, in words.
        how: How it was asked to write, in words.
        no_sound: Why there is no audio; empty if there is some.
    """

    model: str
    how: str
    no_sound: str


def page_of(
    facts: Facts, sets: Sequence[SetFigures], samples: Mapping[str, Sequence[Sample]]
) -> str:
    """The whole document; its pictures are named as `jamd.report.report` writes them."""
    contents = (
        ("predicts", "How well it predicts", sections.bits(sets)),
        ("hear", "What it writes", _hear(facts, sets, samples)),
        ("like", "Is it like real music?", sections.likeness(sets)),
        ("loops", "Does it go in circles?", sections.loops(sets)),
        ("copies", "Does it recite?", sections.copies(sets)),
        ("listens", "Does the accompaniment listen?", sections.duet(sets)),
        ("manner", "How varied is it?", sections.manner(sets)),
        ("timing", "Does a human hand put it off?", sections.timing(sets)),
    )
    body = [
        html.heading("What this model is worth", 1),
        html.paragraph(facts.model, "soft"),
        html.paragraph(facts.how, "soft"),
        html.paragraph(words.ABOUT),
        "<nav>" + " ".join(html.link_within(key, title) for key, title, _ in contents) + "</nav>",
        *_short(sets),
    ]
    for key, title, content in contents:
        body += [html.heading(title, 2, key), *content]
    body += [html.heading("Where the measures come from", 2)]
    body += [html.paragraph(source, "soft") for source in words.SOURCES]
    return html.page("jamd: what this model is worth", body)


def _short(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        saved = [
            change(per_note(figures, name), per_note(figures, "n-gram"))
            for name in ("model", "with memory")
        ]
        likeness = [one.comparison.overlap for one in figures.likenesses]
        ceiling = [one.control.overlap for one in figures.likenesses]
        copied = figures.copied
        rows.append(
            [
                figures.name,
                *saved,
                _mean(likeness),
                _mean(ceiling),
                _pair(copied and [f"{one.run.median:g}" for one in copied]),
            ]
        )
    yield html.heading("In short", 2)
    yield html.table(
        (
            "set",
            "bits a note against the n-gram",
            "the same with memory",
            "likeness to real music (mean overlap)",
            "of the bars before",
            "notes copied in a row (real / jamd's)",
        ),
        rows,
    )
    yield html.paragraph(
        "Good is: a large minus in the first two columns; a likeness near that of the bars before, "
        "which are real; copied runs no longer than real music's own. Each is explained below.",
        "reading",
    )


def _hear(
    facts: Facts, sets: Sequence[SetFigures], samples: Mapping[str, Sequence[Sample]]
) -> Iterator[str]:
    yield html.paragraph(words.HEAR, "reading")
    if facts.no_sound:
        yield html.paragraph(
            f"There is no audio here: {facts.no_sound}. The MIDI files can be played instead.",
            "soft",
        )
    for figures in sets:
        yield html.heading(figures.name, 3)
        if not samples[figures.name]:
            yield html.paragraph("No held-out piece is long enough.", "soft")
        for number, sample in enumerate(samples[figures.name], 1):
            yield html.paragraph(f"{number}. {sample.source}, {sample.bars}", "soft")
            yield from _side(sample.real)
            yield from _side(sample.written)


def _side(side: Side) -> Iterator[str]:
    yield html.image(side.picture, side.title)
    sound = html.sound(side.sound) if side.sound else ""
    yield f'<div class="side">{sound}{html.link(side.midi, "MIDI")}</div>'


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}" if values else NONE


def _pair(values: Sequence[str] | None) -> str:
    return " / ".join(values) if values else NONE
