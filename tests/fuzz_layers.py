"""Texts of one layer by chance: any type of the catalogue, any values for its arguments, inputs of any shape."""

from __future__ import annotations

import random
from typing import Final

from fuzz_words import TYPES

from dsl.catalogue.lookup import find_known, find_optimizer, optimizer_names

VALUES: Final = [
    "0", "-1", "1", "2", "2", "3", "3", "4", "7", "100", "10000000000", "1" + "0" * 30, "9223372036854775807", "0.5",
    "nan", "inf", "-0.5", '""', "true", "false", "[]", "[0]", "[-1, 2]", "[1, 2]", "[1, 2, 3]", "[2, 2, 2, 2]",
    "[[1, 2], [3, 4]]", "[[0, 1], [-1, -2]]", '"x"', '"y"', '"mean"', '"none"', '"sum"', '"int64"', '"reflect"',
    '"same"', '"valid"', '"${x}"', '"${none}"', '"${x.shape[0]}"', '"${x.shape}"', '"${inf}"', '["x", "y"]', '["x"]',
    "[0.5, 0.5]", '{ type = "ReLU" }', "{ tensor = [1, 2] }", "{ tensor = [] }", "{}", '"n c h w -> n (h w) c"',
    '{ tensor = [[1], [2]], dtype = "int64" }', '"ij,jk->ik"', "[1000000, 1000000]", "[100000, 100000]",
]  # fmt: skip
SHAPES: Final = [
    '["N", 3, 8, 8]', '["N", 4]', "[4]", "[]", '["N", "T", 4]', "[2, 3, 4]", "[0, 4]", '["N", 3, "H", "W"]',
    "[100000, 100000]", "[1, 1, 1, 1, 1]", '["N"]', "[3, 3]", '{ shape = ["N", 4], dtype = "int64", high = 5 }',
    '{ shape = [4, 4], dtype = "complex64" }', '{ shape = [4], dtype = "bool" }', '["A", "B"]',
    '{ options = ["a", "b"] }',
]  # fmt: skip
READS: Final = [
    "", "", ', input = "x"', ', input = ["x", "y"]', ', input = ["x", "x"]', ', input = ["x", "y", "x"]',
    ', input = [["x", "y"]]',
]  # fmt: skip


def layer_text(chance: random.Random) -> str:
    """A model of one layer, sometimes with an optimizer."""
    name = chance.choice(TYPES)
    entry = find_known(name)
    assert entry is not None
    signature = chance.choice([entry.parameters, *entry.overloads])
    taken = [each.name for each in signature if (each.required and not each.takes_tensor) or chance.random() < 0.25]
    arguments = "".join(f", {each} = {chance.choice(VALUES)}" for each in taken)
    reads = "" if "input" in taken else chance.choice(READS)
    second = f", y = {chance.choice(SHAPES)}" if chance.random() < 0.5 else ""
    model = f"inputs = {{ x = {chance.choice(SHAPES)}{second} }}\n"
    model += f'layers = [{{ type = "{name}"{reads}{arguments} }}]\n'
    return f"[model]\n{model}" + (_optimizer(chance) if chance.random() < 0.1 else "")


def _optimizer(chance: random.Random) -> str:
    name = chance.choice(optimizer_names())
    entry = find_optimizer(name)
    assert entry is not None
    taken = [each.name for each in entry.parameters if chance.random() < 0.4]
    return f'[optimizer]\ntype = "{name}"\n' + "".join(f"{each} = {chance.choice(VALUES)}\n" for each in taken)
