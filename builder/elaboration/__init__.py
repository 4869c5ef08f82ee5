"""A spec becomes shaped nodes in one pass from top to bottom, or all its faults at once."""

from builder.elaboration.sight import Seen
from builder.elaboration.whole import Elaboration, elaborate, elaborate_loss, elaborate_model, elaborate_prepare

__all__ = ["Elaboration", "Seen", "elaborate", "elaborate_loss", "elaborate_model", "elaborate_prepare"]
