"""SIGKILL at random moments: benchmarks/kills.py, a few times in each test run and many times on request."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.long)])
def test_a_killed_run_goes_on_as_if_nobody_had_killed_it(kills):
    words = [sys.executable, "-W", "error", "benchmarks/kills.py", "--kills", str(kills), "--seed", "1"]
    done = subprocess.run(words, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| in all | {kills} |" in done.stdout
    assert done.stdout.endswith("Runs that ended with anything else: 0.\n")
