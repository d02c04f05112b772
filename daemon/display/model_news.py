"""What there is to tell of the model, in words for the player."""

from __future__ import annotations

from jamd.daemon.model import providers
from jamd.daemon.model.supervisor import Supervisor


class ModelNews:
    """Tells where the model runs, what is wrong with its worker, and what a trial has shown.

    Args:
        supervisor: The worker's.
        trial: The trial of another provider, if there is one to try.
        name: What the settings call the model.
        why: Why this provider was chosen, in words.

    Attributes:
        introduced: The model is there, or was, and that has been told.
    """

    def __init__(
        self, supervisor: Supervisor, trial: providers.Trial | None, name: str, why: str
    ) -> None:
        self._supervisor = supervisor
        self._trial = trial
        self._name = name
        self._why = why
        self._bar = 0
        self.introduced = False

    @property
    def is_refused(self) -> bool:
        """Whether the model cannot be run, and never could."""
        return self._supervisor.refused is not None and not self.introduced

    def tend(self, bar: int) -> list[str]:
        """Go on with a trial, which changes over at a bar line. Returns what is new, line by line.

        Args:
            bar: The song's present bar.
        """
        news = [f"jamd: {fault}" for fault in self._supervisor.faults]
        self._supervisor.faults.clear()
        if self._supervisor.ready is not None and not self.introduced:
            self.introduced = True
            where = providers.describe(self._supervisor.ready)
            news.append(f'Ready: the model "{self._name}" is on {where}; {self._why}.')
        if self._trial is None:
            return news
        news += [f"The model {line}." for line in self._trial.tend()]
        if bar != self._bar:
            self._bar = bar
            news += [f"The model is {line}." for line in self._trial.bar_line()]
        return news
