"""Where the language and torch meet: a spec's model, data, loss and optimizer made real, and trained."""

from builder.experiment.objective import Objective, objective
from builder.experiment.whole import Experiment, Result, train

__all__ = ["Experiment", "Objective", "Result", "objective", "train"]
