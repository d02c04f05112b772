"""The report's page: figures -> HTML. What lies beside it is written by `jamd.report.report`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jamd.report import html, words
from jamd.report.features import FEATURES
from jamd.report.figures import DISTINCT, Loops, SetFigures, kinds_of
from jamd.report.listening import Fit
from jamd.report.samples import Sample, Side

_NONE = "–"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was judged, and how.

    Attributes:
        model: In words.
        how: How it was asked to write, in words.
        no_sound: Why there is no audio; empty where there is.
    """

    model: str
    how: str
    no_sound: str


def page_of(
    facts: Facts, sets: Sequence[SetFigures], samples: Mapping[str, Sequence[Sample]]
) -> str:
    """The whole document; its pictures are named as `jamd.report.report` writes them."""
    sections = (
        ("predicts", "How well it predicts", _bits(sets)),
        ("hear", "What it writes", _hear(facts, sets, samples)),
        ("like", "Is it like real music?", _likeness(sets)),
        ("loops", "Does it go in circles?", _loops(sets)),
        ("copies", "Does it recite?", _copies(sets)),
        ("listens", "Does the accompaniment listen?", _duet(sets)),
        ("manner", "How varied is it?", _manner(sets)),
        ("timing", "Does a human hand put it off?", _timing(sets)),
    )
    body = [
        html.heading("What this model is worth", 1),
        html.paragraph(facts.model, "soft"),
        html.paragraph(facts.how, "soft"),
        html.paragraph(words.ABOUT),
        "<nav>" + " ".join(html.link(f"#{key}", title) for key, title, _ in sections) + "</nav>",
        *_short(sets),
    ]
    for key, title, content in sections:
        body += [html.heading(title, 2, key), *content]
    body += [html.heading("Where the measures come from", 2)]
    body += [html.paragraph(source, "soft") for source in words.SOURCES]
    return html.page("jamd: what this model is worth", body)


def _short(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        saved = [
            _change(_per_note(figures, name), _per_note(figures, "n-gram"))
            for name in ("model", "with memory")
        ]
        likeness = [one.comparison.overlap for one in figures.likenesses]
        ceiling = [one.control.overlap for one in figures.likenesses if one.control]
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
            "of other real music",
            "notes copied in a row (real / jamd's)",
        ),
        rows,
    )
    yield html.paragraph(
        "Good is: a large minus in the first two columns; a likeness near that of other real "
        "music; copied runs no longer than real music's own. Each is explained below.",
        "reading",
    )


def _bits(sets: Sequence[SetFigures]) -> Iterator[str]:
    yield html.image("bits.svg", "Bits a note of every predictor on every set")
    yield html.paragraph(words.BITS, "reading")
    names = ("unigram", "n-gram", "model", "with memory")
    for figures in sets:
        evaluation = figures.evaluation
        yield html.heading(
            f"{figures.name}: {evaluation.pieces} pieces, {evaluation.notes:,} notes", 3
        )
        rows = [["a note", f"{evaluation.notes:,}"]]
        rows[0] += [f"{_per_note(figures, name):.2f}" for name in names]
        rows[0].append(_change(_per_note(figures, "model"), _per_note(figures, "n-gram")))
        for kind in kinds_of(figures):
            tally = evaluation.by_kind["model"][kind]
            values = {name: evaluation.by_kind[name][kind].bits / tally.tokens for name in names}
            row = [_KINDS.get(kind, kind), f"{tally.tokens:,}"]
            row += [f"{values[name]:.2f}" for name in names]
            rows.append([*row, _change(values["model"], values["n-gram"])])
        columns = ("bits for", "how many", *names, "model against n-gram")
        yield html.table(columns, rows, totals=(0,))
        yield html.paragraph(_bits_reading(figures), "reading")
        yield html.image(f"bits-{figures.name}.svg", f"Bits by kind of token, {figures.name}")


