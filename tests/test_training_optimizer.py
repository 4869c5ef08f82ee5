"""Optimizers by name: the seed's own numbers, and torch's behaviour beside ours."""

import copy

import pytest
import torch
from torch import nn

from builder.training import OptimizerError, optimizer
from builder.training.optimizer import Group
from builder.training.several import Several


def group(pattern, arguments):
    return Group(patterns=(pattern,), arguments=arguments)


class Weights(nn.Module):
    """The seed's two matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2))
        self.weight2 = nn.Parameter(torch.randn(3, 3))


def test_the_seeds_steps():
    model = Weights()
    groups = [group("weight2", {"lr": 0.0001, "nesterov": True})]
    made = optimizer.make("SGD", {"lr": 0.1, "momentum": 0.9}, groups, model)
    before = model.weight.detach().clone()
    model.weight.grad = torch.ones(2, 2)
    made.step()
    torch.testing.assert_close(model.weight.detach(), before - 0.1)
    made.zero_grad(set_to_none=False)
    for _ in range(50):
        made.step()
    buffer = made.state[model.weight]["momentum_buffer"]
    assert [[f"{value:.4f}" for value in row] for row in buffer.tolist()] == [["0.0052"] * 2] * 2  # 0.9 ** 50


def test_the_seeds_second_group():
    model = Weights()
    made = optimizer.make(
        "SGD", {"lr": 0.1, "momentum": 0.9}, [group("weight2", {"lr": 1e-4, "nesterov": True})], model
    )
    first, second = made.param_groups
    assert first["params"][0] is model.weight
    assert (first["lr"], first["momentum"], first["nesterov"]) == (0.1, 0.9, False)
    assert second["params"][0] is model.weight2
    assert (second["lr"], second["momentum"], second["nesterov"]) == (0.0001, 0.9, True)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop"])
def test_state_goes_on_exactly(name):
    def steps(model, made, count):
        for _ in range(count):
            for each in model.parameters():
                each.grad = each.detach() * 0.3 + 0.1
            made.step()

    torch.manual_seed(1)
    model = Weights()
    made = optimizer.make(name, {"lr": 0.01}, [], model)
    steps(model, made, 3)
    twin = copy.deepcopy(model)
    resumed = optimizer.make(name, {"lr": 0.01}, [], twin)
    resumed.load_state_dict(copy.deepcopy(made.state_dict()))
    steps(model, made, 4)
    steps(twin, resumed, 4)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), twin.parameters(), strict=True))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_fused_is_the_same_update(name):
    torch.manual_seed(2)
    ours, plain = (copy.deepcopy(each) for each in [Weights()] * 2)
    arguments = {"lr": 0.01, "momentum": 0.9} if name == "SGD" else {"lr": 0.01}
    made, reference = (
        optimizer.make(name, arguments, [], ours),
        getattr(torch.optim, name)(plain.parameters(), **arguments),
    )
    assert made.param_groups[0]["fused"] is True
    for _ in range(20):
        for one, two in zip(ours.parameters(), plain.parameters(), strict=True):
            one.grad = torch.randn_like(one)
            two.grad = one.grad.clone()
        made.step()
        reference.step()
    for one, two in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


def test_the_arguments_choose_the_kernel():
    assert optimizer.make("AdamW", {"foreach": True}, [], Weights()).param_groups[0]["fused"] is None
    assert optimizer.make("AdamW", {"fused": False}, [], Weights()).param_groups[0]["fused"] is False


def test_first_matching_group_takes_a_parameter():
    model = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(3, 4)})
    groups = [group("*.bias", {"weight_decay": 0.0}), group("b*", {"lr": 0.5})]
    made = optimizer.make("AdamW", {"lr": 0.1, "betas": [0.8, 0.9]}, groups, model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = [[names[id(each)] for each in group["params"]] for group in made.param_groups]
    assert found == [["a.weight"], ["a.bias", "b.bias"], ["b.weight"]]
    assert [group["lr"] for group in made.param_groups] == [0.1, 0.1, 0.5]
    assert [group["betas"] for group in made.param_groups] == [(0.8, 0.9)] * 3


def test_no_group_for_the_rest_where_there_is_none():
    made = optimizer.make("SGD", {"lr": 0.1}, [group("*", {"lr": 0.2})], nn.Linear(2, 2))
    assert [group["lr"] for group in made.param_groups] == [0.2]


def test_a_tied_parameter_goes_by_its_first_name():
    model = nn.ModuleDict({"first": nn.Linear(2, 2, bias=False), "second": nn.Linear(2, 2, bias=False)})
    model["second"].weight = model["first"].weight
    made = optimizer.make("SGD", {"lr": 0.1}, [group("first.*", {"lr": 0.2})], model)
    assert [len(group["params"]) for group in made.param_groups] == [1]
    with pytest.raises(OptimizerError, match=r"^the group 'second\.\*' matches only tied parameters"):
        optimizer.make("SGD", {"lr": 0.1}, [group("second.*", {"lr": 0.2})], model)


def test_what_is_frozen_does_not_train():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    made = optimizer.make("SGD", {"lr": 0.1}, [group("0.*", {"lr": 1.0})], model)
    assert [group["params"] for group in made.param_groups] == [[model[1].weight, model[1].bias]]
    model.requires_grad_(False)
    with pytest.raises(OptimizerError, match=r"^the model has no parameter that trains$"):
        optimizer.make("SGD", {"lr": 0.1}, [], model)


@pytest.mark.parametrize(
    ("name", "arguments", "groups", "message"),
    [
        ("AdamWW", {}, [], "torch.optim has no optimizer 'AdamWW'; did you mean 'AdamW'?"),
        ("Optimizer", {}, [], "torch.optim has no optimizer 'Optimizer'"),
        ("lr_scheduler", {}, [], "torch.optim has no optimizer 'lr_scheduler'"),
        ("SGD", {"lr": -1.0}, [], "SGD: Invalid learning rate: -1.0"),
        ("SGD", {"momentun": 0.9}, [], "SGD: got an unexpected keyword argument 'momentun'"),
        ("SGD", {}, [group("fc.*", {})], "the group 'fc.*' matches no parameter; the model has weight, bias"),
        ("SGD", {}, [group("*", {}), group("bias", {})],
            "the group 'bias' is left with no parameter: earlier groups take all that it matches"),
        ("SGD", {}, [group("bias", {"momentun": 0.9})],
            "SGD has no argument 'momentun' for the group 'bias'; did you mean 'momentum'?"),
        ("Muon", {}, [], "Muon trains matrices alone, and these are none: bias (2,); give them a group with a type of"),
        ("SparseAdam", {}, [], "SparseAdam trains what gets sparse gradients (Embedding with sparse = true), and "),
    ],
)  # fmt: skip
def test_says_what_is_wrong(name, arguments, groups, message):
    with pytest.raises(OptimizerError) as caught:
        optimizer.make(name, arguments, groups, nn.Linear(2, 2))
    assert str(caught.value).startswith(message)


def test_a_group_may_have_an_optimizer_of_its_own():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    rest = Group(patterns=("*.bias", "1.*"), arguments={"lr": 0.01}, type="AdamW")
    made = optimizer.make("Muon", {"lr": 0.02}, [rest], model)
    assert isinstance(made, Several)
    assert [type(each).__name__ for each in made.parts] == ["Muon", "AdamW"]
    assert optimizer.described(made) == "Muon and fused AdamW"
    twin = copy.deepcopy(model)
    muon = torch.optim.Muon([twin[0].weight, twin[2].weight], lr=0.02)
    adam = torch.optim.AdamW([twin[0].bias, twin[1].weight, twin[1].bias, twin[2].bias], lr=0.01, fused=True)
    x = torch.randn(5, 3)
    for _ in range(3):
        for network, several in ((model, [made]), (twin, [muon, adam])):
            for each in several:
                each.zero_grad()
            network(x).square().sum().backward()
            for each in several:
                each.step()
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), twin.parameters(), strict=True))
    resumed = optimizer.make("Muon", {"lr": 0.02}, [rest], model)
    resumed.load_state_dict(copy.deepcopy(made.state_dict()))
    assert resumed.param_groups[1] is resumed.parts[1].param_groups[0]
    assert torch.equal(resumed.state_dict()["parts"][0]["state"][0]["momentum_buffer"],
                       muon.state_dict()["state"][0]["momentum_buffer"])  # fmt: skip


def test_sparse_gradients_go_to_those_that_take_them():
    model = nn.ModuleDict({"words": nn.Embedding(5, 3, sparse=True), "fc": nn.Linear(3, 2)})
    with pytest.raises(OptimizerError, match=r"^Adam does not take the sparse gradients .*: words\.weight; give them"):
        optimizer.make("Adam", {}, [], model)
    made = optimizer.make("Adam", {}, [Group(patterns=("words.*",), type="SparseAdam")], model)
    model["fc"](model["words"](torch.tensor([1, 2]))).sum().backward()
    before = model["words"].weight.detach().clone()
    made.step()
    moved = (model["words"].weight.detach() != before).any(1)
    assert moved.tolist() == [False, True, True, False, False]
    assert optimizer.make("SGD", {"lr": 0.1}, [], model).param_groups[0]["fused"] is None  # it has no sparse kernel
