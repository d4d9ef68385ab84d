"""The record of a staged examination: which stage took how long and how it ended.

Owns the clock of the stages and that every one of them appears in the account, the ones never reached as ``skipped``.
Does not run them.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import trio

Status = Literal["ok", "warn", "fail", "skipped"]


class Stage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stage: how it ended, its milliseconds, what was found, and the next step to take."""

    stage: str
    status: Status
    ms: float
    detail: str
    hint: str = ""


class Stages:
    """Takes stages one after the other.

    Args:
        planned: Names in order; those that are never begun are shown as skipped.
    """

    def __init__(self, planned: Sequence[str]) -> None:
        self._planned = tuple(planned)
        self._done: list[Stage] = []
        self._name = ""
        self._started_s = 0.0

    def begin(self, name: str) -> None:
        """Start the clock of a stage."""
        self._name, self._started_s = name, trio.current_time()

    @property
    def open(self) -> bool:
        """Whether a stage was begun and not ended."""
        return bool(self._name)

    def end(self, status: Status, detail: str, hint: str = "") -> None:
        """End the stage that was begun; does nothing when none is open."""
        if self._name:
            ms = round((trio.current_time() - self._started_s) * 1e3, 3)
            self._done.append(Stage(self._name, status, ms, detail, hint))
            self._name = ""

    def out_of_time(self, total_s: float) -> None:
        """Fail the open stage because the whole examination took too long."""
        self.end(
            "fail", f"No end within the {total_s:g} s of the whole diagnosis.", "The broker or network is very slow."
        )

    def all(self) -> list[Stage]:
        """Every stage: the planned ones in their order, others where they happened."""
        reached = {stage.stage for stage in self._done}
        missing = [Stage(name, "skipped", 0.0, "Not reached.") for name in self._planned if name not in reached]
        return [*self._done, *missing]
