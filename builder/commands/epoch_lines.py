"""An epoch in a line: below one another the same things stand in the same columns."""

from __future__ import annotations

from builder.training.events import Row

_APART = ("epoch", "step", "lr", "seconds")


class EpochLines:
    """The lines of a run of so many epochs (0 where that is not known)."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._rate: float | None = None
        self._widths: dict[str, int] = {}

    def line(self, row: Row, is_best: bool) -> str:
        """`epoch  1/10  train_loss 0.9123  val_loss 0.4312     1.2 s  *  lr 0.01`: a star where no epoch was better,
        the rate where it is not the one of the line before."""
        words = [self._epoch(row)]
        words += [f"{name} {self._padded(name, number(value))}"
                  for name, value in row.items() if name not in _APART and value is not None]  # fmt: skip
        if (seconds := row.get("seconds")) is not None:
            words.append(self._padded("seconds", f"{seconds:.1f}") + " s")
        words.append("*" if is_best else " ")
        if (rate := row.get("lr")) is not None and rate != self._rate:
            self._rate = rate
            words.append(f"lr {rate:.4g}")
        return "  ".join(words).rstrip()

    def _epoch(self, row: Row) -> str:
        if not self._epochs:
            return f"epoch {row['epoch']}"
        return f"epoch {row['epoch']:>{len(str(self._epochs))}}/{self._epochs}"

    def _padded(self, name: str, text: str) -> str:
        width = self._widths[name] = max(len(text), self._widths.get(name, 0))
        return text.rjust(width)


def number(value: float) -> str:
    """Four decimals, where they say enough."""
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 10_000 else f"{value:.3e}"
