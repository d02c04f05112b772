"""`jamd train`: corpora -> a trained network."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jamd.commands import Subparsers, at_least_one, folder, named, natural, positive, share, style
from jamd.interrupts import end_on_sigterm

if TYPE_CHECKING:
    from jamd.training.corpus import Corpus
    from jamd.training.learning.multi_worker import Team
    from jamd.training.learning.runs import Run
    from jamd.training.learning.train import Moment

_SETTINGS = (
    *("units", "layers", "rows", "window", "rate", "dropout", "weight_drop", "seed"),
    *("oversample", "faithful", "precision"),
)
_LANGUAGES = {
    **dict.fromkeys(("layers", "window", "weight_drop"), "grid"),
    **dict.fromkeys(("oversample", "faithful"), "article"),
}
"""Settings that only one language has."""


def add(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "train",
        help="train a network on corpora",
        description="Train a network on one or more corpora of one language; or, with --from, "
        "train an existing network further on your own music. A stopped run resumes after its last "
        "finished epoch when the same command is given again.",
    )
    parser.add_argument(
        "corpora",
        nargs="*",
        type=Path,
        metavar="CORPUS",
        help="folder that jamd prepare wrote; with --from, a folder of music will do",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="RUN",
        help="folder to write; required unless --from is given (then default: tuned)",
    )
    parser.add_argument(
        "--preset",
        choices=("default", "tiny"),
        help="size and length of training (default: default); tiny takes under a minute",
    )
    _add_tuning(parser)
    parser.add_argument(
        "--weight",
        type=_weight,
        action="append",
        default=[],
        metavar="STYLE=W",
        help="share of the training data from this style, relative to the others (default: by "
        "size)",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive, metavar="M", help="stop after M minutes")
    budget.add_argument("--epochs", type=at_least_one, metavar="N", help="stop after N epochs")
    parser.add_argument("--units", type=at_least_one, help="width of each LSTM layer")
    parser.add_argument("--layers", type=at_least_one, help="LSTM layers (grid)")
    parser.add_argument("--batch", dest="rows", type=at_least_one, help="rows in a batch")
    parser.add_argument("--window", type=at_least_one, help="tokens in a window (grid)")
    parser.add_argument("--rate", type=positive, help="highest learning rate")
    parser.add_argument("--dropout", type=share, help="share of values left out, 0 to below 1")
    parser.add_argument(
        "--weight-drop",
        type=share,
        metavar="SHARE",
        help="share of the weights from one step to the next left out, 0 to below 1 (grid)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "mixed"),
        help="precision of the computation; weights are float32 (default: auto, mixed where that "
        "is faster)",
    )
    parser.add_argument("--seed", type=natural, help="seed (default: 1)")
    parser.add_argument(
        "--oversample",
        type=at_least_one,
        nargs="?",
        const=100,
        metavar="CAP",
        help="repeat rare next notes until each has CAP windows (article; CAP is 100 by default)",
    )
    parser.add_argument(
        "--faithful",
        action="store_const",
        const=True,
        help="with the article's faults: windows cross pieces, no held-out pieces, 200 epochs "
        "(article)",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="resume the run in RUN (default); --no-resume refuses an existing run",
    )
    parser.set_defaults(run=run)


def _add_tuning(parser: argparse.ArgumentParser) -> None:
    tuning = parser.add_argument_group("training an existing network further")
    tuning.add_argument(
        "--from",
        dest="origin",
        type=named,
        metavar="BUNDLE|RUN",
        help='network to train further: a folder, or "default" for the bundle shipped with jamd',
    )
    tuning.add_argument(
        "--takes",
        nargs="?",
        const=True,
        type=folder,
        metavar="DIR",
        help="learn what you played in the takes in DIR (default: where jamd play keeps them)",
    )
    tuning.add_argument(
        "--style",
        type=style,
        help="style of your music, also used to play it: jazz, song … (default: the style that "
        "jamd play uses)",
    )
    tuning.add_argument(
        "--join",
        type=natural,
        default=0,
        metavar="BARS",
        help="join short files, as jamd prepare does",
    )
    tuning.add_argument(
        "--old",
        action="append",
        default=[],
        type=Path,
        metavar="CORPUS",
        help="a corpus it learned from, used to rehearse and to measure forgetting; may be "
        "repeated (default: the bundle's excerpts, or the run's corpora)",
    )


def run(args: argparse.Namespace) -> int:
    if args.origin is not None:
        from jamd.commands import tuning

        return tuning.run(args)
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    from jamd.training.learning.team import is_configured

    if several := is_configured():
        end_on_sigterm()  # before anything has threads
    from jamd.errors import UserError
    from jamd.lock import only_writer
    from jamd.training.corpus import Corpus, expect_each_once

    for name in ("takes", "style", "join", "old"):
        if getattr(args, name) not in (None, 0, []):
            raise UserError(f"--{name} goes with --from BUNDLE: a network that is there already")
    if not args.corpora or args.output is None:
        raise UserError("expected jamd train CORPUS -o RUN; or jamd train FOLDER --from BUNDLE")
    expect_each_once(args.corpora)
    corpora = [Corpus.read(path) for path in args.corpora]  # reports a wrong path at once
    if any(args.output.resolve() == path.resolve() for path in args.corpora):
        raise UserError(f"{args.output}: expected a folder for the run, found the corpus")
    team = _team() if several else None  # TensorFlow insists on being asked this first
    writes = team is None or team.is_chief
    with only_writer(args.output) if writes else nullcontext():
        return _train(_begun(args, corpora, writes), team)


def _begun(args: argparse.Namespace, corpora: Sequence[Corpus], writes: bool) -> Run:
    """The run to train: the existing one, or a new one."""
    from dataclasses import replace

    from jamd.errors import CorpusError
    from jamd.training.backend import load_backend

    load_backend()
    from jamd.training.learning.run_folder import is_run
    from jamd.training.learning.runs import ARTICLE_EPOCHS, Run, preset

    if writes and is_run(args.output):
        if not args.resume:
            raise CorpusError(f"{args.output}: expected no run there, found one; name another")
        begun = Run.read(args.output)
        refuse_other_settings(begun, args)
        _refuse_other_music(begun, args)
        return begun.with_budget(args.epochs, args.minutes)
    from jamd.training.learning.train import new_run

    given, found = settings_given(args), corpora[0].language
    for name in given:
        if (language := _LANGUAGES.get(name, found)) != found:
            raise CorpusError(
                f"{option(name)}: expected corpora of the {language} language, found {found}; "
                f"leave it out, or prepare with --language {language}"
            )
    settings = replace(preset(found, args.preset or "default"), **given)
    if args.faithful and args.preset in (None, "default"):
        settings = replace(settings, epochs=ARTICLE_EPOCHS)
    begun = new_run(args.output, args.corpora, settings, dict(args.weight))
    return begun.with_budget(args.epochs, args.minutes)


def _team() -> Team:
    """The workers that TF_CONFIG names."""
    from jamd.training.backend import chatter_held, import_keras

    with chatter_held():
        import_keras()
        from jamd.training.learning.multi_worker import Team
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # it would not run while TensorFlow waits
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        print("waiting for the other workers that TF_CONFIG names", file=sys.stderr, flush=True)
        with chatter_held():
            return Team()
    finally:
        signal.signal(signal.SIGINT, before)


def settings_given(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run that the command line gives."""
    return {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}


