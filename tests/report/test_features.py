"""What is measured of a stretch of music, by hand; and how two sets of it compare."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.notes import Meter, Note, Part, Tick
from jamd.report import features
from jamd.report.distances import compare
from jamd.report.features import Music

BEAT = 480


def music(notes: list[Note], bars: int = 2, up: int = 0) -> Music:
    return Music(notes, Tick(0), Tick(bars * 4 * BEAT), Meter(4, 4), up)


def at(beat: float, pitch: int, beats: float = 1) -> Note:
    return Note(Tick(int(beat * BEAT)), pitch, duration=Tick(int(beats * BEAT)))


def test_pitch_classes_are_brought_home() -> None:
    shares = features.pitch_class_histogram(music([at(0, 62), at(1, 74), at(2, 69)], up=-2))
    np.testing.assert_allclose(shares[[0, 7]], [2 / 3, 1 / 3])


def test_intervals_between_onsets_and_notes_a_bar() -> None:
    some = music([at(0, 60), at(0, 64), at(1, 67), at(3, 72)])
    assert features.inter_onset_interval(some).tolist() == [1.5]
    assert features.inter_onset_interval(music([at(0, 60)])).tolist() == [8.0]
    assert features.note_density(some).tolist() == [2.0]


def test_polyphony_counts_where_anything_sounds() -> None:
    assert features.polyphony(music([at(0, 60, 2), at(1, 64, 1)])).tolist() == [1.5]


def test_a_pitch_that_two_parts_play_at_once_is_one() -> None:
    lead, comp = at(0, 60, 2), Note(Tick(0), 60, duration=Tick(BEAT), part=Part.COMP)
    assert features.polyphony(music([lead, comp])).tolist() == [1.0]
    assert features.polyphony(music([lead, comp, at(1, 64)])).tolist() == [1.5]


def test_polyphony_ends_with_the_music() -> None:
    assert features.polyphony(music([at(7, 60, 9), at(7.5, 64, 9)])).tolist() == [1.5]


def test_one_scale_holds_most() -> None:
    scale = [at(i, 62 + step) for i, step in enumerate((0, 2, 4, 5, 7, 9, 11))]
    assert features.scale_consistency(music(scale)).tolist() == [1.0]
    assert features.scale_consistency(music([*scale, at(7, 63)])).tolist() == [7 / 8]


def test_bars_alike_in_rhythm() -> None:
    first, second = [at(0, 60), at(1, 60)], [at(4, 72), at(5.5, 60)]
    assert features.groove_similarity(music([*first, at(4, 61), at(5, 62)])).tolist() == [1.0]
    assert features.groove_similarity(music(first + second)).tolist() == [1 - 2 / 48]
    assert features.groove_similarity(music(first, bars=1)).tolist() == [1.0]


def test_entropy_of_places() -> None:
    notes = [at(beat, 60) for beat in (0, 1, 2, 3, 4, 5, 6, 7)]
    places = features.onset_places([*notes, at(0, 72)], Tick(0), Meter(4, 4))
    assert places == {0: 2, 12: 2, 24: 2, 36: 2}
    assert features.entropy_bits(places) == 2.0
    assert features.entropy_bits({}) == 0.0
    assert f"{features.entropy_bits({0: 7}):.2f}" == "0.00"


values = st.lists(st.floats(0, 10), min_size=3, max_size=20)


@given(values, values)
def test_an_overlap_is_a_share_and_a_divergence_is_not_negative(
    reference: list[float], others: list[float]
) -> None:
    found = compare(np.array(reference)[:, None], np.array(others)[:, None])
    assert 0 <= found.overlap <= 1
    assert found.divergence >= 0
    step = found.places[1] - found.places[0]
    for density in (found.intra, found.inter):
        assert density.sum() * step == pytest.approx(1, abs=0.05)


def test_what_comes_from_elsewhere_is_further_off() -> None:
    rng = np.random.default_rng(1)
    real, same = rng.normal(0, 1, (60, 1)), rng.normal(0, 1, (60, 1))
    near, far = compare(real, same), compare(real, same + 4)
    assert near.overlap > 0.9
    assert far.overlap < 0.5
    assert near.divergence < 0.05 < far.divergence


def test_densities_and_their_divergence_by_hand() -> None:
    found = compare(np.array([[0.0], [1.0], [3.0]]), np.array([[5.0]]))

    def smoothed(distances: tuple[float, ...]) -> np.ndarray:
        width = np.std(distances, ddof=1) * 3 ** (-1 / 5)  # Scott's rule
        off = (found.places[:, None] - np.array(distances)) / width
        density: np.ndarray = (np.exp(-(off**2) / 2) / (width * np.sqrt(2 * np.pi))).mean(axis=1)
        return density

    np.testing.assert_allclose(found.intra, smoothed((1, 2, 3)), rtol=1e-9)
    np.testing.assert_allclose(found.inter, smoothed((5, 4, 2)), rtol=1e-9)
    p, q = found.intra / found.intra.sum(), found.inter / found.inter.sum()
    expected = float((p * np.log(p / q)).sum())
    assert found.divergence == pytest.approx(expected, rel=1e-3)
    assert expected != pytest.approx(float((q * np.log(q / p)).sum()), rel=1e-1)


def test_music_all_alike_can_be_compared() -> None:
    same = np.ones((5, 1))
    assert compare(same, same).overlap == pytest.approx(1, abs=0.01)
    assert compare(same, same + 1).overlap < 0.01
    with pytest.raises(ValueError, match="expected 3 against 1"):
        compare(same[:2], same)


def test_parts_have_no_say_in_features() -> None:
    both = [at(0, 60), Note(Tick(BEAT), 48, part=Part.COMP)]
    assert features.note_density(music(both)).tolist() == [1.0]
