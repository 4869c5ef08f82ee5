"""Every type by name: its signature and its family, as data made from torch and read without it."""

from dsl.catalogue.absent import Absent, absent
from dsl.catalogue.binding import Problem, bind, signature_of
from dsl.catalogue.entries import REQUIRED, Entry, Parameter
from dsl.catalogue.lookup import (
    find,
    find_optimizer,
    find_scheduler,
    find_settings,
    from_python,
    names,
    optimizer_names,
    scheduler_names,
)
from dsl.catalogue.signatures import RegistrationError
from dsl.catalogue.suggestions import suggest
from dsl.catalogue.types import mismatch

__all__ = [
    "REQUIRED",
    "Absent",
    "Entry",
    "Parameter",
    "Problem",
    "RegistrationError",
    "absent",
    "bind",
    "find",
    "find_optimizer",
    "find_scheduler",
    "find_settings",
    "from_python",
    "mismatch",
    "names",
    "optimizer_names",
    "scheduler_names",
    "signature_of",
    "suggest",
]
