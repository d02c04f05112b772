"""Settings from a file and from the command line, and the text of config.toml.

One file is read: the one named by `--config`, else `config.toml` in the working folder, else the
user's own (`$XDG_CONFIG_HOME/jamd/config.toml` or the system's equivalent), else none. An option on
the command line overrides the file, and the file the default.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any

import platformdirs

from jamd.config.config import ADJUSTABLE, INTRODUCTIONS, SECTIONS, SETTINGS, Config, knobs_in
from jamd.config.setting import Setting
from jamd.config.setting_kinds import Among, Flag, Kind, Number, NumberOr, PartError, Several
from jamd.errors import ConfigError, printable
from jamd.harmony.chart import Chart
from jamd.notes import Meter

FILE_NAME = "config.toml"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings in force.

    Attributes:
        config: The settings.
        origins: Where each one came from, by key: a file's path, an option, or `DEFAULT`.
        file: The file that was read, if any.
    """

    config: Config
    origins: Mapping[str, str]
    file: Path | None

    def on_command_line(self, key: str) -> bool:
        """Whether an option set `key`, rather than a file or the default."""
        return self.origins[key] == SETTINGS[key].option


def find(working_folder: Path, user_folder: Path) -> Path | None:
    """The file to read when none is named.

    Raises:
        ConfigError: What has its name cannot be read, and would be ignored.
    """
    for path in (folder / FILE_NAME for folder in (working_folder, user_folder)):
        if path.is_symlink() and not path.exists():
            raise ConfigError(f"{path}: expected a file, found a link to nowhere: mend it")
        if path.is_fifo():  # reading it would wait for somebody to write
            raise ConfigError(f"{path}: expected a file, found a pipe: delete or rename it")
        if path.exists():
            return path
    return None


def user_folder() -> Path:
    """The folder of the user's own config.toml."""
    return platformdirs.user_config_path("jamd", appauthor=False)


def load(file: Path | None, options: Mapping[str, object] | None = None) -> InForce:
    """Check a file and options, and merge them.

    Args:
        file: A config.toml; None reads no file.
        options: Values from the command line by key, as TOML would give them.

    Raises:
        ConfigError: The file cannot be read or is not TOML; or at least one key is unknown or one
            value illegal. The message has a line for each, naming the file or the option.
    """
    return merge({} if file is None else {file: read_table(file)}, options)


def merge(
    files: Mapping[Path, Mapping[str, Any]], options: Mapping[str, object] | None = None
) -> InForce:
    """As `load`, for files that were read: each overrides those before it.

    Args:
        files: What is in each.
        options: As for `load`.

    Raises:
        ConfigError: At least one key is unknown or one value illegal, as for `load`.
    """
    problems = [f"{file}: {each}" for file, table in files.items() for each in _unknown(table)]
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for key, setting in SETTINGS.items():
        values[key], origins[key] = setting.default, DEFAULT
        given = [
            (str(file), f"{file}: {key}", table.get(setting.section))
            for file, table in files.items()
        ]
        given.append((setting.option, setting.option, {setting.name: (options or {}).get(key)}))
        for origin, place, section in given:
            raw = section.get(setting.name) if isinstance(section, dict) else None
            if raw is None:  # TOML has no null
                continue
            try:
                values[key], origins[key] = setting.kind.accept(raw), origin
            except ValueError as error:
                problems.append(f"{place}: {illegal(setting.kind, raw, error)}")
    config = _assemble(values)
    if not problems and config.play.lowest > config.play.highest:
        problems.append(
            f"{_place('play.lowest', origins)}: expected at most play.highest "
            f"({config.play.highest}); found {config.play.lowest}"
        )
    if not problems:
        problems += _clashes(config, origins)
    if not problems:
        problems += _discords(config, origins)
    if not problems and (crowd := crowded(config.play.changes, config.transport.meter)):
        problems.append(f"{_place('play.changes', origins)}: {crowd}")
    if problems:
        raise ConfigError("\n".join(map(printable, problems)))
    return InForce(config, origins, next(iter(files), None))


def illegal(kind: Kind, raw: object, error: ValueError) -> str:
    """What is wrong with `raw`, for which `kind` raised `error`."""
    found = _shown(raw)
    if isinstance(error, PartError):
        found = _shown(error.part) + (error.hint and f": {error.hint}")
    return f"expected {kind.expected}; found {found}"


