"""Every loss of torch trains a small spec; what it reads goes by the roles of its arguments."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import builder
import dsl
from builder.checking import check
from dsl.catalogue import find, names

_ONE = '{ type = "Linear", out_features = 3 }'
_CLASSES = 'target = { shape = ["N"], dtype = "int64", high = 3 }'
_NUMBERS = 'target = { shape = ["N", 3] }'
_SIGNS = '{ name = "target", type = "sign", input = "target" }'  # 1 and -1 of normal numbers
_SIGMOID, _SOFTMAX = f'{_ONE}, {{ type = "sigmoid" }}', f'{_ONE}, {{ type = "log_softmax", dim = 1 }}'
_PROBABLE = '{ name = "target", type = "sigmoid", input = "target" }'
_SHARED = '{ name = "target", type = "softmax", input = "target", dim = 1 }'


def _named(*outputs: str) -> str:
    """A model with an output for each role."""
    layers = ", ".join(f'{{ name = "{each}", type = "Linear", out_features = 3, input = "x" }}' for each in outputs)
    return f"{layers}] \noutputs = [{', '.join(repr(each) for each in outputs)}"


_TRIPLET = _named("anchor", "positive", "negative")
_PAIR = _named("input1", "input2")
_GAUSS = (
    '{ name = "mean", type = "Linear", out_features = 3, input = "x" }, '
    '{ name = "raw", type = "Linear", out_features = 3, input = "x" }, { name = "var", type = "softplus" }] \n'
    'outputs = ["mean", "var"'
)
_CTC = (
    '{ type = "Linear", out_features = 24 }, { type = "unflatten", dim = 1, sizes = [8, 3] }, '
    '{ type = "log_softmax", dim = 2 }, { type = "transpose", dim0 = 0, dim1 = 1 }'
)
_LABELS = (
    'target = { shape = ["N", 3], dtype = "int64", low = 1, high = 3 }, '
    'input_lengths = { shape = ["N"], dtype = "int64", low = 7, high = 9 }, '
    'target_lengths = { shape = ["N"], dtype = "int64", low = 1, high = 4 }'
)
_COUNTS = 'target = { shape = ["N", 3], dtype = "int64", high = 5 }'
_LISTS = 'target = { shape = ["N", 3], dtype = "int64", high = 3 }'
_MANY = 'target = { shape = ["N"], dtype = "int64", high = 10 }'

# The class and the function of a loss (either may be missing): the model's layers, the data's fields, what prepares
# them, and the loss's own arguments.
CASES = {
    ("L1Loss", "l1_loss"): (_ONE, _NUMBERS, "", ""),
    ("MSELoss", "mse_loss"): (_ONE, _NUMBERS, "", ""),
    ("SmoothL1Loss", "smooth_l1_loss"): (_ONE, _NUMBERS, "", "beta = 0.5"),
    ("HuberLoss", "huber_loss"): (_ONE, _NUMBERS, "", "delta = 0.5"),
    ("CrossEntropyLoss", "cross_entropy"): (_ONE, _CLASSES, "", "label_smoothing = 0.1"),
    ("NLLLoss", "nll_loss"): (_SOFTMAX, _CLASSES, "", ""),
    ("MultiMarginLoss", "multi_margin_loss"): (_ONE, _CLASSES, "", ""),
    ("MultiLabelMarginLoss", "multilabel_margin_loss"): (_ONE, _LISTS, "", ""),
    ("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss"): (_ONE, _NUMBERS, _PROBABLE, ""),
    ("BCELoss", "binary_cross_entropy"): (_SIGMOID, _NUMBERS, _PROBABLE, ""),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"): (_ONE, _NUMBERS, _PROBABLE, ""),
    ("KLDivLoss", "kl_div"): (_SOFTMAX, _NUMBERS, _SHARED, 'reduction = "batchmean"'),
    ("PoissonNLLLoss", "poisson_nll_loss"): (_ONE, _COUNTS, "", ""),
    ("GaussianNLLLoss", "gaussian_nll_loss"): (_GAUSS, _NUMBERS, "", ""),
    ("HingeEmbeddingLoss", "hinge_embedding_loss"): (_ONE, _NUMBERS, _SIGNS, ""),
    ("SoftMarginLoss", "soft_margin_loss"): (_ONE, _NUMBERS, _SIGNS, ""),
    ("MarginRankingLoss", "margin_ranking_loss"): (_PAIR, _NUMBERS, _SIGNS, "margin = 0.5"),
    ("CosineEmbeddingLoss", "cosine_embedding_loss"): (_PAIR, 'target = { shape = ["N"] }', _SIGNS, ""),
    ("TripletMarginLoss", "triplet_margin_loss"): (_TRIPLET, "", "", ""),
    ("TripletMarginWithDistanceLoss", "triplet_margin_with_distance_loss"): (_TRIPLET, "", "", ""),
    ("CTCLoss", "ctc_loss"): (_CTC, _LABELS, "", ""),
    ("AdaptiveLogSoftmaxWithLoss", ""): (_ONE, _MANY, "", "n_classes = 10\ncutoffs = [4]\ndiv_value = 2.0"),
    ("LinearCrossEntropyLoss", ""): (_ONE, _MANY, "", "num_classes = 10"),
    ("", "linear_cross_entropy"): (_ONE, _MANY, "", ""),
}  # fmt: skip
EACH = {name: case for both, case in CASES.items() for name in both if name}


def _spec(name: str) -> str:
    layers, fields, prepare, arguments = EACH[name]
    loss = f'type = "{name}"\n{arguments}'
    if name == "linear_cross_entropy":  # a function has no parameters: the group has them
        loss = """layers = [
  { name = "weight", type = "Parameter", shape = [10, 3], init = { type = "normal_" } },
  { type = "linear_cross_entropy", input = { input = "output", linear_weight = "weight", target = "target" } },
]"""
    return f"""
