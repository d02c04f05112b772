from __future__ import annotations

import argparse
import tomllib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamd.config import file as config_file
from jamd.config.config import ADJUSTABLE, SETTINGS, Config
from jamd.config.endpoint import Endpoint
from jamd.config.file import DEFAULT, InForce, documented, listing, load
from jamd.config.setting_kinds import Number
from jamd.errors import ConfigError
from jamd.notes import Meter, Part

TOP = Path(__file__).parents[3]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems(file: Path | None, **options: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, {key.replace("__", "."): value for key, value in options.items()})
    return str(caught.value).splitlines()


def test_config_toml_is_what_the_code_says() -> None:
    """`jamd config --default > config.toml` makes it again."""
    assert (TOP / "config.toml").read_text(encoding="utf-8") == documented()


def test_config_toml_sets_every_key_to_its_default() -> None:
    assert load(TOP / "config.toml").config == Config()
    table = tomllib.loads(documented())
    assert [f"{section}.{key}" for section in table for key in table[section]] == list(SETTINGS)


def test_without_a_file_everything_is_default() -> None:
    in_force = load(None)
    assert in_force.config == Config()
    assert set(in_force.origins.values()) == {DEFAULT}


def test_values_arrive_as_what_the_code_works_with(written: Path) -> None:
    written.write_text(
        'transport = {bpm = 92, meter = "6/8"}\nplay.parts = "comp"\ntakes.folder = "~/jams"\n'
        'midi.connect_input = ["*key*", "Through"]\n'
    )
    config = load(written).config

    assert config.transport.bpm == 92.0
    assert isinstance(config.transport.bpm, float)
    assert config.transport.meter == Meter(6, 8)
    assert config.play.parts == {Part.COMP}
    assert config.takes.folder == Path.home() / "jams"
    assert config.midi.connect_input == ("*key*", "Through")


def test_settings_do_not_change_under_a_jam() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().transport.bpm = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("meant", "section"), [("play", "plai"), ("takes", "take"), ("songs", "song")]
)
def test_a_section_is_taken_for_a_section(written: Path, meant: str, section: str) -> None:
    written.write_text(f"[{section}]\n")
    assert problems(written) == [f"{written}: {section}: no such section; did you mean [{meant}]?"]


def test_a_chart_too_full_is_the_options_problem_or_the_files(written: Path) -> None:
    crowd = "expected at most 4 chords in a bar of 4/4; found 5"
    assert problems(None, play__changes="C C C C C") == [f"--changes: {crowd}"]
    written.write_text("[play]\nchanges = 'C C C C C'\n")
    assert problems(written) == [f"{written}: play.changes: {crowd}"]


def test_every_problem_is_reported_at_once_each_on_a_line_of_its_own(written: Path) -> None:
    written.write_text(
        "tempo = 1\n[midi]\nchanel_in = 1\nbpm = 90\nthru = 'yes'\n[transprot]\nbpm = 1\n"
        "[play]\nlowest = true\n[knobs]\ntemprature = ''\n"
        "[model]\nseed = 1.5\ntemperature = nan\nstyle = 'disco'\n"
    )
    assert problems(written, transport__bpm="fast") == [
        f"{written}: tempo: no such setting",
        f"{written}: midi.chanel_in: no such setting; did you mean midi.channel_in?",
        f"{written}: midi.bpm: no such setting; did you mean transport.bpm?",
        f"{written}: transprot: no such section; did you mean [transport]?",
        f"{written}: knobs.temprature: no such setting; did you mean knobs.temperature?",
        f'{written}: midi.thru: expected true, false or "auto"; found "yes"',
        '--bpm: expected a number from 20.0 to 400.0 (quarter notes a minute); found "fast"',
        (
            f'{written}: model.style: expected one of "jazz", "combo", "song", "chords", "piano", '
            '"roll", "game", "other"; found "disco"'
        ),
        f"{written}: model.temperature: expected a number from 0.05 to 2.0; found NaN",
        f"{written}: model.seed: expected a whole number from -1 to {2**63 - 1}; found 1.5",
        f"{written}: play.lowest: expected a whole number from 0 to 127 (MIDI pitch); found true",
    ]