def crowded(chart: Chart | None, meter: Meter) -> str:
    """What is wrong with a chart that has more chords in a bar than beats; else empty."""
    if chart is None or chart.fullest <= meter.numerator:
        return ""
    return f"expected at most {meter.numerator} chords in a bar of {meter}; found {chart.fullest}"


def _clashes(config: Config, origins: Mapping[str, str]) -> Iterator[str]:
    """The problems with controls, knobs among them, that are given more than one meaning."""
    meanings = [
        (f"controls.{field.name}", control)
        for field in fields(config.controls)
        for control in getattr(config.controls, field.name)
    ]
    meanings += [(f"knobs.{name}", knob.control) for name, knob in knobs_in(config).items()]
    for (first, control), (second, other) in combinations(meanings, 2):
        if control.meets(other):
            yield (
                f"{_place(second, origins)}: expected a control of its own; found {other}, which "
                f"means {first}"
            )


def _discords(config: Config, origins: Mapping[str, str]) -> Iterator[str]:
    """The problem with two sounds for one channel."""
    channel, sound = config.midi.channel_comp, config.sound
    if channel is None or channel != config.midi.channel_lead:
        return
    if None not in (sound.lead, sound.comp) and sound.lead != sound.comp:
        yield (
            f"{_place('sound.comp', origins)}: expected the lead's sound, as both are on "
            f"channel {channel}; found {SETTINGS['sound.comp'].kind.show(sound.comp)}: give "
            "midi.channel_comp another channel"
        )


def _place(key: str, origins: Mapping[str, str]) -> str:
    """Where a setting was given its value: the option, or the file and the key in it."""
    origin = origins[key]
    return origin if origin == SETTINGS[key].option else f"{origin}: {key}"


def _of(section: str) -> list[Setting]:
    return [setting for setting in SETTINGS.values() if setting.section == section]


def _assemble(values: Mapping[str, object]) -> Config:
    sections: dict[str, Any] = {
        section: table(**{setting.field: values[setting.key] for setting in _of(section)})
        for section, table in SECTIONS.items()
    }
    return Config(**sections)


def read_table(file: Path) -> dict[str, Any]:
    """What is in a file of TOML. Raises ConfigError if it cannot be read, or is none."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # Windows' Notepad writes a BOM
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: expected UTF-8 text; found other bytes") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # too long a number, too many brackets
        raise ConfigError(printable(f"{file}: expected TOML; {_not_toml(text, error)}")) from error


def _not_toml(text: str, error: Exception) -> str:
    """What is wrong, the line that it is in if it is known, and how TOML is written."""
    place = re.search(r"\(at line (\d+), column \d+\)$", str(error))
    if place is None:
        return str(error)
    line = text.split("\n")[int(place[1]) - 1].strip()
    return (
        f"{error}, found {_cut(line)}: a text is in quotes, true and false are in small letters, "
        "and each name is there once"
    )


def _unknown(table: Mapping[str, object]) -> Iterator[str]:
    for section, keys in table.items():
        if section not in SECTIONS:
            if isinstance(keys, dict):
                yield f"{section}: no such section{_suggestion(section, is_section=True)}"
            else:
                yield f"{section}: no such setting{_suggestion(section)}"
        elif not isinstance(keys, dict):
            yield f"{section}: expected a section, [{section}]; found {_shown(keys)}"
        else:
            for name in keys:
                key = f"{section}.{name}"
                if key not in SETTINGS:
                    yield f"{key}: no such setting{_suggestion(key)}"


def _suggestion(key: str, *, is_section: bool = False) -> str:
    section, _, name = key.rpartition(".")
    beside = {setting.name: setting.key for setting in _of(section)}
    elsewhere = {setting.name: setting.key for setting in SETTINGS.values()}
    elsewhere |= {each.name: each.key for each in ADJUSTABLE.values()}  # rather than their knobs
    sections = {} if section else {each: f"[{each}]" for each in SECTIONS}
    settings = (beside, elsewhere)
    for known in (sections, *settings) if is_section else (*settings, sections):
        if close := get_close_matches(name, known, n=1):
            return f"; did you mean {known[close[0]]}?"
    return ""


def _shown(raw: object) -> str:
    try:
        return _cut(json.dumps(raw, ensure_ascii=False, default=str))
    except RecursionError:
        return "tables in each other, too deep to show"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def add_options(parser: argparse.ArgumentParser, *keys: str) -> None:
    """Give `parser` an option for each of the settings named, and `--config`."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings to use instead of {FILE_NAME}"
    )
    introduced = {
        section: parser.add_argument_group(f"[{section}]", text)
        for section, text in INTRODUCTIONS.items()
        if any(SETTINGS[key].section == section for key in keys)
    }
    for key in keys:
        setting = SETTINGS[key]
        shown = setting.kind.show(setting.default)
        rest: dict[str, Any] = {}
        if isinstance(setting.kind, Flag):
            rest = {"action": argparse.BooleanOptionalAction}
        elif isinstance(setting.kind, Several):
            rest = {"action": "append", "metavar": setting.kind.one}
        else:
            rest = {"metavar": setting.name.upper()}
            if isinstance(setting.kind, (Number, NumberOr, Among)):
                rest["type"] = _number
        introduced.get(setting.section, parser).add_argument(
            setting.option,
            dest=key,
            help=f"{setting.doc}{_legal(setting.kind)} Default: {shown}.".replace("%", "%%"),
            **rest,
        )


