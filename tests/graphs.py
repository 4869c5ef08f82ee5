"""Graphs written by hand, as elaboration would give them: for tests of what reads a graph."""

from __future__ import annotations

from typing import Any

import networkx

from builder.graph import Node, Region, assemble


def lenet() -> networkx.DiGraph[str]:
    """LeNet for 32x32 images: 61,706 parameters."""
    nodes = [
        input_node("image", ["N", 1, 32, 32]),
        _convolution("conv1", "inputs.image", 1, 6, 5, ["N", 1, 32, 32], ["N", 6, 28, 28]),
        _function("1", "relu", "activation", "conv1", ["N", 6, 28, 28]),
        _function("2", "max_pool2d", "pooling", "1", ["N", 6, 28, 28], ["N", 6, 14, 14], kernel_size=2),
        _convolution("conv2", "2", 6, 16, 5, ["N", 6, 14, 14], ["N", 16, 10, 10]),
        _function("4", "relu", "activation", "conv2", ["N", 16, 10, 10]),
        _function("5", "max_pool2d", "pooling", "4", ["N", 16, 10, 10], ["N", 16, 5, 5], kernel_size=2),
        _function("6", "flatten", "shape", "5", ["N", 16, 5, 5], ["N", 400], start_dim=1),
        _linear("fc1", "6", 400, 120),
        _function("8", "relu", "activation", "fc1", ["N", 120]),
        _linear("fc2", "8", 120, 84),
        _function("10", "relu", "activation", "fc2", ["N", 84]),
        _linear("fc3", "10", 84, 10),
        output_node("output", "fc3", ["N", 10]),
    ]
    return _graph("Net", nodes, {})