def test_a_range_upside_down_is_refused() -> None:
    assert problems(None, play__lowest=80, play__highest=70) == [
        "--lowest: expected at most play.highest (70); found 80"
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"bpm = ", "expected TOML; "),
        (b"# caf\xe9", "expected UTF-8 text"),
        (b"midi = 3", "midi: expected a section, [midi]; found 3"),
        (b"midi.input_name = ''", "expected a port name"),
        (b'midi.input_name = "two\\nlines"', "expected a port name"),
        (b"midi.connect_input = 'one'", "expected a list of patterns"),
        (b"midi.connect_input = [3]", "expected a list of patterns"),
        (b"takes.folder = 3", "expected the path of a folder"),
        (b"takes.folder = '~nobody-here/x'", "expected the path of a folder"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(
    written: Path, content: bytes, complaint: str
) -> None:
    written.write_bytes(content)
    (problem,) = problems(written)
    assert problem.startswith(f"{written}: ")
    assert complaint in problem


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("9000", Endpoint("127.0.0.1", 9000)),  # a port alone: nobody else can reach it
        ("0.0.0.0:9000", Endpoint("0.0.0.0", 9000)),
        ("ipad.local:1", Endpoint("ipad.local", 1)),
        ("[fe80::1%eth0]:65535", Endpoint("fe80::1%eth0", 65535)),
    ],
)
def test_an_endpoint_is_a_port_with_or_without_an_address(given: str, read: Endpoint) -> None:
    config = load(None, {"osc.listen": given, "osc.to": [given]}).config
    assert (config.osc.listen, config.osc.to) == (read, (read,))
    assert Endpoint.parse(str(read)) == read


@pytest.mark.parametrize("given", ["on", "0", "65536", ":9000", "a b:1", "::1:9000", "http://a:1"])
def test_what_is_no_endpoint_is_refused(given: str) -> None:
    shown = 'a port, such as "9000", or one with an address, "192.168.1.5:9000"'
    assert problems(None, osc__listen=given, osc__to=["9000", ""]) == [
        f'--osc: expected {shown}, or empty quotes; found "{given}"',
        '--osc-to: expected a list of UDP ports, such as "192.168.1.7:9001"; found ["9000", ""]',
    ]


def test_a_file_may_begin_with_the_mark_that_windows_gives_it(written: Path) -> None:
    written.write_bytes(b"\xef\xbb\xbf[transport]\r\nbpm = 90\r\n")
    assert load(written).config.transport.bpm == 90


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml")[0].endswith("cannot be read: No such file or directory")
    assert problems(tmp_path)[0].endswith("cannot be read: Is a directory")


def test_what_a_terminal_would_obey_is_shown_escaped(written: Path) -> None:
    written.write_text(r'"\u009b2J" = 1' + "\n" + r'play.mode = "\u001b[2J"')
    assert problems(written) == [
        rf"{written}: \x9b2J: no such setting",
        rf'{written}: play.mode: expected one of "answer", "endless", "off"; found "\u001b[2J"',
    ]


def test_a_long_value_is_shown_short(written: Path) -> None:
    written.write_text(f"transport.bpm = '{'word ' * 1000}'")
    assert len(problems(written)[0]) < 300

    written.write_text(f"midi.input_name = '{'x' * 61}'")
    (problem,) = problems(written)
    assert problem.endswith(f'of at most 60 characters, in quotes; found "{"x" * 56}...')


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("mode = endless", "Invalid value (at line 2, column 8), found mode = endless: "),
        ("keep = True", "Invalid value (at line 2, column 8), found keep = True: "),
        ("[play]", "Cannot declare ('play',) twice (at line 2, column 6), found [play]: "),
        ("\x1b[2J", r"Invalid statement (at line 2, column 1), found \x1b[2J: "),
    ],
)
def test_what_is_not_toml_is_shown_with_how_toml_is_written(
    written: Path, line: str, problem: str
) -> None:
    written.write_text(f"[play]\n{line}\n")
    (told,) = problems(written)
    assert told.startswith(f"{written}: expected TOML; {problem}a text is in quotes, true and ")


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000])
def test_what_python_cannot_read_is_refused_in_one_line(written: Path, value: str) -> None:
    written.write_text(f"transport.bpm = {value}")
    assert problems(written)[0].startswith(f"{written}: expected TOML; ")


