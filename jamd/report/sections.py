"""The sections of a report's page: one measure each, for all sets, in tables and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jamd.report import html, words
from jamd.report.features import FEATURES
from jamd.report.figures import DISTINCT, Loops, SetFigures, kinds_of
from jamd.report.listening import Fit

NONE = "–"
"""What a table shows for what could not be measured."""


def bits(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How well the model predicts, on the whole and by kind of token."""
    yield html.image("bits.svg", "Bits a note of every predictor on every set")
    yield html.paragraph(words.BITS, "reading")
    names = ("unigram", "n-gram", "model", "with memory")
    for figures in sets:
        evaluation = figures.evaluation
        yield html.heading(
            f"{figures.name}: {evaluation.pieces} pieces, {evaluation.notes:,} notes", 3
        )
        rows = [["a note", f"{evaluation.notes:,}"]]
        rows[0] += [f"{per_note(figures, name):.2f}" for name in names]
        rows[0].append(change(per_note(figures, "model"), per_note(figures, "n-gram")))
        for kind in kinds_of(figures):
            tally = evaluation.by_kind["model"][kind]
            values = {name: evaluation.by_kind[name][kind].bits / tally.tokens for name in names}
            row = [_KINDS.get(kind, kind), f"{tally.tokens:,}"]
            row += [f"{values[name]:.2f}" for name in names]
            rows.append([*row, change(values["model"], values["n-gram"])])
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
    model, n_gram = per_note(figures, "model"), per_note(figures, "n-gram")
    memory = per_note(figures, "with memory")
    verdict = "fewer" if model < n_gram else "more"
    helped = abs(1 - memory / model)
    memory_does = f"{'saves' if memory < model else 'costs'} {helped:.0%} of them"
    if helped < 0.005:
        memory_does = "makes no difference"
    return (
        f"The model needs {abs(1 - model / n_gram):.0%} {verdict} bits a note than the n-gram; its "
        f"memory of the piece {memory_does}. Fewer is better in every row. The first row is all "
        "bits, shared among the notes."
    )


def likeness(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How the features of what was written compare with those of real music."""
    yield html.paragraph(words.LIKENESS, "reading")
    meaning = "; ".join(f"{one.name}: {words.FEATURE_WORDS[one.name]}" for one in FEATURES)
    yield html.paragraph(meaning[0].upper() + meaning[1:] + ".", "soft")
    for figures in sets:
        pieces = len({one.stretch.source for one in figures.written})
        title = f"{figures.name}: {len(figures.written)} continuations, from {pieces} pieces"
        yield html.heading(title, 3)
        if not figures.likenesses:
            yield html.paragraph("Too few held-out pieces are long enough.", "soft")
            continue
        rows = []
        for one in figures.likenesses:
            scalar = one.real.shape == (1,)
            rows.append(
                [
                    one.feature.name + (f" ({one.feature.unit})" if one.feature.unit else ""),
                    f"{one.real[0]:.2f}" if scalar else NONE,
                    f"{one.written[0]:.2f}" if scalar else NONE,
                    f"{one.comparison.overlap:.2f}",
                    f"{one.control.overlap:.2f}",
                    f"{one.comparison.divergence:.3f}",
                    f"{one.control.divergence:.3f}",
                ]
            )
        columns = (
            "feature",
            "real",
            "jamd's",
            "overlap",
            "overlap of the bars before",
            "KL divergence",
            "KL of the bars before",
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
        if one.comparison.overlap >= one.control.overlap - 0.05
    ]
    found = f"As close as the bars before in: {', '.join(close)}. " if close else ""
    return (
        "Overlap: 1 is best. KL divergence: 0 is best. “real” and “jamd's” should be alike. "
        f"{found}Furthest off: {lowest.feature.name}, with an overlap of "
        f"{lowest.comparison.overlap:.2f}."
    )


def loops(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How much of what was written occurs twice."""
    rows = []
    for figures in sets:
        if figures.loops is None:
            rows.append([figures.name, *[NONE] * 6])
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


def copies(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How much of what was written occurs in training pieces."""
    yield html.image("copies.svg", "The longest runs found in training pieces, by set")
    rows = []
    for figures in sets:
        if figures.copied is None:
            rows.append([figures.name, *[NONE] * 5])
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


def duet(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How the model accompanies a tune, and how much the tune helps it."""
    rows = []
    for figures in sets:
        duet = figures.duet
        if duet is None or not duet.bits.notes:
            rows.append([figures.name, *[NONE] * 8])
            continue
        given, alone = (bits / duet.bits.notes for bits in (duet.bits.given, duet.bits.alone))
        rows.append(
            [
                figures.name,
                f"{alone:.2f}",
                f"{given:.2f}",
                change(given, alone),
                change(duet.remembered.given, duet.remembered.alone),
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
        "change with memory",
        "chord tones: to the tune",
        "to the shuffled tune",
        "the real accompaniment",
        "stretches",
    )
    yield html.table(columns, rows)
    yield html.paragraph(
        words.DUET + " In front, the share of notes that are chord tones; in brackets, of moments "
        "at which at least one note is. Sets without both parts have dashes.",
        "reading",
    )


def _fit(fit: Fit) -> str:
    if not fit.notes:
        return NONE
    return f"{fit.inside / fit.notes:.0%} ({fit.holding / fit.onsets:.0%})"


def manner(sets: Sequence[SetFigures]) -> Iterator[str]:
    """How varied each part's rhythm and loudness are."""
    rows = []
    for figures in sets:
        for real, own in figures.manners:
            spreads = [
                NONE if one.velocity_spread is None else f"{one.velocity_spread:.1f}"
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


def timing(sets: Sequence[SetFigures]) -> Iterator[str]:
    """What a person's timing costs."""
    rows = []
    for figures in sets:
        timing = figures.timing
        rows.append(
            [
                figures.name,
                f"{timing.clean:.2f}",
                f"{timing.heard:.2f}",
                change(timing.heard, timing.clean),
                f"{timing.written:.2f}",
                change(timing.written, timing.clean),
                f"{timing.let_go:.2f}",
                change(timing.let_go, timing.clean),
                f"{timing.let_go_written:.2f}",
                change(timing.let_go_written, timing.clean),
                NONE if timing.followed is None else f"{timing.followed:.2f}",
                change(timing.followed_heard or 0.0, timing.followed or 0.0),
            ]
        )
    columns = (
        "set",
        "bits a note, as written",
        "played, as jamd hears it",
        "change",
        "played, on the nearest step",
        "change",
        "keys let go by hand, as jamd reads it",
        "change",
        "... to the nearest step",
        "change",
        "what follows exact music",
        "after it was played",
    )
    yield html.table(columns, rows)
    yield html.paragraph(words.TIMING, "reading")


def per_note(figures: SetFigures, predictor: str) -> float:
    """The bits that a predictor needs for a note."""
    return figures.evaluation.score(predictor).bits_per_note


def change(value: float, reference: float) -> str:
    """By how much `value` is above or below `reference`, in per cent."""
    return f"{value / reference - 1:+.0%}".replace("-", "−") if reference else NONE
