"""Warnings about a sound spec: what is allowed and is still likely a mistake. Brings no torch."""

from builder.lint.checks import lint

__all__ = ["lint"]
