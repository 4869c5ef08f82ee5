"""What a shape rule is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from builder.shapes.call import Call, Made

# None: this form of the type is not the rule's to judge, and torch is asked instead.
Rule: TypeAlias = Callable[[Call], Made | None]
