"""`python -m builder SPEC ...` and the command `tomograph`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; the result is the exit status."""
    from builder.commands.entry import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