def option(name: str) -> str:
    """The option that gives the setting `name`."""
    return "--batch" if name == "rows" else f"--{name.replace('_', '-')}"


def refuse_other_settings(begun: Run, args: argparse.Namespace) -> None:
    """Raise CorpusError if the command line gives other settings than a run was begun with."""
    from jamd.errors import CorpusError

    for name, value in settings_given(args).items():
        if (found := getattr(begun.settings, name)) != value:
            how = f"with {option(name)} {found}, not {value}"
            if value is True:  # such an option has no values, and is not given where it is off
                how = f"without {option(name)}, not with it"
            raise CorpusError(
                f"{args.output or begun.path}: begun {how}; leave it out, or name another folder"
            )


def _refuse_other_music(begun: Run, args: argparse.Namespace) -> None:
    """Raise CorpusError if other corpora, other weights or another preset are given."""
    from jamd.errors import CorpusError
    from jamd.training.learning.passages import weigh
    from jamd.training.learning.runs import preset

    def refuse(found: str, given: str) -> CorpusError:
        return CorpusError(
            f"{begun.path}: begun {found}, not {given}; give the same, or name another folder"
        )

    if begun.origin is not None:
        raise refuse(f"with --from {begun.origin.name}", "with nothing")
    paths = [source.path for source in begun.sources]
    given = [str(path.resolve()) for path in args.corpora]
    if sorted(given) != sorted(paths):
        raise refuse(f"on {' '.join(paths)}", f"on {' '.join(given)}")
    if args.weight:
        tokens: dict[str, int] = {}
        for source in begun.sources:
            tokens[source.style] = tokens.get(source.style, 0) + source.tokens
        shares = {source.style: source.share for source in begun.sources}
        asked = weigh(tokens, dict(args.weight))
        if any(not math.isclose(asked[style], shares[style], abs_tol=1e-6) for style in shares):
            raise refuse(f"with shares of {_listed(shares)}", _listed(asked))
    if args.preset is not None:  # recognised by settings without an option
        asked_for = preset(begun.language, args.preset)
        for name in ("inner", "epoch_steps"):
            if getattr(begun.settings, name) != getattr(asked_for, name):
                raise refuse("with another --preset", args.preset)