def parse(keys: list[str], *arguments: str) -> InForce:
    parser = argparse.ArgumentParser()
    config_file.add_options(parser, *keys)
    return config_file.in_force(parser.parse_args(arguments))


def test_an_option_goes_before_the_file_and_the_file_before_the_default(written: Path) -> None:
    written.write_text("[transport]\nbpm = 80\nmeter = '3/4'\n[midi]\nthru = true\n")
    keys = ["transport.bpm", "midi.thru", "midi.connect_input"]
    in_force = parse(
        keys, "--config", str(written), "--bpm", "120", "--no-thru", "--connect-input", "a*"
    )

    assert in_force.config.transport.bpm == 120.0
    assert in_force.config.midi.connect_input == ("a*",)
    assert in_force.config.midi.thru is False
    shown = [in_force.origins[key] for key in (*keys, "transport.meter", "play.mode")]
    assert in_force.on_command_line("transport.bpm")
    assert not in_force.on_command_line("transport.meter")
    assert shown == ["--bpm", "--thru", "--connect-input", str(written), DEFAULT]


def test_on_the_command_line_too_every_keyboard_can_be_listened_to(written: Path) -> None:
    written.write_text('[midi]\nconnect_input = ["*key*"]\n')
    option = ["--config", str(written), "--connect-input", "auto"]
    assert parse(["midi.connect_input"], *option).config.midi.connect_input is None


@pytest.mark.parametrize(("swing", "percent"), [("62", 62.0), ("off", 50.0), ("player", None)])
def test_an_option_that_takes_a_number_or_a_name_takes_both(
    swing: str, percent: float | None
) -> None:
    assert parse(["play.swing"], "--swing", swing).config.play.swing == percent


def test_every_setting_has_an_option_of_its_own() -> None:
    assert len({setting.option for setting in SETTINGS.values()}) == len(SETTINGS)
    assert parse(list(SETTINGS), "--config", str(TOP / "config.toml")).config == Config()


def test_the_listing_is_a_file_that_gives_the_same_settings(written: Path) -> None:
    options = {"transport.bpm": 92.5, "play.parts": "lead", "midi.connect_output": ['a "b"', "ü"]}
    in_force = load(None, options)
    written.write_text(listing(in_force), encoding="utf-8")

    assert load(written).config == in_force.config
    assert "bpm = 92.5                                # --bpm\n" in listing(in_force)


