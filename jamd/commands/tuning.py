"""`jamd train --from`: an existing network, trained further on your own music."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jamd.errors import CorpusError, SourceError, UserError, printable

if TYPE_CHECKING:
    from rich.console import Console

    from jamd.bundle.bundle import Bundle
    from jamd.language import Context
    from jamd.training.corpus import Corpus
    from jamd.training.learning.runs import Run
    from jamd.training.tune import Change, Tuned

OUTPUT = Path("tuned")
"""The run's folder, if none is named."""

HELD_OUT = 0.2
"""Of few pieces, a larger share must be held out than of many, or the figures mean nothing."""

_ANEW = (
    *("units", "layers", "dropout", "weight_drop"),
    *("preset", "weight", "oversample", "faithful"),
)
"""Options that do not apply to a network that exists already."""


def run(args: argparse.Namespace) -> int:
    """Fine-tune; the arguments are those of `jamd train`."""
    from jamd.commands.train import option
    from jamd.daemon.takes.recorder import recover
    from jamd.lock import only_writer
    from jamd.training.corpus import expect_each_once
    from jamd.training.learning.run_folder import is_run
    from jamd.training.preparing import forks

    forks.start()  # gets ready while the rest is imported

    from rich.console import Console

    for name in _ANEW:
        if getattr(args, name) not in (None, []):
            raise UserError(
                f"{option(name)} is for a network that begins with nothing; --from goes on from "
                f"{args.origin}: leave it out"
            )
    if not args.corpora and args.takes is None:
        raise UserError("expected a folder of music, a corpus or --takes to learn, found none")
    expect_each_once(path for path in args.corpora if _is_corpus(path))
    expect_each_once(args.old)
    if args.takes is not None:
        recover(_takes_folder(args))  # as at every start of the daemon
    output = args.output or OUTPUT
    console = Console(stderr=True)
    with only_writer(output):
        begun = _begun(args, output) if is_run(output) else _begin(args, output, console)
        return _train(begun.with_budget(args.epochs, args.minutes), console)


def _given(args: argparse.Namespace) -> list[str]:
    """A description of what is learned, by which a resumed run is checked to be the same.

    Raises:
        SourceError: A folder of music does not exist, or holds none.
    """
    given = [str(path.resolve()) if _is_corpus(path) else _music_in(path) for path in args.corpora]
    if args.takes is None:
        return given
    from jamd.daemon.takes.recorder import KEPT

    folder = _takes_folder(args)
    journals = _journals(folder)
    last = f", the last of {journals[-1].name.removesuffix(KEPT)}" if journals else ""
    return [*given, f"{len(journals)} takes in {folder.resolve()}{last}"]


def _music_in(path: Path) -> str:
    """A description of a folder of music at this moment: files may be added or changed later."""
    import hashlib

    from jamd.training.preparing.sources import find_sources

    digest = hashlib.sha256()
    sources, _ = find_sources([str(path)])
    for source in sources:
        found = source.path.stat()
        digest.update(ascii((source.name, found.st_size, found.st_mtime_ns)).encode())
    return f"{_counted(len(sources), 'files')} in {path.resolve()} ({digest.hexdigest()[:8]})"


def _begun(args: argparse.Namespace, output: Path) -> Run:
    from jamd.training.backend import load_backend

    load_backend()
    from jamd.commands.train import refuse_other_settings
    from jamd.training.learning.runs import Run

    found = Run.read(output)
    origin = found.origin
    if (
        not args.resume
        or origin is None
        or origin.name != args.origin
        or (list(origin.given) != _given(args))
    ):
        what = "anew" if origin is None else f"from {origin.name}, on {', '.join(origin.given)}"
        raise CorpusError(
            f"{output}: expected no other run there, found one begun {what}; name "
            "another folder with -o"
        )
    refuse_other_settings(found, args)
    return found