[model]
inputs = {{ x = ["N", 4] }}
layers = [{layers}]

[loss]
{loss}

[optimizer]
type = "Adam"
lr = 0.02

[data]
source = "random"
samples = 24
batch_size = 10
fields = {{ {fields} }}
{f"prepare = [{prepare}]" if prepare else ""}

[train]
epochs = 8
"""


def test_the_list_is_all_of_torch() -> None:
    known = {name for name in names() if (entry := find(name)) and entry.kind == "loss"}
    torch_s = {name for name in vars(nn) if name.endswith("Loss") and name != "NLLLoss2d"}  # an old name of NLLLoss
    assert known == set(EACH)
    assert torch_s == {name for name in EACH if name[0].isupper()}


@pytest.mark.parametrize("name", EACH)
def test_a_loss_trains_and_goes_down(name: str, tmp_path) -> None:
    run = builder.train(dsl.loads(_spec(name)), out=tmp_path / "run", device="cpu")
    losses = [row["train_loss"] for row in run.rows]
    assert losses[-1] < losses[0], losses


def test_roles_are_outputs_and_never_inputs_of_their_name() -> None:
    """The inputs of a triplet are often called so too: a loss over them would train nothing."""
    text = _spec("TripletMarginLoss").replace("outputs = [", 'outputs = ["positive", "negative", "anchor"] #')
    loss = builder.objective(dsl.loads(text))
    anchor, positive, negative = torch.randn(3, 5, 3)
    found = loss((positive, negative, anchor), {"anchor": torch.zeros(5, 3)})
    assert torch.equal(found, nn.TripletMarginLoss()(anchor, positive, negative))


def test_the_output_that_no_role_takes_is_the_first() -> None:
    loss = builder.objective(dsl.loads(_spec("GaussianNLLLoss")))
    mean, target, var = torch.randn(5, 3), torch.randn(5, 3), torch.rand(5, 3)
    assert torch.equal(loss((mean, var), {"x": mean, "target": target}), nn.GaussianNLLLoss()(mean, target, var))


def _faults(text: str) -> str:
    with pytest.raises(dsl.SpecError) as caught:
        check(dsl.loads(text, "spec.toml"))
    return str(caught.value)


def test_roles_without_a_name_are_told() -> None:
    told = _faults(_spec("TripletMarginLoss").replace("positive", "near"))
    assert (
        told
        == """\
error[input]: TripletMarginLoss reads `anchor`, `positive` and `negative`, and there is no output `positive`
 --> spec.toml:8:1
  |
8 | type = "TripletMarginLoss"
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = outputs: anchor, near, negative
  = fields: x
  = fix: add input = { anchor = "...", positive = "...", negative = "..." }"""
    )


def test_lengths_without_a_field_are_told() -> None:
    told = _faults(_spec("CTCLoss").replace("target_lengths =", "label_lengths ="))
    assert "CTCLoss reads `log_probs`, `targets`, `input_lengths` and `target_lengths`, and there is no field" in told
    assert "there is no field `target_lengths`" in told


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("CrossEntropyLoss", 'target = { shape = ["N"] }', "reads class numbers (int64) of shape (N,)"),
        ("BCELoss", _LISTS, "reads a target of the input's dtype (float32), but target is int64"),
        ("BCEWithLogitsLoss", _LISTS, "reads a target of floating-point numbers, but target is int64"),
        ("MultiLabelMarginLoss", _NUMBERS, "reads class numbers (int64) of shape (N, 3)"),
        ("AdaptiveLogSoftmaxWithLoss", 'target = { shape = ["N"] }', "reads class numbers (int64) of shape (N,)"),
    ],
)
def test_dtypes_are_checked_without_training(name: str, wrong: str, told: str) -> None:
    text = _spec(name).replace(EACH[name][1], wrong).replace(f"prepare = [{EACH[name][2]}]", "")
    assert told in _faults(text)
