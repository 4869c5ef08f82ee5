"""What may go wrong on the way out."""


class ExportError(RuntimeError):
    """A model that a format cannot hold, or that comes back as another. A plain sentence."""
