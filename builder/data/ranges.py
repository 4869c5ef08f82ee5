"""Values that a model cannot take, found before training starts."""

from __future__ import annotations

from builder.data.fields import DataError, Source


def check_range(
    source: Source,
    field: str,
    low: int,
    high: int,
    *,
    allowed: str = "the model has classes",
    ignored: int | None = None,
) -> None:
    """DataError that names the first sample with a value outside [low, high): "sample 17 of 'target' is 12; the model
    has classes 0 to 9".

    ignored: a value that is let through, a loss's `ignore_index`. A source whose values cannot be seen whole (a Dataset
    from Python) is not looked through.
    """
    values = source.values(field)
    if values is None:
        return
    wrong = (values < low) | (values >= high)
    if ignored is not None:
        wrong &= values != ignored
    first = wrong.nonzero()[:1]
    if len(first):
        place = tuple(first[0].tolist())
        raise DataError(f"sample {place[0]} of '{field}' is {values[place].item()}; {allowed} {low} to {high - 1}")
