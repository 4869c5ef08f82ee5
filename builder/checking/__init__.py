"""The whole of a spec held together: data, `prepare`, model, loss, optimizer. Brings no torch where rules suffice."""

from builder.checking.data import feed, request_of, target_of
from builder.checking.losses import loss_sight
from builder.checking.weights import path_of, without_start
from builder.checking.whole import (
    Checked,
    Examined,
    check,
    check_around,
    examine,
    examine_read,
    examine_text,
    load,
    with_meaning,
)

__all__ = [
    "Checked",
    "Examined",
    "check",
    "check_around",
    "examine",
    "examine_read",
    "examine_text",
    "feed",
    "load",
    "loss_sight",
    "path_of",
    "request_of",
    "target_of",
    "with_meaning",
    "without_start",
]