def _begin(args: argparse.Namespace, output: Path, console: Console) -> Run:
    opened = _opened(args, console)
    given = tuple(_given(args))  # first: what is added while it is read is not learned
    own = _corpora(args, output, args.style or _config().model.style, console)
    with console.status("loading the network"):
        from jamd.training.backend import load_backend

        load_backend()
        from jamd.commands.train import settings_given
        from jamd.training import tune
        from jamd.training.learning.runs import Origin

        network, size, sources, known = _network(opened, output)
        old = args.old or known
        settings = replace(tune.SETTINGS, **settings_given(args))
        origin = Origin(args.origin, sources, given)
        return tune.begin(output, network, size, origin, own, old, settings)


def _opened(args: argparse.Namespace, console: Console) -> Bundle | Run:
    """What to go on from, refused before any music is read; a bundle before Keras is loaded."""
    from jamd.bundle.bundle import Bundle, resolve
    from jamd.export.opening import expect_trainable, open_run
    from jamd.training.learning.run_folder import is_meant_as_run

    path = resolve(args.origin)
    if is_meant_as_run(path):
        with console.status("loading the network"):
            found = open_run(path)
        if found.language != "grid":
            raise CorpusError(
                f"{path}: expected a run of the grid language, found one of the {found.language} "
                "language: only a grid network can be trained further"
            )
        return found
    bundle = Bundle.read(path)
    expect_trainable(bundle)
    if not args.old and bundle.manifest.rehearsal is None:
        raise UserError(
            f"expected a bundle that brings excerpts to rehearse, found none in {args.origin}: "
            "name a corpus that it learned from with --old CORPUS, or export it anew with "
            "--rehearsal"
        )
    return bundle


def _network(origin: Bundle | Run, output: Path) -> tuple[Any, Any, dict[str, str], list[Path]]:
    """The network of a bundle or a run, its size, the sources it knows, and corpora of them."""
    from jamd.export.weights import read_network
    from jamd.training import rehearsal
    from jamd.training.learning.runs import Run

    if isinstance(origin, Run):
        known = [Path(source.path) for source in origin.sources]
        sources = dict(origin.origin.sources) if origin.origin else {}
        return origin.network(), origin.size, sources, known
    loaded = read_network(origin)
    corpus = rehearsal.write_corpus(origin, output / rehearsal.NAME)
    sources = dict(origin.manifest.sources)
    return loaded.network, loaded.size, sources, [] if corpus is None else [corpus.path]


def _corpora(args: argparse.Namespace, output: Path, style: str, console: Console) -> list[Path]:
    """The music to learn, as corpora: existing ones unchanged, everything else prepared now."""
    from jamd.training.preparing.prepare import Options, prepare

    prepared = [path for path in args.corpora if _is_corpus(path)]
    folders = [str(path) for path in args.corpora if path not in prepared]
    if folders:
        options = Options(style=style, held_out=HELD_OUT, join_bars=args.join)
        with console.status("reading your music") as status:

            def progress(step: str, done: int, of: int) -> None:
                status.update(f"{step} your music: {done} of {of}")

            corpus = prepare(folders, output / "yours", options, progress).corpus
        for item in corpus.left_out:
            _tell_left_out(item.source, item.reason)
        prepared.append(corpus.path)
    if args.takes is not None:
        with console.status("reading your takes") as status:
            prepared.append(_from_takes(args, output / "takes", status.update))
    return prepared


def _is_corpus(path: Path) -> bool:
    """Whether `path` is a corpus already, rather than music to be prepared."""
    return (path / "corpus.json").is_file()


def _journals(folder: Path) -> list[Path]:
    """The journals of the takes in a folder, the oldest first."""
    from jamd.daemon.takes.recorder import KEPT

    return sorted(folder.glob(f"*{KEPT}"))


def _from_takes(args: argparse.Namespace, path: Path, tell: Callable[[str], None]) -> Path:
    from jamd.daemon.takes.recorder import KEPT, journal_of
    from jamd.daemon.takes.take_contexts import shown
    from jamd.training.preparing import takes

    folder = _takes_folder(args)
    found: dict[str, list[Context]] = {}
    journals = _journals(folder)
    rehearsals = 0
    for done, journal in enumerate(journals):
        tell(f"reading your takes: {done} of {len(journals)}")
        try:
            with journal_of(journal) as lines:
                contexts = shown(lines)
        except SourceError as error:
            _tell_left_out(journal.name, str(error).removeprefix(f"{journal}: "))
            continue
        except OSError as error:  # such as a link to a disk that is not there
            _tell_left_out(journal.name, f"cannot be opened: {error.strerror}")
            continue
        if contexts is None:
            rehearsals += 1
            continue
        if args.style is not None:
            contexts = [replace(context, style=args.style) for context in contexts]
        if contexts:
            found[printable(journal.name.removesuffix(KEPT))] = contexts
    if rehearsals:
        _tell_left_out(_counted(rehearsals, "rehearsals"), "the phrase was jamd's own")
    if not found:
        raise SourceError(
            f"expected takes with their journals in {folder}, found none that anybody played in: "
            "jam first (jamd play), or name another folder"
        )
    return takes.write_corpus(found, path, HELD_OUT).path


