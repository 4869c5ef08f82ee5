"""Every type by name: its signature and its family, as data made from torch and read without it."""

from dsl.catalogue.binding import Problem, bind, signature_of
from dsl.catalogue.entries import REQUIRED, Entry, Parameter
from dsl.catalogue.lookup import find, find_optimizer, names, optimizer_names
from dsl.catalogue.suggestions import suggest
from dsl.catalogue.types import mismatch

__all__ = [
    "REQUIRED",
    "Entry",
    "Parameter",
    "Problem",
    "bind",
    "find",
    "find_optimizer",
    "mismatch",
    "names",
    "optimizer_names",
    "signature_of",
    "suggest",
]
