"""A spec's tables -> its records, by topic."""

from dsl.reading.training import TrainingReader

__all__ = ["TrainingReader"]