def _takes_folder(args: argparse.Namespace) -> Path:
    """Where the takes are: in the folder that is named, or where jamd play keeps them."""
    folder: Path = _config().takes.folder if args.takes is True else args.takes
    return folder


def _config() -> Any:
    from jamd.config import file as config_file

    return config_file.load(config_file.find(Path(), config_file.user_folder())).config


def _tell_left_out(name: str, reason: str) -> None:
    print(f"left out: {printable(name)}: {printable(reason)}", file=sys.stderr)


def _train(begun: Run, console: Console) -> int:
    from jamd.commands.train import show_training
    from jamd.training.learning.train import train
    from jamd.training.rehearsal import NAME as BEFORE
    from jamd.training.tune import YOURS, conclude

    pieces = {
        name: sum(source.pieces for source in begun.sources if source.style == name)
        for name in (YOURS, BEFORE)
    }
    assert begun.origin is not None
    begun.tuned.unlink(missing_ok=True)  # what it says may soon be true no more
    print(
        f"learning from {_counted(pieces[YOURS], _kind(begun))} of yours, "
        f"rehearsing {_counted(pieces[BEFORE])} of what {begun.origin.name} knew",
        flush=True,
    )
    try:
        with show_training() as report:
            train(begun, report)
        with console.status("measuring") as status:
            tuned = conclude(begun, lambda step, _done, _of: status.update(step))
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from the last epoch in {begun.path}")
        return 130
    _print(tuned, _kind(begun))
    print(f"written to {begun.path}")
    print(f"next: jamd export {begun.path} -o mine && jamd play --bundle mine{_style(begun)}")
    return 0


def _print(tuned: Tuned, kind: str) -> None:
    names = {
        f"yours ({_counted(tuned.yours.pieces, kind)})": tuned.yours,
        f"what it knew ({_counted(tuned.before.pieces)})": tuned.before,
    }
    width = max(map(len, names)) + len(", a token") + 1
    print(f"{'bits, held out':{width}}{'before':>8}{'after':>8}")
    for name, change in names.items():
        _print_change(name, change, width)
    if tuned.kept < 1:
        print(f"{tuned.kept:.0%} of the change was kept: more would have made it forget too much")


def _print_change(name: str, change: Change, width: int) -> None:
    before, after = change.before, change.after
    for unit, one, other, part in (
        ("a note", before.bits_per_note, after.bits_per_note, change.bits_per_note),
        ("a token", before.bits_per_token, after.bits_per_token, change.bits_per_token),
    ):
        print(f"{name + ', ' + unit:{width}}{one:8.3f}{other:8.3f}{part:+8.1%}")


def _counted(number: int, kind: str = "pieces") -> str:
    return f"{number} {kind.removesuffix('s') if number == 1 else kind}"


def _kind(begun: Run) -> str:
    """What kind of music was given to learn: pieces, takes or both."""
    kinds = {"pieces" if corpus.all_taught is None else "takes" for corpus in _learned(begun)}
    return " and ".join(sorted(kinds))


def _style(begun: Run) -> str:
    """The option that plays in the style that was learned, if that is not the one set."""
    learned = {corpus.style for corpus in _learned(begun)}
    return "" if _config().model.style in learned else f" --style {min(learned)}"


def _learned(begun: Run) -> list[Corpus]:
    from jamd.training.corpus import Corpus
    from jamd.training.tune import YOURS

    return [Corpus.read(Path(source.path)) for source in begun.sources if source.style == YOURS]
