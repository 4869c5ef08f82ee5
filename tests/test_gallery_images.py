"""The gallery's image classifiers give what the known ones give, bit for bit, at rest and in training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from gallery import gradients, keys, load, stir, twin
from references_images import VGG16, DenseNet121, GoogLeNet, ResNet, SqueezeNet
from references_mobile import ConvNeXtTiny, EfficientNetB0, MobileNetV2, ViTB16
from torch import nn

import builder

KNOWN: dict[str, Callable[[], nn.Module]] = {
    "resnet18": partial(ResNet, (2, 2, 2, 2), (3, 3)),
    "resnet50": partial(ResNet, (3, 4, 6, 3), (1, 3, 1)),
    "vgg16": VGG16,
    "googlenet": GoogLeNet,
    "densenet121": DenseNet121,
    "mobilenet_v2": MobileNetV2,
    "efficientnet_b0": EfficientNetB0,
    "squeezenet1_0": SqueezeNet,
    "convnext_tiny": ConvNeXtTiny,
    "vit_b_16": ViTB16,
}
SIZES = {"vit_b_16": 224}  # it has a position for each of its patches; the others take images of any size


@pytest.mark.parametrize("name", KNOWN)
def test_outputs_and_gradients_are_the_known_models(name: str) -> None:
    torch.manual_seed(0)
    size = SIZES.get(name, 64)
    ours = stir(builder.build(load(name, **{f"model.inputs.image[{dim}]": size for dim in (2, 3)}), device="cpu"))
    theirs = twin(KNOWN[name], ours)
    assert keys(ours) == keys(theirs)
    images = torch.randn(2 if size < 224 else 1, 3, size, size)
    outputs = []
    for module in (ours, theirs):
        torch.manual_seed(1)  # of dropout and stochastic depth
        outputs.append(module.train()(images))
        outputs[-1].square().mean().backward()
        with torch.no_grad():
            outputs.append(module.eval()(images))  # with the statistics that training moved
    assert torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[3])
    assert outputs[1].std() > 0
    expected = gradients(theirs)
    assert list(gradients(ours)) == list(expected)
    assert all(torch.equal(each, expected[key]) for key, each in gradients(ours).items())
