"""The two forms of the grid network compute the same; the article's is the article's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import jamd.training
from jamd.training.backend import load_backend

pytestmark = pytest.mark.train

load_backend()

import keras  # noqa: E402

from jamd.training.learning.network import (  # noqa: E402 - after the backend, which is loud otherwise
    ARTICLE_WINDOW,
    EMBEDDING_STDDEV,
    KERNEL_GAIN,
    ArticleSize,
    GridSize,
    article_network,
    grid_network,
    grid_pair,
)
from jamd.training.learning.windows import article_windows  # noqa: E402

SIZE = GridSize(vocabulary=23, embedding=5, units=7, layers=2)


@pytest.mark.parametrize("whole_windows", [False, True])
def test_the_trainee_carries_its_state_as_the_network_is_given_it(whole_windows: bool) -> None:
    pair = grid_pair(SIZE, rows=3, window=4, whole_windows=whole_windows)
    tokens = np.random.default_rng(1).integers(0, 23, (3, 8)).astype(np.int32)
    zero, one = np.zeros((3, 1), np.float32), np.ones((3, 1), np.float32)
    states = [np.zeros((3, 7), np.float32)] * 4

    logits, *after = pair.network.predict_on_batch([tokens, *states])
    assert logits.shape == (3, 8, 23)
    assert [state.shape for state in after] == [(3, 7)] * 4
    pair.trainee.predict_on_batch([tokens[:, :4], zero])
    second = pair.trainee.predict_on_batch([tokens[:, 4:], one])
    np.testing.assert_allclose(second, logits[:, 4:], atol=1e-5)

    # The next states carry on exactly there.
    more = pair.trainee.predict_on_batch([tokens[:, :4], one])
    np.testing.assert_allclose(
        more, pair.network.predict_on_batch([tokens[:, :4], *after])[0], atol=1e-5
    )


def test_keep_forgets_row_by_row() -> None:
    pair = grid_pair(SIZE, rows=2, window=4)
    tokens = np.array([[1, 2, 3, 4], [1, 2, 3, 4]], dtype=np.int32)
    fresh = pair.trainee.predict_on_batch([tokens, np.zeros((2, 1), np.float32)])
    again = pair.trainee.predict_on_batch([tokens, np.array([[0.0], [1.0]], np.float32)])
    np.testing.assert_allclose(again[0], fresh[0], atol=1e-6)
    assert abs(again[1] - fresh[1]).max() > 1e-4


def test_dropout_drops_the_same_values_throughout_a_window_and_others_in_each_row() -> None:
    pair = grid_pair(replace(SIZE, dropout=0.5), rows=3, window=4)
    layers = [layer for layer in pair.trainee.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(layers) == 3
    for layer in layers:
        width = layer.input.shape[-1]
        kept = keras.ops.convert_to_numpy(layer(np.ones((3, 4, width), np.float32), training=True))
        assert 0 < (kept == 0).mean() < 1
        np.testing.assert_array_equal(kept, np.broadcast_to(kept[:, :1], kept.shape))
        assert len(np.unique(kept[:, 0], axis=0)) > 1


def test_a_step_at_a_time_learns_what_whole_windows_do() -> None:
    window = [np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int32), np.zeros((2, 1), np.float32)]

    def learned(whole_windows: bool) -> list[np.ndarray]:
        keras.utils.set_random_seed(1)
        pair = grid_pair(replace(SIZE, dropout=0), 2, 4, whole_windows=whole_windows)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        pair.trainee.compile(keras.optimizers.SGD(1.0), loss)
        keras.Model.train_on_batch(pair.trainee, window, np.ones((2, 4), np.int32))
        weights: list[np.ndarray] = pair.network.get_weights()
        return weights

    for stepwise, whole in zip(learned(False), learned(True), strict=True):
        np.testing.assert_allclose(stepwise, whole, atol=1e-5)


@pytest.mark.parametrize("whole_windows", [False, True])
def test_weight_drop_drops_weights_from_the_second_step_on_and_in_training_only(
    whole_windows: bool,
) -> None:
    size = replace(SIZE, dropout=0, weight_drop=0.5)
    pair = grid_pair(size, rows=2, window=4, whole_windows=whole_windows)
    window = [np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int32), np.zeros((2, 1), np.float32)]

    def logits(training: bool) -> np.ndarray:
        array: np.ndarray = keras.ops.convert_to_numpy(pair.trainee(window, training=training))
        return array

    plain, first, second = logits(False), logits(True), logits(True)
    np.testing.assert_allclose(plain, pair.trainee.predict_on_batch(window), atol=1e-6)
    for dropped in (first, second):
        np.testing.assert_allclose(dropped[:, 0], plain[:, 0], atol=1e-6)
        assert (abs(dropped[:, 1:] - plain[:, 1:]).max(axis=-1) > 1e-4).all()
    assert abs(first - second).max() > 1e-4


def test_both_forms_are_one_set_of_weights_named_as_the_export_wants() -> None:
    pair = grid_pair(SIZE, rows=2, window=4)
    names = [tensor.name for tensor in pair.network.inputs]
    assert names == ["tokens", "h0", "c0", "h1", "c1"]
    weights = {id(weight) for weight in pair.network.trainable_variables}
    assert weights == {id(weight) for weight in pair.trainee.trainable_variables}


def test_the_article_network_is_the_article_s() -> None:
    network = article_network(ArticleSize(vocabulary=50))
    layers = [
        (type(layer).__name__, layer.units)
        for layer in network.layers
        if type(layer).__name__ != "Dropout"
    ]
    assert layers == [
        ("LSTM", 512), ("Dense", 256), ("Dense", 256), ("LSTM", 512), ("Dense", 256),
        ("LSTM", 512), ("Dense", 50),
    ]  # fmt: skip
    assert network.input_shape == (None, 32, 1)
    assert network.output_shape == (None, 50)


@pytest.mark.parametrize("layers", [1, 3])
def test_a_size_tells_how_many_weights_the_network_has(layers: int) -> None:
    grid, article = GridSize(23, 5, 7, layers), ArticleSize(23, 6, 5)
    assert grid.weights == grid_network(grid).count_params()
    assert article.weights == article_network(article).count_params()


def test_article_windows_stay_within_a_piece_and_fill_up_what_is_short() -> None:
    pieces = [np.arange(1, 41), np.array([5]), np.array([7, 8, 9])]
    examples = article_windows(pieces, vocabulary=64)
    assert len(examples) == 39 + 0 + 2
    windows, following = examples.batch(np.arange(len(examples)))
    ids = (windows[..., 0] * 64).round().astype(int)
    assert ids.shape == (41, ARTICLE_WINDOW)
    assert ids[38].tolist() == list(range(8, 40))
    assert following[38] == 40
    assert ids[40].tolist() == [0] * 30 + [7, 8]
    assert following[40] == 9
    assert len(article_windows([], vocabulary=64)) == 0


def test_training_needs_no_backend_of_its_own() -> None:
    """But for training on several machines, which is TensorFlow's."""
    folder = Path(jamd.training.__file__).parent
    for path in set(folder.rglob("*.py")) - {folder / "learning" / "multi_worker.py"}:
        source = path.read_text(encoding="utf-8")
        assert "import tensorflow" not in source, path
        assert "tf." not in source.replace("tf.*", ""), path


def test_a_grid_network_begins_with_weights_that_its_outputs_can_be_told_by() -> None:
    network = grid_network(GridSize(vocabulary=50, embedding=16, units=24, layers=3))
    kernels = {variable.path: np.asarray(variable) for variable in network.weights}
    assert np.std(kernels["embedding/embeddings"]) == pytest.approx(EMBEDDING_STDDEV, rel=0.1)
    one, other = (kernels[f"lstm{i}/lstm_cell/kernel"] for i in (1, 2))
    glorot = np.sqrt(6 / sum(one.shape))
    assert 4 * glorot < np.abs(one).max() <= KERNEL_GAIN * glorot
    assert not np.array_equal(one, other)
    assert np.abs(kernels["logits/kernel"]).max() > 4 * np.sqrt(6 / (24 + 50))
