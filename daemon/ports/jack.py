"""A JACK server, reached through the library that python-rtmidi has already loaded.

RtMidi's JACK backend prints to stderr if no server runs, never notices that a server has died or
stumbled, and connects nothing but its own ports. The library's C interface (jack/jack.h) does
better in all of this with a few calls, from a client that has no ports and no process callback.
ctypes releases the interpreter's lock in those that may take long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from itertools import count, takewhile
from pathlib import Path

import rtmidi

from jamd.daemon.clock import pause
from jamd.daemon.ports.midi_system import CLIENT, PortSeen

HUSH_S = 0.05
"""What was under way is over after this time, or after two periods if those are longer."""

CUT_OFF_S = 0.2
"""The same if something was connected: on a busy computer the thread that takes messages from JACK
may itself have to wait, in the middle of one."""

_NO_START_SERVER = 1  # JackNoStartServer
_IS_INPUT, _IS_OUTPUT = 1, 2  # JackPortFlags, as seen by the port's own program
_MIDI = b"8 bit raw midi"  # JACK_DEFAULT_MIDI_TYPE
_SEMAPHORE_BYTES = 64  # at least sizeof(sem_t), which is 32 in glibc and musl


def _library() -> ctypes.CDLL | None:
    """The very library that python-rtmidi uses: silencing a second copy would not silence it."""
    try:
        mapped = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    except OSError:
        return None
    path = next((line.split(maxsplit=5)[5] for line in mapped if "/libjack" in line), None)
    if path is None:
        return None
    jack = ctypes.CDLL(path)
    # The library prints through these two. They are set to a C function that does nothing with the
    # text: one in Python would need the interpreter's lock in JACK's own threads.
    nowhere = ctypes.CDLL(None).strlen
    jack.jack_set_error_function(nowhere)
    jack.jack_set_info_function(nowhere)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    jack.jack_client_open.argtypes = [text, ctypes.c_int, pointer]
    jack.jack_client_open.restype = pointer
    jack.jack_client_close.argtypes = [pointer]
    jack.jack_get_client_name.argtypes = [pointer]
    jack.jack_get_client_name.restype = text
    jack.jack_get_uuid_for_client_name.argtypes = [pointer, text]
    jack.jack_get_uuid_for_client_name.restype = pointer
    jack.jack_get_ports.argtypes = [pointer, text, text, ctypes.c_ulong]
    jack.jack_get_ports.restype = pointer
    jack.jack_port_by_name.argtypes = [pointer, text]
    jack.jack_port_by_name.restype = pointer
    jack.jack_port_get_all_connections.argtypes = [pointer, pointer]
    jack.jack_port_get_all_connections.restype = pointer
    jack.jack_set_xrun_callback.argtypes = [pointer, pointer, pointer]
    jack.jack_activate.argtypes = [pointer]
    jack.jack_connect.argtypes = [pointer, text, text]
    jack.jack_disconnect.argtypes = [pointer, text, text]
    jack.jack_get_buffer_size.argtypes = [pointer]
    jack.jack_get_sample_rate.argtypes = [pointer]
    jack.jack_free.argtypes = [pointer]
    return jack


def open_jack() -> JackSystem | None:
    """The running JACK server; None if none answers. Never starts one, never prints."""
    jack = _library()
    if jack is None:
        return None
    client = jack.jack_client_open(f"{CLIENT} watches".encode(), _NO_START_SERVER, None)
    return JackSystem(jack, client) if client else None


class JackSystem:
    """A JACK server.

    After it has died, this and every port must be closed before another client is opened: opening
    one frees all clients of the dead server, and closing any of those afterwards crashes.
    """

    name = "JACK"
    api = rtmidi.API_UNIX_JACK

    def __init__(self, jack: ctypes.CDLL, client: int) -> None:
        self._jack = jack
        self._client: int | None = client
        self._name: bytes = jack.jack_get_client_name(client)
        # JACK's own thread counts the periods that were not done in time (xruns), in C: a function
        # in Python would need the interpreter's lock there.
        self._libc = ctypes.PyDLL(None)
        self._xruns = ctypes.create_string_buffer(_SEMAPHORE_BYTES)
        self._libc.sem_init(self._xruns, 0, 0)
        count_one = ctypes.cast(self._libc.sem_post, ctypes.c_void_p)
        jack.jack_set_xrun_callback(client, count_one, self._xruns)
        jack.jack_activate(client)

    def look(self) -> tuple[PortSeen, ...] | None:
        if not self._is_alive():
            return None
        return tuple(
            PortSeen(name, name, flag == _IS_OUTPUT, flag == _IS_INPUT, self._peers(name))
            for flag in (_IS_OUTPUT, _IS_INPUT)
            for name in self._texts(self._jack.jack_get_ports(self._client, None, _MIDI, flag))
        )

    def connect(self, source: PortSeen, destination: PortSeen) -> bool:
        self._jack.jack_connect(self._client, source.id.encode(), destination.id.encode())
        return True

    def has_lost(self) -> bool:
        lost = False
        while self._libc.sem_trywait(self._xruns) == 0:
            lost = True
        return lost

    def hush(self, ids: Collection[str]) -> None:
        """Disconnect these inputs, and wait until nothing is under way.

        Closing a client cancels its process thread wherever that is: if it is inside RtMidi's
        reading of a message, the program is aborted or its memory stays locked. And a port must not
        go while JACK is notifying its client that another one went (jack2, issue 216).
        """
        if not self._is_alive():
            return
        wait_s = HUSH_S
        for name in ids:
            for peer in self._peers(name):
                self._jack.jack_disconnect(self._client, peer.encode(), name.encode())
                wait_s = CUT_OFF_S
        frames = self._jack.jack_get_buffer_size(self._client)
        rate = self._jack.jack_get_sample_rate(self._client)
        pause(max(wait_s, 2 * frames / rate))

    def close(self) -> None:
        if self._client is not None:
            self._jack.jack_client_close(self._client)
            self._client = None

    def _is_alive(self) -> bool:
        # A dead server's ports can still be listed, so ask what only a live one can answer.
        answer = self._jack.jack_get_uuid_for_client_name(self._client, self._name)
        if not answer:
            return False
        self._jack.jack_free(answer)
        return True

    def _peers(self, name: str) -> tuple[str, ...]:
        port = self._jack.jack_port_by_name(self._client, name.encode())
        if not port:  # gone since it was listed
            return ()
        return self._texts(self._jack.jack_port_get_all_connections(self._client, port))

    def _texts(self, array: int | None) -> tuple[str, ...]:
        """A null-terminated array of strings, freed."""
        if not array:
            return ()
        entries = ctypes.cast(array, ctypes.POINTER(ctypes.c_char_p))
        texts: list[bytes] = list(takewhile(bool, (entries[index] for index in count())))
        self._jack.jack_free(array)
        return tuple(text.decode(errors="replace") for text in texts)
