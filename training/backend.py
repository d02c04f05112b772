"""Load Keras and its backend without the messages that they print."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from jamd.errors import UserError

_ASKED_FOR = ("jax", "torch")
"""Backends that users install themselves; the extra `train` brings TensorFlow."""


def load_backend() -> str:
    """Import Keras and initialise its devices; return the backend's name.

    TensorFlow writes several lines to the process's stderr as it starts, some of them alarming if
    there is no GPU. It bypasses Python and does so before any setting takes effect. The lines are
    shown only if it fails to start.

    Raises:
        UserError: KERAS_BACKEND names no backend, or one that is not installed.
    """
    with chatter_held():
        import_keras()
        import keras

        keras.ops.zeros(1)
        name: str = keras.backend.backend()
    return name


def import_keras() -> None:
    """Import Keras without initialising any device.

    Raises:
        UserError: KERAS_BACKEND names no backend, or one that is not installed.
    """
    name = os.environ.get("KERAS_BACKEND", "")
    if name not in ("", "tensorflow", *_ASKED_FOR):
        raise UserError(f"KERAS_BACKEND={name}: expected tensorflow, jax or torch")
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name not in _ASKED_FOR:
            raise
        raise UserError(
            f"KERAS_BACKEND={error.name}: expected {error.name}, found none: "
            f"pip install {error.name}"
        ) from None


@contextmanager
def chatter_held() -> Iterator[None]:
    """Capture what is written to file descriptor 2, and show it only if an error is raised."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # not on Ctrl-C, where the output is of no interest
            os.dup2(original, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
