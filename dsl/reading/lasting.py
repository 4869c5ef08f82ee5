"""`[train]`: how long a run goes on, and what decides its result beside the model, the data and the optimizer."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from dsl.reading.optimizing import OptimizerReader
from dsl.records import Average, EarlyStopping, Train
from dsl.tables import Table, is_number, is_texts

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_DURATIONS: Final = 'a number of seconds, or text such as "2h30m"'


class RunReader(OptimizerReader):
    def train(self, table: Table) -> Train:
        device = table.value(
            "device", "auto", lambda value: isinstance(value, str) or is_texts(value), "a device or several"
        )
        epochs, steps = table.whole("epochs", None, 1), table.whole("steps", None, 1)
        if epochs is not None and steps is not None:
            self.faults.add(table.place.at("steps"), "training lasts for `epochs` or for `steps`, not both", "key")
        limit = table.value("time_limit", None, lambda value: seconds(value) is not None, _DURATIONS)
        train = Train(
            place=table.place, epochs=epochs, steps=steps, seed=table.whole("seed", 0),
            device=tuple(device) if isinstance(device, list) else device,
            precision=table.word("precision", "float32", ("float32", "bf16", "fp16", "auto")),
            memory_format=table.word("memory_format", "contiguous", ("contiguous", "channels_last")),
            clip_grad_norm=table.number("clip_grad_norm", None, 0.0),
            clip_grad_value=table.number("clip_grad_value", None, 0.0),
            accumulate=table.whole("accumulate", 1, 1), early_stopping=self.early_stopping(table),
            average=self.average(table), compile=table.truth("compile", False),
            deterministic=table.truth("deterministic", False), time_limit=seconds(limit),
            save_every=table.whole("save_every", None, 1),
        )  # fmt: skip
        table.close()
        return train

    def early_stopping(self, train: Table) -> EarlyStopping | None:
        table = train.table("early_stopping")
        if table is None:
            return None
        found = EarlyStopping(
            place=table.place, metric=table.text("metric"), patience=table.whole("patience", 5, 1),
            min_delta=table.value("min_delta", 0.0, lambda each: is_number(each) and each >= 0, "a number from 0 on"),
        )  # fmt: skip
        table.close(" of `early_stopping`")
        return found

    def average(self, train: Table) -> Average | None:
        table = train.table("average")
        if table is None:
            return None
        kind = table.word("type", "EMA", ("EMA", "SWA"))
        found = Average(
            place=table.place, type=kind,
            decay=table.value("decay", 0.999, lambda each: is_number(each) and 0 < each < 1, "a number in (0, 1)"),
            start=table.value("start", 0.75, lambda each: is_number(each) and 0 <= each < 1, "a number in [0, 1)"),
        )  # fmt: skip
        other = "start" if kind == "EMA" else "decay"
        if table.has(other):
            self.faults.add(table.place.at(other), f"`{other}` has no meaning for {kind}", "key", part="key")
        table.close(" of `average`")
        return found


def seconds(value: Any) -> float | None:
    """A duration as it is written; None where it is none."""
    if is_number(value):
        return float(value) if value > 0 and math.isfinite(value) else None
    parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
    hours, minutes, rest = (int(each or 0) for each in parts.groups()) if parts else (0, 0, 0)
    return float(hours * 3600 + minutes * 60 + rest) or None