@given(
    st.dictionaries(
        st.sampled_from(sorted(SETTINGS)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_value_is_either_taken_or_refused_by_name(options: dict[str, object]) -> None:
    refused: set[str] = set()
    try:
        assert tomllib.loads(listing(load(None, options)))
    except ConfigError as error:
        lines = str(error).splitlines()
        assert all(line.isprintable() for line in lines)  # a terminal is not to obey a value
        refused = {line.partition(":")[0] for line in lines}
    assert refused <= {SETTINGS[key].option for key in options}


@given(st.integers(), st.integers(0, 100), st.integers())
def test_a_number_is_taken_exactly_within_its_range(lowest: int, width: int, raw: int) -> None:
    kind = Number(lowest, lowest + width)
    if lowest <= raw <= lowest + width:
        assert kind.accept(raw) == raw
    else:
        with pytest.raises(ValueError, match=str(raw)):
            kind.accept(raw)


def test_a_knob_is_written_as_it_is_read_with_its_travel(written: Path) -> None:
    written.write_text(
        '[knobs]\ntemperature = "CC 74 channel 2"\nbpm = "cc 7 from 120 to 62.5"\nstyle = "cc 8"\n'
    )
    in_force = load(written)
    shown = listing(in_force)
    assert 'temperature = "cc 74 channel 2 from 0.5 to 1.5"' in shown
    assert 'bpm = "cc 7 from 120 to 62.5"' in shown
    assert 'style = "cc 8"' in shown
    assert 'memory = ""' in shown
    written.write_text(shown, encoding="utf-8")
    assert load(written).config == in_force.config


@pytest.mark.parametrize(
    "knob",
    [
        *("74", "note 74", "program 3", "cc 120", "cc 7 channel 17", "cc 7 from 1", "cc 7 to 1"),
        *("cc 7 from 0.5 to 2.1", "cc 7 from 0 to 1", "cc 7 from 1.0.0 to 1", "cc 7 from nan to 1"),
    ],
)
def test_what_is_no_knob_is_refused_with_what_one_may_be(written: Path, knob: str) -> None:
    written.write_text(f'[knobs]\ntemperature = "{knob}"\nparts = "cc 9 from 0 to 1"\n')
    expected = f'{written}: knobs.{{}}: expected a knob, such as "cc 74" or {{}}, or empty quotes; '
    longer = '"cc 74 channel 2 from 0.5 to 1.5" (within 0.05 to 2)'
    assert problems(written) == [
        expected.format("temperature", longer) + f'found "{knob}"',
        expected.format("parts", '"cc 74 channel 2"') + 'found "cc 9 from 0 to 1"',
    ]


def test_a_knob_that_is_a_control_or_another_knob_is_refused(written: Path) -> None:
    written.write_text('[knobs]\ntemperature = "cc 66"\nbpm = "cc 7"\nmode = "cc 7 channel 3"\n')
    expected = "{}: expected a control of its own; found {}, which means {}"
    assert problems(written, knobs__style="cc 7 channel 2") == [
        expected.format(f"{written}: knobs.temperature", "cc 66", "controls.your_turn"),
        expected.format("--knob-style", "cc 7 channel 2", "knobs.bpm"),
        expected.format(f"{written}: knobs.mode", "cc 7 channel 3", "knobs.bpm"),
    ]


@pytest.mark.parametrize("sound", ['"Vibraphone"', "12", '"12"', '" vibraphone "'])
def test_a_sound_has_a_name_and_a_number(written: Path, sound: str) -> None:
    written.write_text(f"[sound]\nlead = {sound}\n")
    in_force = load(written)
    assert in_force.config.sound.lead == 12
    assert in_force.config.sound.comp is None
    assert 'lead = "vibraphone"  ' in listing(in_force)
    assert 'comp = "auto"  ' in listing(in_force)
    assert parse(["sound.lead"], "--lead-sound", sound.strip('"')).config == in_force.config


@pytest.mark.parametrize(
    ("sound", "found"),
    [
        ('"slap bass"', '"slap bass": slap bass 1, slap bass 2'),
        ('"vibrafone"', '"vibrafone": did you mean vibraphone?'),
        ('"rhodes"', '"rhodes"'),
        *((raw, raw) for raw in ("0", "129", '"0"', '""', "true", "1.0", "[]")),
    ],
)
def test_what_is_no_sound_or_may_be_several_is_refused(
    written: Path, sound: str, found: str
) -> None:
    written.write_text(f"[sound]\ncomp = {sound}\n")
    (problem,) = problems(written)
    assert problem == (
        f"{written}: sound.comp: expected a General MIDI sound, by its name, such as "
        f'"vibraphone", or its number, 1 to 128, or "auto"; found {found}'
    )


def test_one_channel_has_one_sound(written: Path) -> None:
    written.write_text("[midi]\nchannel_lead = 4\nchannel_comp = 4\n[sound]\nlead = 12\n")
    (problem,) = problems(written, sound__comp="tuba")
    assert problem == (
        "--comp-sound: expected the lead's sound, as both are on channel 4; found "
        '"tuba": give midi.channel_comp another channel'
    )
    for fine in ("vibraphone", "auto"):
        load(written, {"sound.comp": fine})
    load(written, {"sound.comp": "tuba", "midi.channel_comp": "auto"})


def test_a_knob_is_named_after_the_setting_that_it_sets() -> None:
    assert {name: setting.key for name, setting in ADJUSTABLE.items()} == {
        "temperature": "model.temperature",
        "memory": "model.memory",
        "density": "play.density",
        "in_key": "play.in_key",
        "bpm": "transport.bpm",
        "style": "model.style",
        "parts": "play.parts",
        "mode": "play.mode",
        "trade": "play.trade",
        "yield": "play.yield",
        "register": "play.register",
        "swing": "play.swing",
        "humanise_ms": "play.humanise_ms",
        "changes": "play.changes",
    }
