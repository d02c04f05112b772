from __future__ import annotations

from collections.abc import Iterable

from mido import Message

from jamd.daemon.playing.schedule import Ledger, Outgoing, Schedule
from jamd.notes import Note, Part, Tick


def note(onset: int, pitch: int = 60, duration: int = 100, part: Part = Part.LEAD) -> Note:
    return Note(Tick(onset), pitch, 80, Tick(duration), part)


def rows(outgoing: Iterable[Outgoing]) -> list[str]:
    return [
        f"{each.tick} {'on' if each.message.type == 'note_on' else 'off'} {each.message.note}"
        for each in outgoing
    ]


def released(schedule: Schedule, tick: int = 10_000, earliest: int = 0) -> list[str]:
    return rows(schedule.release(Tick(tick), Tick(earliest)))


def scheduled(*notes: Note) -> Schedule:
    schedule = Schedule(Ledger())
    for each in notes:
        schedule.add(each, channel=0)
    return schedule


def test_at_one_tick_ends_come_before_beginnings() -> None:
    schedule = scheduled(note(100, 62), note(0, 60, 100))
    assert released(schedule) == ["0 on 60", "100 off 60", "100 on 62", "200 off 62"]


def test_a_pitch_struck_again_ends_first_and_lasts_its_own_length() -> None:
    schedule = scheduled(note(0, 60, 100), note(50, 60, 200))
    assert released(schedule) == ["0 on 60", "50 off 60", "50 on 60", "250 off 60"]


def test_two_parts_in_unison_are_one_note_as_long_as_the_longer() -> None:
    for first, second in ((100, 300), (300, 100), (300, 300)):
        schedule = scheduled(note(0, 60, first), note(0, 60, second, Part.COMP))
        assert released(schedule) == ["0 on 60", "300 off 60"]


def test_one_pitch_on_two_channels_is_two_notes() -> None:
    schedule = Schedule(Ledger())
    schedule.add(note(0, duration=100), channel=0)
    schedule.add(note(0, duration=200), channel=1)
    assert released(schedule) == ["0 on 60", "0 on 60", "100 off 60", "200 off 60"]


def test_a_late_beginning_is_left_out_and_a_late_end_is_not() -> None:
    schedule = scheduled(note(0, 60, 500), note(100, 62, 500), note(300, 64, 500))
    assert released(schedule, 50) == ["0 on 60"]
    assert released(schedule, 1000, earliest=300) == ["300 on 64", "500 off 60", "800 off 64"]


def test_shortening_ends_what_sounds_and_drops_what_would_begin() -> None:
    schedule = scheduled(note(0, 60, 500), note(100, 62, 500), note(300, 64, 500))
    assert released(schedule, 0) == ["0 on 60"]
    schedule.shorten(Tick(200), Tick(200))
    assert released(schedule) == ["100 on 62", "200 off 60", "200 off 62"]


def test_silence_ends_everything_once() -> None:
    ledger = Ledger()
    schedule = Schedule(ledger)
    schedule.add(note(0, 64), channel=1)
    schedule.add(note(0, 60), channel=0)
    released(schedule, 0)
    assert rows(ledger.silence(Tick(7))) == ["7 off 60", "7 off 64"]
    assert rows(ledger.silence(Tick(8))) == []
    assert released(schedule) == []


def test_the_players_own_note_off_does_not_end_jamds_note() -> None:
    ledger = Ledger()
    schedule = Schedule(ledger)
    on, off = Message("note_on", note=60), Message("note_off", note=60)
    assert rows(ledger.thru(Tick(0), on)) == ["0 on 60"]
    assert rows(ledger.thru(Tick(5), off)) == ["5 off 60"]
    schedule.add(note(10, 60, 100), channel=0)
    assert released(schedule, 10) == ["10 on 60"]
    assert rows(ledger.thru(Tick(20), off)) == []
    assert released(schedule) == ["110 off 60"]


def test_a_note_that_the_player_holds_is_neither_struck_again_nor_ended() -> None:
    ledger = Ledger()
    schedule = Schedule(ledger)
    on, off = Message("note_on", note=60), Message("note_off", note=60)
    assert rows(ledger.thru(Tick(0), on)) == ["0 on 60"]
    schedule.add(note(10, 60, 100), channel=0)
    schedule.add(note(10, 60, 100), channel=1)  # another instrument
    assert released(schedule) == ["10 on 60", "110 off 60"]
    assert rows(ledger.thru(Tick(200), off)) == ["200 off 60"]


def test_panic_tells_every_channel_used() -> None:
    ledger = Ledger()
    list(ledger.thru(Tick(0), Message("control_change", control=64, value=127, channel=3)))
    list(ledger.thru(Tick(0), Message("note_on", note=60, channel=1)))
    sent = [each.message for each in ledger.panic(Tick(5))]
    assert sent[0] == Message("note_off", note=60, channel=1)
    assert sent[1] == Message("control_change", control=64, value=0, channel=3)
    assert [(m.channel, m.control) for m in sent[2:]] == [
        (channel, control) for channel in (1, 3) for control in (64, 120, 123)
    ]
