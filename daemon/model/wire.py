"""How the front and the worker communicate: pickles through a pipe, each preceded by its length.

The worker waits for a message. The front must not: it reads and writes what is possible at that
moment, on its one thread. A second thread waiting for the pipe would wake whenever the worker sends
something, and take the interpreter from a note that is just due.

Both ends are jamd's own and of the same version, so the messages may be pickles.
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
from contextlib import suppress
from typing import Any, BinaryIO

from jamd.notes import Note

_LENGTH_BYTES = 4

_READ_BYTES = 1 << 16  # what a pipe holds


def _reduce_note(note: Note) -> tuple[type[Note], tuple[object, ...]]:
    return Note, (note.onset, note.pitch, note.velocity, note.duration, note.part)


class _Pickler(pickle.Pickler):
    """Pickles notes by their constructor: in half the time that a named tuple takes by default."""

    dispatch_table = copyreg.dispatch_table.copy() | {Note: _reduce_note}


def _framed(message: object) -> bytes:
    body = io.BytesIO()
    _Pickler(body, protocol=5).dump(message)
    return len(body.getbuffer()).to_bytes(_LENGTH_BYTES, "big") + body.getvalue()


def send(message: object, pipe: BinaryIO) -> None:
    """Write one message completely. Raises OSError if the other end is closed."""
    pipe.write(_framed(message))
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Wait for one message and read it. Raises EOFError if no more will come."""
    length = int.from_bytes(pipe.read(_LENGTH_BYTES), "big")
    body = pipe.read(length)
    if not body or len(body) < length:  # its writer was killed
        raise EOFError
    return pickle.loads(body)  # noqa: S301 - the other end is jamd's


class Wire:
    """The front's ends of a worker's two pipes. Nothing here waits.

    Args:
        reads: The pipe that the worker writes to, unbuffered.
        writes: The pipe that the worker reads from, unbuffered.

    Attributes:
        ended: The worker has closed its end, and everything it sent before has been read; or
            `close` was called.
    """

    def __init__(self, reads: io.FileIO, writes: io.FileIO) -> None:
        os.set_blocking(reads.fileno(), False)  # Windows: from Python 3.12 on
        os.set_blocking(writes.fileno(), False)
        self._reads = reads
        self._writes = writes
        self._in = bytearray()
        self._out = bytearray()
        self.ended = False

    def send(self, message: object) -> None:
        """Send `message`: as much as the pipe takes now, the rest in `poll`."""
        self._out += _framed(message)
        self._flush()

    def poll(self) -> list[Any]:
        """The messages received since the last call, oldest first."""
        if self._out:
            self._flush()
        while not self.ended and (read := self._reads.read(_READ_BYTES)) is not None:
            self._in += read
            self.ended = not read
        messages = []
        while len(self._in) >= (begin := _LENGTH_BYTES):
            end = begin + int.from_bytes(self._in[:begin], "big")
            if len(self._in) < end:
                break
            messages.append(pickle.loads(self._in[begin:end]))  # noqa: S301 - the worker wrote it
            del self._in[:end]
        return messages

    def close(self) -> None:
        """Close both pipes; what has not been sent yet is dropped."""
        self.ended = True
        self._reads.close()
        with suppress(OSError):
            self._writes.close()

    def _flush(self) -> None:
        with suppress(BrokenPipeError):  # `poll` will soon find that the worker has ended
            written = self._writes.write(self._out)
            del self._out[: written or 0]
