"""A short text cannot ask for more than a machine holds: what it multiplies is bounded, and told.

Each case would otherwise take minutes or all memory; fuzzing found them, or they were found beside what it found.
"""

from __future__ import annotations

import pytest

from builder.checking import examine_text
from builder.fixing import faults_of

MODEL = "[model]\ninputs = {{ x = {shape} }}\nlayers = [{layers}]\n"
DOUBLED = "".join(f'[blocks.B{k}]\nlayers = [{{ type = "B{k + 1}" }}, {{ type = "B{k + 1}" }}]\n' for k in range(40))
MADE = "`repeat` and blocks make more than 10,000 layers out of those that are written"

TOO_MUCH = {
    "repeats in a repeat": (
        '["N", 4]', '{ repeat = 10000, layers = [{ type = "relu", repeat = 10000 }] }', MADE,
    ),
    "parts of a dim": (
        '["N", 10000000]', '{ type = "unbind", dim = 1 }',
        "unbind makes 10,000,000 tensors, and a layer may make 10,000 at most",
    ),
    "chunks": (
        '["N", "T"]', '{ type = "chunk", chunks = 100000000, dim = 1 }',
        "chunk makes 100,000,000 tensors, and a layer may make 10,000 at most",
    ),
    "pieces of one place": (
        '[10000001]', '{ type = "split", split_size_or_sections = 2 }',
        "split makes 5,000,001 tensors, and a layer may make 10,000 at most",
    ),
    "sections": (
        "[10000000]", '{ type = "tensor_split", sections = 5000000 }',
        "tensor_split takes 10,000 sections at most, not 5,000,000",
    ),
    "layers of a layer": (
        '["N", 4]', '{ type = "LSTM", hidden_size = 4, num_layers = 100000000 }',
        "LSTM takes 200 num_layers at most, not 100,000,000",
    ),
    "encoders": (
        "[2, 3, 4]", '{ type = "Transformer", d_model = 4, nhead = 2, num_encoder_layers = 20000, input = ["x", "x"] }',
        "Transformer takes 200 num_encoder_layers at most, not 20,000",
    ),
    "numbers that are read": (
        "[100000000000]", '{ type = "cov" }',
        "what cov makes can be told only by running it, on 1,048,576 numbers at most",
    ),
    "numbers that are made": (
        "[40]", '{ type = "combinations", r = 10 }',
        "what combinations makes can be told only by running it, on 1,048,576 numbers at most",
    ),
    "bins": (
        "[10]", '{ type = "histogram", bins = 100000000000 }',
        "what histogram makes can be told only by running it, on 1,048,576 numbers at most",
    ),
    "repeats of an element": (
        "[2, 4]", '{ type = "repeat_interleave", repeats = [10000000000, 2], dim = 0 }',
        "what repeat_interleave makes can be told only by running it, on 1,048,576 numbers at most",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("shape", "layers", "told"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_what_a_layer_multiplies_is_bounded(shape: str, layers: str, told: str) -> None:
    faults = faults_of(MODEL.format(shape=shape, layers=layers), "spec.toml")
    assert [each.message for each in faults] == [told]


def test_blocks_of_blocks_are_bounded() -> None:
    last = '[blocks.B40]\nlayers = [{ type = "relu" }]\n'
    text = MODEL.format(shape='["N", 4]', layers='{ type = "B0" }') + DOUBLED + last
    assert [each.message for each in faults_of(text, "spec.toml")] == [MADE]


def test_what_fits_the_bounds_is_sound() -> None:
    layers = ('{ repeat = 50, layers = [{ type = "relu", repeat = 100 }] }, { type = "repeat_interleave", '
              'repeats = [1, 2], dim = 0 }, { type = "LSTM", hidden_size = 4, num_layers = 200 }, '
              '{ type = "unbind", input = "x", dim = 1 }')  # fmt: skip
    assert faults_of(MODEL.format(shape="[2, 4]", layers=layers), "spec.toml") == ()


@pytest.mark.parametrize("end", ["", ".csv", "/x", "/"])
def test_a_source_that_no_file_can_be_called_is_told(end: str) -> None:
    """A system's own objection to a name of 5,000 letters is no traceback."""
    text = (
        f'[model]\ninputs = {{ x = ["N", 3] }}\nlayers = [{{ type = "ReLU" }}]\n[data]\nsource = "{"x" * 5000}{end}"\n'
    )
    assert [each.code for each in examine_text(text, "long.toml").faults] == ["data"]