def _legal(kind: Kind) -> str:
    """The legal values of an option, as a sentence of its help; a flag's are its two names."""
    if isinstance(kind, Flag):
        return ""
    once = " Give the option once for each." if isinstance(kind, Several) else ""
    return f" {_sentence(kind.expected)}{once}"


def _number(text: str) -> object:
    """`text` as a number if it is one; else unchanged, to be refused with all other problems."""
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return text


def adjustment(name: str, text: str) -> float | str:
    """The value, as config.toml has it, that `text` gives a setting that can be adjusted.

    Raises:
        ConfigError: There is no such setting, or the value is not legal.
    """
    setting = ADJUSTABLE.get(name)
    if setting is None:
        known = ", ".join(ADJUSTABLE)
        raise ConfigError(f"expected a setting to change, one of {known}; found {_shown(name)}")
    raw = _number(text) if isinstance(setting.kind, Number | NumberOr | Among) else text
    try:
        value = setting.kind.accept(raw)
    except ValueError as error:
        problem = f"{name}: {illegal(setting.kind, raw, error)}"
        raise ConfigError(printable(problem)) from None
    if isinstance(value, Chart):
        return str(value)
    return value if isinstance(value, float | int) and raw is not text else text


def in_force(args: argparse.Namespace) -> InForce:
    """The settings for a command whose parser was given to `add_options`.

    Raises:
        ConfigError: As for `load`; or `--config` names a file that does not exist.
    """
    return load(args.config or find(Path(), user_folder()), options_of(args))


def options_of(args: argparse.Namespace) -> dict[str, object]:
    """The settings given on the command line, by key; None for those that are not."""
    return {key: value for key, value in vars(args).items() if key in SETTINGS}


def documented() -> str:
    """The text of config.toml: every key with its meaning, its legal values and its default."""
    head = (
        "jamd's settings. A key that is left out has the value shown here. jamd reads one file: "
        "the one given with --config, else config.toml in the working folder, else the user's "
        "(on Linux ~/.config/jamd/config.toml). An option on the command line overrides it. "
        "`jamd config` prints what is in force and where it came from."
    )
    lines = _comment(head)
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        if section in INTRODUCTIONS:
            lines += ["", *_comment(INTRODUCTIONS[section])]
        for setting in _of(section):
            shown = setting.kind.show(setting.default)
            lines += ["", *_comment(setting.doc)]
            lines += _comment(f"{_sentence(setting.kind.expected)} Default: {shown}.")
            lines += [f"{setting.name} = {shown}"]
    return "\n".join(lines) + "\n"


def listing(in_force: InForce) -> str:
    """Every setting in force with where it came from, as TOML that jamd would read."""
    lines = [f"# read: {in_force.file or 'no file'}"]
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        values = getattr(in_force.config, section)
        for setting in _of(section):
            line = f"{setting.name} = {setting.kind.show(getattr(values, setting.field))}"
            lines.append(f"{line:<40}  # {in_force.origins[setting.key]}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
