"""The sections of config.toml: each setting's name, default, unit, range and meaning.

The dataclasses here, in `jamd.config.controls` and in `jamd.config.folders` are the only table of
settings. Values are in the units that a musician uses: MIDI channels 1..16, tempo in beats (quarter
notes) a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamd.config.endpoint import Endpoint
from jamd.config.setting import declared as _setting
from jamd.config.setting_kinds import (
    Among,
    Choice,
    ChordChart,
    EndpointName,
    Flag,
    FlagOrAuto,
    Number,
    NumberOr,
    Program,
    Several,
    Text,
)
from jamd.grid.tokens import STYLES
from jamd.harmony.chart import Chart
from jamd.notes import METERS, Meter, Part

_PATTERNS = Several(
    Text("a pattern"), 'patterns of port names, such as "*keystation*"', one="PATTERN"
)
_PATTERNS_OR_AUTO = replace(_PATTERNS, auto=True)
_CHANNEL = Number(1, 16)
_CHANNEL_OR_AUTO = NumberOr({"auto": None}, _CHANNEL)
_PITCH = Number(0, 127, "MIDI pitch")
_VELOCITY = Number(1, 127)
_OFFSET = Number(-200.0, 200.0, "ms")
_OWN_PORT = Text("a port name", longest=60, optional=True)


@dataclass(frozen=True, slots=True)
class Midi:
    """Ports and channels."""

    api: str = _setting(
        "auto",
        Choice.of("auto", "alsa", "jack", "coremidi", "winmm"),
        "The MIDI system. auto tries ALSA's sequencer, then a JACK server that answers, then the "
        "system's own.",
    )
    input_name: str = _setting(
        "jamd listens", Text("a port name", longest=60), "The port that you play into."
    )
    output_name: str = _setting(
        "jamd plays", Text("a port name", longest=60), "The port that jamd plays on."
    )
    connect_input: tuple[str, ...] | None = _setting(
        None,
        _PATTERNS_OR_AUTO,
        "Ports to listen to, at the start and whenever they appear. * stands for any characters, "
        "? for exactly one; case does not matter. auto: every port there is, if jamd makes the "
        "sound, so that a keyboard need only be plugged in; else none.",
    )
    connect_output: tuple[str, ...] = _setting(
        (), _PATTERNS, "Ports to play to, at the start and whenever they appear."
    )
    channel_in: int = _setting(
        0,
        Number(0, 16),
        "The channel that jamd hears; 0 is all but 10, which has the drums in General MIDI. Set 10 "
        "to hear a keyboard that sends on channel 10.",
    )
    mpe: bool = _setting(
        False,
        Flag(),
        "You play an MPE keyboard (Seaboard, LinnStrument, Osmose), which sends each note on a "
        "channel of its own: channel 10 is heard like the others, and a pedal holds the notes of "
        "all of them.",
    )
    program_changes: bool = _setting(
        False,
        Flag(),
        "Keep and send on program changes and bank selects. Keyboards send them when their own "
        "sound is changed; the instrument that plays jamd's notes would change its sound too.",
    )
    softest: int = _setting(
        1,
        Number(1, 127, "MIDI velocity"),
        "Notes softer than this are neither heard nor sent on: the ghost notes of a guitar's "
        "pickup, or keys that a sleeve brushes.",
    )
    split: int = _setting(
        0,
        Number(0, 127, "MIDI pitch"),
        "Below this pitch your left hand accompanies: it is heard as chords, and it neither keeps "
        "your turn nor takes it. 0: no split.",
    )
    channel_lead: int | None = _setting(
        None,
        _CHANNEL_OR_AUTO,
        "The channel that jamd's lead is sent on. auto: 1, or one of its own, 2, if jamd makes "
        "the sound, or you choose one for the lead or the chords in [sound].",
    )
    channel_comp: int | None = _setting(
        None,
        _CHANNEL_OR_AUTO,
        "The channel that jamd's chords are sent on: one other than the lead's gives them an "
        "instrument of their own. auto: 1, or 3, likewise.",
    )
    thru: bool | None = _setting(
        None,
        FlagOrAuto(),
        "Always pass what you play on to the output, not only when jamd is off. auto: if jamd "
        "makes the sound, so that you hear a keyboard that has no sounds of its own.",
    )
    output_offset_ms: float = _setting(
        0.0,
        _OFFSET,
        "How much later than its beat jamd sends each note; below 0, earlier: for an instrument "
        "that is slow to sound. The take has every note on its beat.",
    )
    send_clock: bool = _setting(
        False,
        Flag(),
        "Lead a DAW: send jamd's beat as a MIDI clock, with Start, Stop, Continue and Song "
        "Position. While jamd follows a clock itself, it sends none.",
    )
    clock_port: str = _setting(
        "",
        _OWN_PORT,
        'A separate port for that clock, such as "jamd clock"; if empty, it goes out with the '
        "notes.",
    )
    clock_offset_ms: float = _setting(0.0, _OFFSET, "Like output_offset_ms, for clock_port.")


@dataclass(frozen=True, slots=True)
class Transport:
    """Tempo and meter."""

    source: str = _setting(
        "auto",
        Choice.of("internal", "midi", "auto", "player", "link"),
        "Where the beat comes from. internal: jamd's own tempo. midi: an incoming MIDI clock. "
        "auto: a MIDI clock while there is one, else jamd's own tempo. player: what you play, "
        "phrase by phrase. link: an Ableton Link session on the local network, which needs "
        "pip install 'jamd[link]'.",
        option="--clock",
    )
    on_clock_lost: str = _setting(
        "keep",
        Choice.of("keep", "stop"),
        "When a MIDI clock goes silent: play on at its tempo, or stop until it is back.",
    )
    link_start_stop: bool = _setting(
        True,
        Flag(),
        "In a Link session: start and stop with the others, as they do with jamd.",
    )
    bpm: float = _setting(
        100.0, Number(20.0, 400.0, "quarter notes a minute"), "The internal clock's tempo."
    )
    meter: Meter = _setting(Meter(4, 4), Choice({str(m): m for m in METERS}), "The meter.")
    start: str = _setting(
        "first note",
        Choice.of("first note", "at once"),
        "When bar 1 begins: with your first note, or as soon as jamd is ready.",
    )
    count_in: int = _setting(
        0,
        Number(0, 4, "bars"),
        "Bars to count in as soon as jamd is ready; bar 1 comes after them. A sequencer that sends "
        "Start does its own count-in.",
    )


@dataclass(frozen=True, slots=True)
class Click:
    """The metronome; it is never in the take."""

    when: str = _setting(
        "auto",
        Choice.of("auto", "on", "off"),
        "A click on each beat. auto: until jamd's first answer sounds, if there is no clock to "
        "follow. Without a count-in it begins with your first note: there is no beat before.",
        option="--click",
    )
    port: str = _setting(
        "",
        _OWN_PORT,
        'A separate port, such as "jamd click"; if empty, it goes out with the notes.',
        option="--click-port",
    )
    channel: int = _setting(
        10,
        _CHANNEL,
        "Its channel; 10 is the drums in General MIDI.",
        option="--click-channel",
    )
    accent_note: int = _setting(76, _PITCH, "The note played on beat one: a high wood block.")
    accent_velocity: int = _setting(110, _VELOCITY, "How loud that note is.")
    beat_note: int = _setting(77, _PITCH, "The note played on the other beats: a low wood block.")
    beat_velocity: int = _setting(80, _VELOCITY, "How loud that note is.")
    offset_ms: float = _setting(
        0.0, _OFFSET, "Like output_offset_ms, for the click's own port.", option="--click-offset-ms"
    )


@dataclass(frozen=True, slots=True)
class Sound:
    """What jamd sounds like, and a synthesiser of its own."""

    on: bool = _setting(
        False,
        Flag(),
        "Sound what jamd sends, through a FluidSynth that jamd starts and ends. What you play "
        "sounds, too, unless thru is false, and your pedal and wheels act on that alone.",
        option="--sound",
    )
    font: str = _setting(
        "",
        Text("the path of a sound font (*.sf2, *.sf3)", optional=True),
        "What it sounds like; if empty, the first sound font found where systems keep them.",
        option="--sound-font",
    )
    lead: int | None = _setting(
        None,
        Program(auto=True),
        "The sound of jamd's lead: the instrument is told to change to it (a program change) at "
        "the start (of a song, too), whenever it is connected, and after a panic. auto: it is told "
        "nothing, and if jamd makes the sound, the lead is a vibraphone.",
        option="--lead-sound",
    )
    comp: int | None = _setting(
        None,
        Program(auto=True),
        "The sound of jamd's chords, likewise. auto: electric piano 2, if jamd makes the sound.",
        option="--comp-sound",
    )
    player: int = _setting(
        1, Program(), "Your own sound, if jamd makes it.", option="--player-sound"
    )


@dataclass(frozen=True, slots=True)
class Model:
    """Which model plays, on what, and how freely."""

    bundle: str = _setting(
        "default", Text('the path of a bundle, or "default"'), "The model that plays."
    )
    provider: str = _setting(
        "auto",
        Choice.of("auto", "cpu", "cuda"),
        "Where the model runs. auto starts on the CPU and changes over to CUDA if that is measured "
        "to be clearly faster.",
    )
    threads: int = _setting(1, Number(1, 64), "CPU threads that the model may use at once.")
    style: str = _setting("combo", Choice.of(*STYLES), "The style the model plays in.")
    temperature: float = _setting(
        0.9,
        Number(0.05, 2.0),
        "How adventurous jamd is: 1 is what the model learned, less is safer, more is wilder.",
    )
    nucleus: float = _setting(
        0.95,
        Number(0.01, 1.0, "share of the probability"),
        "How much of what is likely may be played; the unlikely rest never is (top-p).",
    )
    memory: float = _setting(
        1.0,
        Number(0.0, 1.0),
        "How much jamd picks up from what you play as you play it; 0 leaves it to what the model "
        "learned in training.",
    )
    seed: int = _setting(
        -1,
        Number(-1, 2**63 - 1),
        "With the same seed and the same notes, jamd plays the same; -1 is a new seed each time.",
    )


@dataclass(frozen=True, slots=True)
class Play:
    """When jamd plays, and within what limits."""

    mode: str = _setting(
        "answer",
        Choice.of("answer", "endless", "off"),
        "answer: you play, you pause, it answers. endless: it goes on from what you played until "
        "you stop it. off: it plays nothing and passes on what you play.",
    )
    trade: int = _setting(
        0,
        Among((0, 2, 4, 8), "bars"),
        "In answer mode: this many bars for you, then as many for jamd, in strict alternation. 0: "
        "the answer comes when you pause, and is as long as your phrase was.",
    )
    yield_: str = _setting(
        "note",
        Choice.of("now", "note", "never"),
        "What takes the turn back while jamd answers. now: any note. note: two within a beat, or "
        "one much louder than your phrase was. never: the answer is played out.",
    )
    parts: frozenset[Part] = _setting(
        frozenset(Part),
        Choice(
            {
                "both": frozenset(Part),
                "lead": frozenset({Part.LEAD}),
                "comp": frozenset({Part.COMP}),
            }
        ),
        "What jamd plays: lead is a melody, comp is chords, both is the two together.",
    )
    changes: Chart | None = _setting(
        None,
        ChordChart(),
        "The chord changes that you play over, from bar 1 on and round and round. The chords of a "
        "bar share it evenly, / goes on with the one before, % repeats the bar before, and what is "
        "between |: and :| is played twice. jamd plays over them, in their key.",
    )
    lowest: int = _setting(21, Number(0, 127, "MIDI pitch"), "The lowest pitch jamd plays.")
    highest: int = _setting(
        108, Number(0, 127, "MIDI pitch"), "The highest pitch jamd plays; 60 is middle C."
    )
    polyphony: int = _setting(8, Number(1, 16, "notes"), "The most notes that jamd sounds at once.")
    swing: float | None = _setting(
        None,
        NumberOr({"player": None, "off": 50.0}, Number(50.0, 75.0, "percent")),
        "Where in the beat jamd's off-beats lie: as you swing (player), straight (off), or always "
        "at this percentage.",
    )
    humanise_ms: float = _setting(
        0.0, Number(0.0, 30.0, "ms"), "How far jamd's notes stray from the beat, as people's do."
    )
    in_key: float = _setting(
        0.9,
        Number(0.0, 0.99),
        "How strongly jamd keeps to the key that it hears: the model's probability of each pitch "
        "outside it is multiplied by 1 - in_key. 0 leaves it to the model.",
    )
    register: str = _setting(
        "player",
        Choice.of("player", "free"),
        "How high jamd answers. player: on average within a fifth of your phrase. free: anywhere "
        "between lowest and highest.",
    )
    density: float = _setting(
        1.25,
        Number(0.0, 10.0, "times your notes a beat"),
        "The most notes that jamd answers with; 0 leaves it to the model.",
    )
    repeat_bars: int = _setting(
        4,
        Number(0, 64, "bars"),
        "jamd repeats nothing note for note for longer than this; 0: no limit.",
    )


@dataclass(frozen=True, slots=True)
class Osc:
    """Open Sound Control: phones, tablets, and programs such as Max, Pure Data, SuperCollider."""

    listen: Endpoint | None = _setting(
        None,
        EndpointName(optional=True),
        "The UDP port that they control jamd through; if empty, none. A port alone is for programs "
        "on this computer. With this computer's address in a network, or 0.0.0.0 for all that it "
        "has, a phone can control jamd, and so can everybody else in that network.",
        option="--osc",
    )
    to: tuple[Endpoint, ...] = _setting(
        (),
        Several(EndpointName(), 'UDP ports, such as "192.168.1.7:9001"', one="HOST:PORT"),
        "Who is told the beat, the turn, the chord and the settings in force, whenever they "
        "change.",
        option="--osc-to",
    )
