"""Keras and the library under it, loaded without their chatter."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_backend() -> str:
    """Import Keras and wake its devices; return the backend's name.

    TensorFlow writes several lines to the process's stderr as it starts, among them alarming ones
    where there is no GPU, past Python and before any setting takes hold. They are shown only if it
    fails to start.
    """
    with chatter_held():
        import keras

        keras.ops.zeros(1)
        name: str = keras.backend.backend()
    return name


@contextmanager
def chatter_held() -> Iterator[None]:
    """Keep what is written to file descriptor 2, and show it only if an error comes out."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # a Ctrl-C does not ask what was said
            os.dup2(original, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