def _listed(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{style} {share:.1%}" for style, share in sorted(shares.items()))


@contextmanager
def show_training() -> Iterator[Callable[[Moment], None]]:
    """As a context: a reporter of training: a bar on stderr, a line on stdout for each epoch."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=1.0)

        def report(moment: Moment) -> None:
            text = (
                f"epoch {moment.epoch}, step {moment.step}: loss {moment.loss:.3f}, "
                f"{moment.tokens_a_second:,.0f} tokens/s"
            )
            bar.update(task, completed=moment.done, description=text)
            if moment.finished:
                print(_line(moment), flush=True)

        yield report


def _train(run: Run, team: Team | None) -> int:
    from jamd.training.learning.train import train

    if team is not None and not team.is_chief:
        print(f"worker {team.place + 1} of {team.size}: the chief reports, and writes the run")
        train(run, lambda _: None, team)
        return 0
    epochs = len(run.history())
    try:
        with show_training() as report:
            train(run, report, team)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from the last epoch in {run.path}")
        return 130
    if len(run.history()) > epochs:
        print(f"written to {run.path}")
    else:
        longer = "--epochs N" if run.settings.minutes is None else "--minutes M"
        print(f"{run.path} is finished, after epoch {epochs}: {longer} makes it longer")
    return 0


def _line(moment: Moment) -> str:
    finished = moment.finished or {}
    text = (
        f"epoch {moment.epoch}: {moment.done:.0%}, {moment.tokens_a_second:,.0f} tokens/s, "
        f"training loss {finished['training']['loss']:.3f}"
    )
    if finished["held_out"]:
        held_out = finished["held_out"]
        styles = finished["held_out_by_style"].items()
        by_style = ", ".join(f"{style} {score['loss']:.3f}" for style, score in styles)
        text += f", held out {held_out['loss']:.3f} ({by_style}), {held_out['accuracy']:.1%} right"
    return text + (", improved" if finished["improved"] else "")


def _weight(text: str) -> tuple[str, float]:
    style, _, number = text.partition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = 0.0
    if not style or not 0 < weight < float("inf"):
        raise argparse.ArgumentTypeError(f"expected STYLE=W, W above 0, like jazz=0.3; not {text}")
    return style, weight
