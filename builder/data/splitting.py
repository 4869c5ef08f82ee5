"""A part of the samples held out for validation."""

from __future__ import annotations

from fractions import Fraction

import torch

from builder.data.fields import DataError, Source

SEED = 0  # whatever the training's own seed is, so that runs are held against the same samples


def split(source: Source, fraction: float, target_field: str | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices for training and held out, each in rising order; together every sample once.

    round(fraction * samples) are held out. Where the target is one whole number a sample, the part is stratified: of
    each class fraction * count are held out, rounded so that the total comes out (largest remainders; Hamilton's
    method). Of a target that cannot be seen whole (a Dataset from Python), samples are held out at random.

    DataError where one of the two parts would be empty.
    """
    samples = len(source)
    share = Fraction(str(fraction)) if 0 < fraction < 1 else Fraction(0)  # 0.2 is a fifth, not its nearest binary
    total = int(share * samples + Fraction(1, 2))
    if not 0 < total < samples:
        raise DataError(
            f"validation = {fraction} of {samples} samples leaves nothing to train on or nothing to hold out"
        )
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(SEED))
    classes = _classes(source, target_field)
    chosen = order[:total] if classes is None else _stratified(order, classes, share, total)
    held_out = torch.zeros(samples, dtype=torch.bool)
    held_out[chosen] = True
    return (~held_out).nonzero().flatten(), held_out.nonzero().flatten()


def seats(counts: list[int], share: Fraction, total: int, ties: list[int]) -> list[int]:
    """How many of each class are held out: share * count rounded down, and the places that then are left to the classes
    with the largest remainders; among equal ones to the lower number in `ties`."""
    exact = [share * count for count in counts]
    whole = [int(each) for each in exact]
    neediest = sorted(range(len(counts)), key=lambda index: (whole[index] - exact[index], ties[index]))
    for index in neediest[: total - sum(whole)]:
        whole[index] += 1
    return whole


def _classes(source: Source, target_field: str | None) -> torch.Tensor | None:
    """One whole number for each sample, or None where there is none."""
    if target_field is None:
        return None
    values = source.values(target_field)
    if values is None or values.dim() != 1 or values.is_floating_point() or values.is_complex():
        return None
    return values


def _stratified(order: torch.Tensor, classes: torch.Tensor, share: Fraction, total: int) -> torch.Tensor:
    """Of each class those that come first in `order`."""
    _, numbers, counts = torch.unique(classes[order], return_inverse=True, return_counts=True)
    by_class = torch.argsort(numbers, stable=True)  # places in `order`, class after class
    starts = counts.cumsum(0) - counts
    ties: list[int] = by_class[starts].tolist()  # by chance: where the class first comes in `order`
    quota = torch.tensor(seats(counts.tolist(), share, total, ties))
    rank = torch.arange(len(order)) - starts[numbers[by_class]]
    return order[by_class[rank < quota[numbers[by_class]]]]