_KINDS = {
    "Bar": "a bar line, with its meter",
    "End": "the end",
    "Position": "when the next thing happens",
    "Chord": "a change of harmony",
    "Comp": "a pitch of the accompaniment (Comp)",
    "Lead": "a pitch of the tune (Lead)",
    "Velocity": "how loud a note is",
    "Duration": "how long a note is",
}


def _bits_reading(figures: SetFigures) -> str:
    model, n_gram = _per_note(figures, "model"), _per_note(figures, "n-gram")
    memory = _per_note(figures, "with memory")
    verdict = "fewer" if model < n_gram else "more"
    helped = "saves" if memory < model else "costs"
    return (
        f"The model needs {abs(1 - model / n_gram):.0%} {verdict} bits a note than the n-gram; its "
        f"memory of the piece {helped} another {abs(1 - memory / model):.0%}. Fewer is better in "
        "every row. The first row is all bits, shared among the notes."
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


def _likeness(sets: Sequence[SetFigures]) -> Iterator[str]:
    yield html.paragraph(words.LIKENESS, "reading")
    meaning = "; ".join(f"{one.name}: {words.FEATURE_WORDS[one.name]}" for one in FEATURES)
    yield html.paragraph(meaning[0].upper() + meaning[1:] + ".", "soft")
    for figures in sets:
        yield html.heading(f"{figures.name}: {len(figures.written)} continuations", 3)
        if not figures.likenesses:
            yield html.paragraph("Too few held-out pieces are long enough.", "soft")
            continue
        rows = []
        for one in figures.likenesses:
            scalar = one.real.shape == (1,)
            rows.append(
                [
                    one.feature.name + (f" ({one.feature.unit})" if one.feature.unit else ""),
                    f"{one.real[0]:.2f}" if scalar else _NONE,
                    f"{one.written[0]:.2f}" if scalar else _NONE,
                    f"{one.comparison.overlap:.2f}",
                    f"{one.control.overlap:.2f}" if one.control else _NONE,
                    f"{one.comparison.divergence:.3f}",
                    f"{one.control.divergence:.3f}" if one.control else _NONE,
                ]
            )
        columns = (
            "feature",
            "real",
            "jamd's",
            "overlap",
            "overlap of other real music",
            "KL divergence",
            "KL of other real music",
        )
        yield html.table(columns, rows)
        yield html.paragraph(_likeness_reading(figures), "reading")
        yield html.image(f"distances-{figures.name}.svg", f"Densities of distances, {figures.name}")
        yield html.image(f"pitches-{figures.name}.svg", f"Pitch classes, {figures.name}")


def _likeness_reading(figures: SetFigures) -> str:
    lowest = min(figures.likenesses, key=lambda one: one.comparison.overlap)
    close = [
        one.feature.name
        for one in figures.likenesses
        if one.control and one.comparison.overlap >= one.control.overlap - 0.05
    ]
    found = f"As close as other real music in: {', '.join(close)}. " if close else ""
    return (
        "Overlap: 1 is best. KL divergence: 0 is best. “real” and “jamd's” should be alike. "
        f"{found}Furthest off: {lowest.feature.name}, with an overlap of "
        f"{lowest.comparison.overlap:.2f}."
    )


def _loops(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        if figures.loops is None:
            rows.append([figures.name, *[_NONE] * 6])
            continue
        rows.append([figures.name, *_loop_cells(figures.loops)])
    columns = (
        "set",
        "longest repeat, real: notes",
        "jamd's",
        "share of the music, real",
        "jamd's",
        f"distinct runs of {DISTINCT}, real",
        "jamd's",
    )
    yield html.table(columns, rows)
    yield html.paragraph(
        words.LOOPS + " The first columns show the middle continuation, and the worst in brackets.",
        "reading",
    )


def _loop_cells(loops: tuple[Loops, Loops]) -> list[str]:
    cells = [f"{one.repeat.median:g} ({one.repeat.longest})" for one in loops]
    cells += [f"{one.repeat.share:.0%}" for one in loops]
    return cells + [f"{one.distinct:.0%}" for one in loops]


def _copies(sets: Sequence[SetFigures]) -> Iterator[str]:
    yield html.image("copies.svg", "The longest runs found in training pieces, by set")
    rows = []
    for figures in sets:
        if figures.copied is None:
            rows.append([figures.name, *[_NONE] * 5])
            continue
        cells = [f"{one.run.median:g} ({one.run.longest})" for one in figures.copied]
        cells += [f"{one.run.share:.0%}" for one in figures.copied]
        rows.append([figures.name, *cells, _file(figures.copied[1].source)])
    columns = (
        "set",
        "longest copied run, real: notes",
        "jamd's",
        "share of the music, real",
        "jamd's",
        "where jamd's longest stands",
    )
    yield html.table(columns, rows, long=(5,))
    yield html.paragraph(
        words.COPIES + " The middle continuation, and the worst in brackets.", "reading"
    )


def _file(source: str) -> str:
    first, *rest = source.split(" + ")
    return f"{first} (and {len(rest)} joined to it)" if rest else first


def _duet(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        duet = figures.duet
        if duet is None or not duet.bits.notes:
            rows.append([figures.name, *[_NONE] * 7])
            continue
        given, alone = (bits / duet.bits.notes for bits in (duet.bits.given, duet.bits.alone))
        rows.append(
            [
                figures.name,
                f"{alone:.2f}",
                f"{given:.2f}",
                _change(given, alone),
                _fit(duet.given),
                _fit(duet.shuffled),
                _fit(duet.real),
                f"{duet.count}",
            ]
        )
    columns = (
        "set",
        "bits a Comp note without the tune",
        "with it",
        "change",
        "chord tones: to the tune",
        "to the shuffled tune",
        "the real accompaniment",
        "stretches",
    )
    yield html.table(columns, rows)
    yield html.paragraph(
        words.DUET + " In front, the share of notes that are chord tones; in brackets, of moments "
        "at which at least one note is. Sets without both parts are left out.",
        "reading",
    )


def _fit(fit: Fit) -> str:
    if not fit.notes:
        return _NONE
    return f"{fit.inside / fit.notes:.0%} ({fit.holding / fit.onsets:.0%})"


def _manner(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        for real, own in figures.manners:
            spreads = [
                _NONE if one.velocity_spread is None else f"{one.velocity_spread:.1f}"
                for one in (real, own)
            ]
            row = [f"{figures.name}, {real.part.value}"]
            row += [f"{one.onset_bits:.2f}" for one in (real, own)]
            rows.append([*row, *spreads])
    columns = (
        "set and part",
        "onset entropy (bits), real",
        "jamd's",
        "velocity spread, real",
        "jamd's",
    )
    yield html.table(columns, rows)
    yield html.paragraph(words.MANNER, "reading")


def _timing(sets: Sequence[SetFigures]) -> Iterator[str]:
    rows = []
    for figures in sets:
        timing = figures.timing
        rows.append(
            [
                figures.name,
                f"{timing.clean:.2f}",
                f"{timing.heard:.2f}",
                _change(timing.heard, timing.clean),
                f"{timing.written:.2f}",
                _change(timing.written, timing.clean),
                _NONE if timing.followed is None else f"{timing.followed:.2f}",
                _change(timing.followed_heard or 0.0, timing.followed or 0.0),
            ]
        )
    columns = (
        "set",
        "bits a note, as written",
        "played, as jamd hears it",
        "change",
        "played, on the nearest step",
        "change",
        "what follows exact music",
        "after it was played",
    )
    yield html.table(columns, rows)
    yield html.paragraph(words.TIMING, "reading")


def _per_note(figures: SetFigures, name: str) -> float:
    return figures.evaluation.score(name).bits_per_note


def _change(value: float, reference: float) -> str:
    return f"{value / reference - 1:+.0%}".replace("-", "−") if reference else _NONE


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}" if values else _NONE


def _pair(values: Sequence[str] | None) -> str:
    return " / ".join(values) if values else _NONE
