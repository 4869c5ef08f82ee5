"""Training: a leaf that sees a module, batches and plain settings, and yields events. It reads no spec and prints
nothing."""

from builder.training.accuracy import accuracy_for
from builder.training.batches import Batch, Batches
from builder.training.errors import CheckpointError, Diverged, OptimizerError, TrainingError
from builder.training.evaluation import evaluate
from builder.training.folder import RunFolder, next_free
from builder.training.loop import fit
from builder.training.settings import Settings, resolve_precision
from builder.training.task import Task, place_task

__all__ = [
    "Batch",
    "Batches",
    "CheckpointError",
    "Diverged",
    "OptimizerError",
    "RunFolder",
    "Settings",
    "Task",
    "TrainingError",
    "accuracy_for",
    "evaluate",
    "fit",
    "next_free",
    "place_task",
    "resolve_precision",
]
