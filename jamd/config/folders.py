"""The sections of config.toml on folders: songs that are played, and takes that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jamd.config.setting import declared as _setting
from jamd.config.setting_kinds import Flag, Folder, Number, Text


@dataclass(frozen=True, slots=True)
class Songs:
    """A set of songs, each with settings of its own."""

    folder: str = _setting(
        "",
        Text("the path of a folder", optional=True),
        "A folder of songs to play in the order of their names. Each is a file such as "
        '"01 waltz.toml", with what it sets otherwise than this file: [play], tempo and meter, '
        "style and more.",
        option="--songs",
    )


@dataclass(frozen=True, slots=True)
class Takes:
    """What is kept of a jam."""

    keep: bool = _setting(True, Flag(), "Save every jam as a MIDI file.")
    folder: Path = _setting(
        Path("takes"),
        Folder(),
        "Where takes are saved, relative to the working folder.",
        option="--takes",
    )
    most: int = _setting(
        200,
        Number(0, 100_000, "takes"),
        "The most takes that are kept: when a new one begins, the oldest beyond that are deleted, "
        "but only jamd's own files, and none changed since. 0 keeps all.",
    )
    rest_min: float = _setting(
        10.0,
        Number(0.0, 1440.0, "minutes"),
        "When nobody has played for this long, and jamd shares its beat with no program and no "
        "click that is always on, the take is saved, and the next note begins a new one. 0: never.",
    )
