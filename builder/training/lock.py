"""One run at a time in a folder: a file that says which process is at work there."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builder.files import OutputError, reason


@contextmanager
def locked(folder: Path) -> Iterator[str]:
    """While it is entered, no other run can enter it for the folder. Gives words where a lock was taken over that a
    process left which is gone, else none.

    Raises OutputError where another run is at work, or the folder cannot be written.
    """
    path, own = folder / "run.lock", _this_process()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        told = _take(path, own)
    except FileExistsError as error:
        raise OutputError(f"cannot write {folder}: it is not a folder") from error
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {reason(error)}") from error
    try:
        yield told
    finally:
        if _read(path) == own:
            path.unlink(missing_ok=True)


def _take(path: Path, own: dict[str, Any]) -> str:
    aside = path.with_name(f".run.lock.{own['host']}.{own['pid']}.{os.urandom(4).hex()}.aside")
    aside.write_text(json.dumps(own), encoding="utf-8")
    try:
        told = ""
        while not _linked(aside, path):
            other = _read(path)
            if other is not None and _is_at_work(other):
                raise OutputError(_in_use(path, other))
            if other is None and path.exists():
                raise OutputError(f"{path} is no lock of this program: remove it if no run is at work there")
            told = f"{path} was left by a process that is gone, and is taken over"
            _remove(path, other)
        return told
    finally:
        aside.unlink(missing_ok=True)


def _linked(aside: Path, path: Path) -> bool:
    """Give the file that is written the lock's name, which one process alone can: whether this one did."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            return False
        with os.fdopen(handle, "wb") as file:
            file.write(aside.read_bytes())
    return True


def _remove(path: Path, stale: dict[str, Any] | None) -> None:
    """Take the stale lock away, and no other that has meanwhile come in its place."""
    taken = path.with_name(f"{path.name}.{os.getpid()}.stale")
    try:
        os.replace(path, taken)
    except FileNotFoundError:
        return
    if _read(taken) != stale:
        os.replace(taken, path)
        return
    taken.unlink()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and {"pid", "host", "started"} <= set(found) else None


def _this_process() -> dict[str, Any]:
    pid = os.getpid()
    return {"pid": pid, "host": platform.node(), "started": _started(pid)}


def _is_at_work(other: dict[str, Any]) -> bool:
    """Whether the process is alive, as far as can be told: of another machine's nothing can."""
    if other["host"] != platform.node():
        return True
    if not isinstance(other["pid"], int) or other["pid"] <= 0:
        return False
    try:
        os.kill(other["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return bool(_started(other["pid"]) == other["started"])


def _started(pid: int) -> str | None:
    """When the process began, in the kernel's own count, which no clock moves: a number given anew has another. None
    where it is gone and only not yet buried, "" where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return None if fields[0] in "ZX" else fields[19]


def _in_use(path: Path, other: dict[str, Any]) -> str:
    where = f"process {other['pid']} on {other['host']}"
    hint = "" if other["host"] == platform.node() else f"; if that is gone, remove {path}"
    return f"{path.parent} is in use: {where} trains there{hint}"
