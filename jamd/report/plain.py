"""A report's figures in a form for JSON."""

from __future__ import annotations

from typing import Any

from jamd.report.figures import Copied, Duet, Likeness, Loops, Manner, RunLengths, SetFigures
from jamd.report.listening import DuetBits, Fit
from jamd.training.judging.evaluate import Evaluation


def plain_bits(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """The bits that every predictor needed on one set, and its accuracy."""
    scores = {}
    for predictor, kinds in evaluation.by_kind.items():
        score = evaluation.score(predictor)
        scores[predictor] = {
            "bits_per_token": score.bits_per_token,
            "bits_per_note": score.bits_per_note,
            "accuracy": score.accuracy,
            "by_kind": {
                kind: {
                    "tokens": tally.tokens,
                    "bits_per_token": tally.bits / tally.tokens,
                    "accuracy": tally.hits / tally.tokens,
                }
                for kind, tally in kinds.items()
            },
        }
    return {
        "set": name,
        "pieces": evaluation.pieces,
        "tokens": evaluation.tokens,
        "notes": evaluation.notes,
        "scores": scores,
    }


def plain(figures: SetFigures) -> dict[str, Any]:
    """All figures of one set."""
    return {
        **plain_bits(figures.name, figures.evaluation),
        "style": figures.style,
        "continuations": len(figures.written),
        "likeness": {one.feature.name: _likeness(one) for one in figures.likenesses},
        "loops": _sides(figures.loops, _loops),
        "copied": _sides(figures.copied, _copied),
        "manner": {real.part.value: _sides((real, own), _manner) for real, own in figures.manners},
        "duet": _duet(figures.duet) if figures.duet else None,
        "played": {
            "bits_per_note": figures.timing.clean,
            "bits_per_note_as_heard": figures.timing.heard,
            "bits_per_note_on_nearest_step": figures.timing.written,
            "bits_per_note_let_go_by_hand": figures.timing.let_go,
            "bits_per_note_let_go_by_hand_on_nearest_step": figures.timing.let_go_written,
            "bits_per_note_that_follows": figures.timing.followed,
            "bits_per_note_that_follows_as_heard": figures.timing.followed_heard,
        },
    }


def _sides(pair: Any, shown: Any) -> dict[str, Any] | None:
    return None if pair is None else {"real": shown(pair[0]), "written": shown(pair[1])}


def _likeness(one: Likeness) -> dict[str, Any]:
    return {
        "unit": one.feature.unit,
        "real": one.real.tolist(),
        "written": one.written.tolist(),
        "overlap": one.comparison.overlap,
        "kl_nats": one.comparison.divergence,
        "overlap_of_the_bars_before": one.control.overlap,
        "kl_nats_of_the_bars_before": one.control.divergence,
    }


def _run_lengths(runs: RunLengths) -> dict[str, Any]:
    return {"median_notes": runs.median, "longest_notes": runs.longest, "mean_share": runs.share}


def _loops(loops: Loops) -> dict[str, Any]:
    return {"longest_repeat": _run_lengths(loops.repeat), "distinct_4": loops.distinct}


def _copied(copied: Copied) -> dict[str, Any]:
    return {**_run_lengths(copied.run), "source_of_longest": copied.source}


def _manner(manner: Manner) -> dict[str, Any]:
    return {
        "notes": manner.notes,
        "onset_entropy_bits": manner.onset_bits,
        "velocity_spread": manner.velocity_spread,
    }


def _duet(duet: Duet) -> dict[str, Any]:
    return {
        "comp_notes": duet.bits.notes,
        **_duet_bits(duet.bits, ""),
        **_duet_bits(duet.remembered, "_with_memory"),
        "stretches": duet.count,
        "chord_tones_real": _fit(duet.real),
        "chord_tones_to_lead": _fit(duet.given),
        "chord_tones_to_shuffled_lead": _fit(duet.shuffled),
    }


def _duet_bits(bits: DuetBits, memory: str) -> dict[str, Any]:
    notes = bits.notes
    return {
        f"bits_per_comp_note_given_lead{memory}": bits.given / notes if notes else None,
        f"bits_per_comp_note_without_lead{memory}": bits.alone / notes if notes else None,
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "notes": fit.notes,
        "share_of_notes": fit.inside / fit.notes if fit.notes else None,
        "onsets": fit.onsets,
        "share_of_onsets_holding_one": fit.holding / fit.onsets if fit.onsets else None,
    }
