"""A set of songs: a folder of files, each with what one song sets otherwise than config.toml.

A file is a part of a config.toml, with those settings that make sense for one song, and perhaps a
`title`. It overrides config.toml, and an option on the command line overrides all songs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jamd.config.config import SETTINGS, Config
from jamd.config.file import illegal, merge, read_table
from jamd.config.setting_kinds import Text
from jamd.errors import ConfigError, printable

OWN = {
    *("transport.source", "transport.bpm", "transport.meter", "transport.start"),
    *("transport.count_in", "click.when"),
    "midi.split",
    *("model.style", "model.temperature", "model.nucleus", "model.memory", "model.seed"),
    *("sound.lead", "sound.comp", "sound.player"),
    *(key for key in SETTINGS if key.startswith("play.")),
}
"""The settings that a song may have. The others are for the whole evening: ports, model, pedals."""

_TITLE = Text("a title", longest=60)
_FOR_ALL = "a Link session is for all songs"
_NUMBERED = re.compile(r"(\d*)[\s._-]*(.*)")


@dataclass(frozen=True, slots=True)
class Song:
    """A song, or all there is to play if there are no songs.

    Attributes:
        config: Every setting while it is played.
        title: What it is called; empty if there are no songs.
        own_tempo: As in `jamd.daemon.settings.Settings`: it names its tempo.
        origin: The file that it is from.
    """

    config: Config
    title: str = ""
    own_tempo: bool = False
    origin: str = ""


def read_songs(folder: str, file: Path | None, options: Mapping[str, object]) -> list[Song]:
    """The songs in a folder, in the order of the numbers that their names begin with.

    Args:
        folder: Where they are: every `*.toml` in it is one.
        file: The config.toml; None: there is none.
        options: Values from the command line, as in `jamd.config.file.load`.

    Raises:
        ConfigError: There is no song, or at least one is not as it should be. The message has a
            line for each problem, naming the file and the key.
    """
    try:
        place = Path(folder).expanduser()
        paths = [path for path in place.iterdir() if path.suffix.lower() == ".toml"]
    except (OSError, RuntimeError) as error:  # the latter for `~name`, but there is no such user
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(printable(f"{folder}: expected a folder of songs: {why}")) from None
    # macOS and editors leave files beside the real ones whose names begin with a dot.
    paths = sorted((path for path in paths if not path.name.startswith(".")), key=_place)
    if not paths:
        raise ConfigError(
            printable(f'{folder}: expected songs, such as "01 waltz.toml"; found none')
        )
    table = {} if file is None else read_table(file)
    songs, problems = [], []
    for path in paths:
        try:
            songs.append(_read(path, file, table, options))
        except ConfigError as error:
            problems += str(error).splitlines()
    linked = [song.config.transport.source == "link" for song in songs]
    if any(linked):  # it is joined once, with the first song
        problems += [
            printable(f"{song.origin}: transport.source: {_FOR_ALL}, and config.toml has one")
            for song, is_linked in zip(songs, linked, strict=True)
            if not is_linked
        ]
    if problems:
        raise ConfigError("\n".join(problems))
    return songs


def _place(path: Path) -> tuple[float, str]:
    """2 before 10, and what has no number last."""
    number = _NUMBERED.match(path.name)
    assert number is not None  # it matches anything
    return float(number[1] or "inf"), path.name.casefold()


def _read(
    path: Path, file: Path | None, beside: Mapping[str, Any], options: Mapping[str, object]
) -> Song:
    table = read_table(path)
    named = table.pop("title", None)
    problems = list(_not_its_own(table))
    try:
        title = _titled(path) if named is None else _TITLE.accept(named)
    except ValueError as error:
        problems.append(f"title: {illegal(_TITLE, named, error)}")
    if problems:
        raise ConfigError("\n".join(printable(f"{path}: {problem}") for problem in problems))
    try:
        in_force = merge(({} if file is None else {file: beside}) | {path: table}, options)
    except ConfigError as error:  # which may be about config.toml: its changes, in this meter
        lines = str(error).splitlines()
        own = printable(f"{path}: ")
        raise ConfigError(
            "\n".join(line if line.startswith(own) else own + line for line in lines)
        ) from None
    own_tempo = in_force.origins["transport.bpm"] in (str(path), SETTINGS["transport.bpm"].option)
    return Song(in_force.config, title, own_tempo, str(path))


def _titled(path: Path) -> str:
    """`01 waltz.toml` is `waltz`."""
    found = _NUMBERED.fullmatch(path.stem)
    title = path.stem if found is None or not found[2] else found[2]
    return printable(title)[: _TITLE.longest]


def _not_its_own(table: Mapping[str, Any]) -> Iterator[str]:
    """The problems with settings that no song may have; unknown ones are left to `merge`."""
    for section, keys in table.items():
        names = ("title", *(setting.name for setting in SETTINGS.values()))
        if not isinstance(keys, dict) and get_close_matches(section, names, n=1) == ["title"]:
            yield f"{section}: no such setting; did you mean title?"
        for name, value in keys.items() if isinstance(keys, dict) else ():
            key = f"{section}.{name}"
            if key in SETTINGS and key not in OWN:
                yield f"{key}: not a song's to set, but config.toml's, for all of them"
            elif (key, value) == ("transport.source", "link"):
                yield f"{key}: {_FOR_ALL}: set it in config.toml"
