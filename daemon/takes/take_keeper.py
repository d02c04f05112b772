"""The takes of one `jamd play`: each session is recorded in a take of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from jamd import __version__
from jamd.bundle.bundle import Bundle
from jamd.config.config import Config
from jamd.daemon.display.screen import Screen
from jamd.daemon.model import providers
from jamd.daemon.session import Session
from jamd.daemon.settings import Settings
from jamd.daemon.sound.instruments import sounds
from jamd.daemon.takes.journal import FORMAT, Decides, Journaled, Opened
from jamd.daemon.takes.picture import picture_of
from jamd.daemon.takes.recorder import Recorder, keep_newest, picture, recover
from jamd.errors import TakeError
from jamd.roll import draw

MOST_OF_A_TITLE = 40
"""Characters of a song's title in the name of its take: a file system allows some 255 bytes."""


class TakeKeeper:
    """Context manager that records one session at a time, and saves the last take as it ends.

    Entering it saves the takes that were cut off. Leaving it raises TakeError if a take since then
    is not saved whole and nothing else has failed.

    Args:
        config: Whether takes are kept, where, and how many.
        screen: Where it is told what becomes of them.
        bundle: The model.
        rehearsal: Whether nobody plays; such a take gets its picture.
    """

    def __init__(self, config: Config, screen: Screen, bundle: Bundle, *, rehearsal: bool) -> None:
        self._config = config
        self._screen = screen
        self._model = providers.fingerprint(bundle)
        self._rehearsal = rehearsal
        self._keeps = config.takes.keep  # and can, as far as is known
        self._recorder: Recorder | None = None
        self._told_of: Recorder | None = None  # that it is in trouble
        self._saving: threading.Thread | None = None
        self._problem: str | None = None  # that an earlier take had

    def __enter__(self) -> Self:
        if self._config.takes.keep:
            with suppress(OSError):  # then `begin` tells why
                for path in recover(self._config.takes.folder):
                    self._screen.news(f"A take that was cut off is now {path}.")
            self._make_room()
        return self

    def __exit__(
        self, failed: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        if self._saving is not None:
            self._saving.join()
        problem = None if self._recorder is None else self._save(self._recorder)
        problem = problem or self._problem
        if problem is not None and failed is None:
            raise TakeError(problem)
        if problem is not None:  # an exception already under way is not replaced
            self._screen.news(problem)

    def begin(self, settings: Settings, config: Config) -> Decides:
        """A first session, recorded if takes are kept and can be.

        Args:
            settings: What it goes by.
            config: Says what it sounds like.
        """
        session = self._begin(settings, config)
        try:
            if self._recorder is not None:
                self._recorder.wait()
        except OSError as error:
            self._recorder, self._keeps = None, False
            folder = self._config.takes.folder
            self._screen.news(
                f"Takes cannot be kept in {folder}: {error.strerror}. jamd plays without; --takes "
                "DIR keeps them elsewhere."
            )
        return session

    def _begin(self, settings: Settings, config: Config) -> Decides:
        """A fresh session, recorded if takes are kept. Waits for no disk."""
        session = Session(settings)
        if not self._keeps:
            return session
        name = take_name(datetime.now().astimezone(), settings.song)
        self._recorder = Recorder(self._config.takes.folder, name)
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        named = self._config.model.bundle
        opened = Opened(
            FORMAT,
            __version__,
            began,
            named,
            self._model,
            settings,
            self._rehearsal,
            sounds(config),
        )
        self._recorder.write(opened)
        return Journaled(session, self._recorder.write)

    def begin_another(
        self, settings: Settings, config: Config, go_on_with: Callable[[Decides], None]
    ) -> None:
        """Hand a fresh session, as `begin`, to `go_on_with`. The last take is saved meanwhile."""
        ended = self._recorder
        go_on_with(self._begin(settings, config))
        if ended is not None:
            before = self._saving
            self._saving = threading.Thread(target=self._save_meanwhile, args=(ended, before))
            self._saving.start()

    def trouble(self) -> str | None:
        """Why the present take can no longer be written, once; None if it can."""
        recorder = self._recorder
        if recorder is None or recorder.trouble is None or recorder is self._told_of:
            return None
        self._told_of = recorder
        return recorder.trouble

    def _make_room(self) -> None:
        """Delete the oldest takes beyond the limit, less one for that which begins now."""
        folder, most = self._config.takes.folder, self._config.takes.most
        try:
            if most:
                keep_newest(folder, most - 1)
        except OSError as error:
            self._screen.news(f"Old takes in {folder} cannot be deleted: {error.strerror}.")

    def _save_meanwhile(self, recorder: Recorder, before: threading.Thread | None) -> None:
        """Save a take once `before`, which saves another, has ended."""
        if before is not None:
            before.join()
        problem = self._save(recorder, apart=True)
        if problem is not None:
            self._problem = problem
            self._screen.news(problem)
        self._make_room()

    def _save(self, recorder: Recorder, *, apart: bool = False) -> str | None:
        """Save a take and tell where it is; return what went wrong, in words."""
        folder = recorder.journal.parent
        try:
            path = recorder.close(apart=apart)
        except FileNotFoundError:
            return (
                f"the take cannot be saved: its journal {recorder.journal} was moved or deleted "
                "while jamd wrote it. If it was moved, the next `jamd play --takes DIR` makes the "
                "take, DIR being the folder it is in"
            )
        except OSError as error:
            return (
                f"the take cannot be saved: {error.strerror}. It stays as {recorder.journal}, of "
                f"which the next `jamd play` makes the take: first see that {folder} has room and "
                "can be written"
            )
        if path is not None and recorder.trouble is None:
            self._screen.news(f"The take is {path}.")
        if path is not None and self._rehearsal:
            self._draw(path)
        if recorder.trouble is None:
            return None
        before = f"What was written before is {path}" if path else "Nothing was written before"
        return (
            f"the take is not whole: {recorder.trouble}, while it was written. {before}: see that "
            f"{folder} has room and can be written, or give another with --takes DIR"
        )

    def _draw(self, path: Path) -> None:
        roll = picture(path)
        try:
            roll.write_text(draw(picture_of(path)), encoding="utf-8")
        except OSError as error:
            self._screen.news(
                f"Its piano roll cannot be drawn: {error.strerror}. `jamd roll` draws it later."
            )
            return
        self._screen.news(f"Its piano roll is {roll}.")


def take_name(began: datetime, song: str) -> str:
    """`2026-11-22_17.36.33`, or `2026-11-22_17.36.33_Autumn-Leaves`: what a take is called."""
    title = re.sub(r"\W+", "-", song)[:MOST_OF_A_TITLE].strip("-")
    return began.strftime("%Y-%m-%d_%H.%M.%S") + (title and f"_{title}")