def alexnet() -> networkx.DiGraph[str]:
    """AlexNet for one-channel 224x224 images, with the groups `conv` and `fc`: 46,764,746 parameters."""
    sizes = {0: (1, 96, 11, 224, 54), 3: (96, 256, 5, 26, 26), 6: (256, 384, 3, 12, 12), 8: (384, 384, 3, 12, 12)}
    sizes[10] = (384, 256, 3, 12, 12)
    pools = {2: (96, 54, 26), 5: (256, 26, 12), 12: (256, 12, 5)}
    nodes, before = [input_node("image", ["N", 1, 224, 224])], "inputs.image"
    for index in range(13):
        name = f"conv.{index}"
        if index in sizes:
            into, out, kernel, low, high = sizes[index]
            more: dict[str, Any] = {"stride": 4} if index == 0 else {"padding": kernel // 2}
            shapes: tuple[list[Any], list[Any]] = ["N", into, low, low], ["N", out, high, high]
            nodes.append(_convolution(name, before, into, out, kernel, *shapes, region="conv", **more))
        elif index in pools:
            channels, low, high = pools[index]
            shapes = ["N", channels, low, low], ["N", channels, high, high]
            arguments = {"kernel_size": 3, "stride": 2}
            nodes.append(_module(name, "MaxPool2d", "pooling", before, *shapes, region="conv", arguments=arguments))
        else:
            shape = nodes[-1].shape
            nodes.append(_module(name, "ReLU", "activation", before, shape, shape, region="conv"))
        before = name
    nodes.append(_function("1", "flatten", "shape", "conv.12", ["N", 256, 5, 5], ["N", 6400], start_dim=1))
    before = "1"
    for index, kind in enumerate(["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]):
        name, into, out = f"fc.{index}", 6400 if index == 0 else 4096, 10 if index == 6 else 4096
        if kind == "Linear":
            nodes.append(_linear(name, before, into, out, region="fc"))
        else:
            family, more = ("dropout", {"p": 0.5}) if kind == "Dropout" else ("activation", {})
            nodes.append(_module(name, kind, family, before, ["N", into], ["N", out], region="fc", arguments=more))
        before = name
    nodes.append(output_node("output", "fc.6", ["N", 10]))
    return _graph("AlexNet", nodes, {"conv": "", "fc": ""})


def residual() -> networkx.DiGraph[str]:
    """Two residual blocks, the first with a projection; 64 -> 128 channels at stride 2, then 128 -> 128."""
    nodes = [input_node("image", ["N", 64, "H", "W"])]
    half: list[Any] = ["N", 128, "H // 2", "W // 2"]
    before = _residual_block(nodes, "layer.0", "inputs.image", 64, ["N", 64, "H", "W"], half, projection=True)
    before = _residual_block(nodes, "layer.1", before, 128, half, half, projection=False)
    nodes.append(output_node("output", before, half))
    regions = {"layer.0": "BasicBlock", "layer.0.downsample": "", "layer.1": "BasicBlock"}
    return _graph("Residual", nodes, regions)


def chain(length: int) -> networkx.DiGraph[str]:
    """A straight model of so many linear layers."""
    nodes, before = [input_node("x", ["N", 4])], "inputs.x"
    for index in range(length):
        nodes.append(_linear(f"layer{index}", before, 4, 4))
        before = f"layer{index}"
    return _graph("Chain", [*nodes, output_node("output", before, ["N", 4])], {})


def crossing() -> networkx.DiGraph[str]:
    """Two layers that are both read by two sums, which a third adds up: paths that no series and parallels are."""
    nodes = [input_node("x", ["N", 4])]
    nodes += [_linear(name, "inputs.x", 4, 4) for name in ("left", "right")]
    nodes += [_sum("first", "left", "right"), _sum("second", "left", "right"), _sum("both", "first", "second")]
    return _graph("Crossing", [*nodes, output_node("output", "both", ["N", 4])], {})


def _sum(name: str, one: str, other: str) -> Node:
    add = _function(name, "add", "merge", one, ["N", 4])
    fields = {field: getattr(add, field) for field in Node.__slots__}
    reads = {"reads": [{"from": one}, {"from": other}], "input_shapes": [["N", 4], ["N", 4]]}
    return Node(**(fields | reads))


def single(name: str, model: str, **changes: Any) -> networkx.DiGraph[str]:
    """One linear layer of any name in a model of any name; `changes` are fields of its node."""
    layer = _linear(name, "inputs.x", 4, 4)
    layer = Node(**{field: getattr(layer, field) for field in Node.__slots__} | changes)
    return _graph(model, [input_node("x", ["N", 4]), layer, output_node("output", name, ["N", 4])], {})


def _residual_block(
    nodes: list[Node], region: str, source: str, into: int, shape: list[Any], half: list[Any], *, projection: bool
) -> str:
    stride = {"stride": 2} if projection else {}
    first = {"padding": 1, "bias": False, **stride}
    nodes += [
        _convolution(f"{region}.conv1", source, into, 128, 3, shape, half, region=region, **first),
        _normalisation(f"{region}.bn1", f"{region}.conv1", 128, half, region),
        _function(f"{region}.2", "relu", "activation", f"{region}.bn1", half, region=region),
        _convolution(f"{region}.conv2", f"{region}.2", 128, 128, 3, half, half, region=region, padding=1, bias=False),
        _normalisation(f"{region}.bn2", f"{region}.conv2", 128, half, region),
    ]
    skip = source
    if projection:
        inner, skip = f"{region}.downsample", f"{region}.downsample.1"
        nodes += [
            _convolution(f"{inner}.0", source, into, 128, 1, shape, half, region=inner, bias=False, **stride),
            _normalisation(skip, f"{inner}.0", 128, half, inner),
        ]
    add = _function(f"{region}.6", "add", "merge", skip, half, region=region)
    nodes.append(
        Node(**{field: getattr(add, field) for field in Node.__slots__}
             | {"reads": [{"from": skip}, {"from": f"{region}.bn2"}], "input_shapes": [half, half]})
    )  # fmt: skip
    nodes.append(_function(f"{region}.7", "relu", "activation", f"{region}.6", half, region=region))
    return f"{region}.7"


def _graph(name: str, nodes: list[Node], types: dict[str, str]) -> networkx.DiGraph[str]:
    """The graph, with the regions that `types` names beside the model itself; children in the nodes' order."""
    children: dict[str, list[str]] = {"": [], **{region: [] for region in types}}
    for region in types:
        parent = max((each for each in children if each and region.startswith(each + ".")), key=len, default="")
        children[parent].append(region)
    for node in nodes:
        children[node.region].append(node.name)
    regions = [Region(name=each, type=types.get(each, name), children=inside) for each, inside in children.items()]
    return assemble(name, "", f"{name}.toml", nodes, regions, [])


def input_node(name: str, shape: list[Any]) -> Node:
    return Node(
        name=f"inputs.{name}", type="input", target="", role="input", kind="input", shape=shape, dtype="float32"
    )


def output_node(name: str, source: str, shape: list[Any]) -> Node:
    return Node(
        name=f"outputs.{name}", type="output", target="", role="output", kind="output",
        reads=[{"from": source}], input_shapes=[shape], shape=shape, dtype="float32",
    )  # fmt: skip


def _module(
    name: str, type_: str, kind: str, source: str, into: list[Any], out: list[Any], *, region: str = "",
    arguments: dict[str, Any] | None = None, parameters: dict[str, list[int]] | None = None,
) -> Node:  # fmt: skip
    return Node(
        name=name, type=type_, target=f"torch.nn.{type_}", role="module", kind=kind, module=name, region=region,
        reads=[{"from": source}], arguments=arguments or {}, input_shapes=[into], shape=out, dtype="float32",
        parameters=parameters or {},
    )  # fmt: skip


def _convolution(
    name: str, source: str, into: int, out: int, kernel: int, shape: list[Any], result: list[Any], *,
    region: str = "", **more: Any,
) -> Node:  # fmt: skip
    arguments = {"in_channels": into, "out_channels": out, "kernel_size": kernel, **more}
    parameters = {"weight": [out, into, kernel, kernel]} | ({} if more.get("bias") is False else {"bias": [out]})
    return _module(
        name, "Conv2d", "convolution", source, shape, result, region=region, arguments=arguments, parameters=parameters
    )


def _linear(name: str, source: str, into: int, out: int, *, region: str = "") -> Node:
    return _module(
        name, "Linear", "linear", source, ["N", into], ["N", out], region=region,
        arguments={"in_features": into, "out_features": out},
        parameters={"weight": [out, into], "bias": [out]},
    )  # fmt: skip


def _normalisation(name: str, source: str, channels: int, shape: list[Any], region: str) -> Node:
    return _module(
        name, "BatchNorm2d", "normalisation", source, shape, shape, region=region,
        arguments={"num_features": channels}, parameters={"weight": [channels], "bias": [channels]},
    )  # fmt: skip


def _function(
    name: str, type_: str, kind: str, source: str, shape: list[Any], result: list[Any] | None = None, *,
    region: str = "", **arguments: Any,
) -> Node:  # fmt: skip
    return Node(
        name=name, type=type_, target=f"torch.{type_}", role="function", kind=kind, region=region,
        reads=[{"from": source}], arguments=arguments, input_shapes=[shape], shape=result or shape, dtype="float32",
    )  # fmt: skip
