"""The gallery beside torchvision's classes: `python benchmarks/gallery_against_torchvision.py FOLDER`.

FOLDER holds what `pip install --no-deps --target FOLDER torchvision pillow` put there. Beside a CPU torch its compiled
operators do not load, and the models need none of them: they are declared here, so that the import goes through.
Prints whether keys, their order and shapes are the same, whether the class's state dict loads strictly, and whether
outputs are the same bit for bit at rest and in training (dropout and stochastic depth with one seed).
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

import builder

SPECS = Path(__file__).parents[1] / "specs" / "gallery"
NAMES = (
    "resnet18", "resnet50", "vgg16", "googlenet", "densenet121", "mobilenet_v2", "efficientnet_b0", "squeezenet1_0",
    "convnext_tiny", "vit_b_16",
)  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {"googlenet": {"aux_logits": False, "init_weights": False}}


def main(folder: str) -> None:
    models = torchvision_models(Path(folder))
    print("| spec | parameters | keys | strict load | output | output in training |")
    print("| --- | ---: | --- | --- | --- | --- |")
    for name in NAMES:
        print("| " + " | ".join([name, *compared(name, models)]) + " |", flush=True)


def torchvision_models(folder: Path) -> Any:
    sys.path.insert(0, str(folder))
    text = (folder / "torchvision" / "_meta_registrations.py").read_text(encoding="utf-8")
    library = torch.library.Library("torchvision", "DEF")
    for operator in sorted({"nms", *re.findall(r'register_(?:meta|fake)\("(?:torchvision::)?(\w+)"\)', text)}):
        library.define(f"{operator}(Tensor x) -> Tensor")
    return importlib.import_module("torchvision.models")


def compared(name: str, models: Any) -> list[str]:
    torch.manual_seed(0)
    theirs = stirred(getattr(models, name)(weights=None, **OPTIONS.get(name, {})))
    ours = builder.build(SPECS / f"{name}.toml", device="cpu")
    loaded = ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        same = [torch.equal(*(run(each.train(mode), images) for each in (ours, theirs))) for mode in (False, True)]
    count = f"{sum(each.numel() for each in ours.parameters()):,}"
    return [count, *map(said, [keys(ours) == keys(theirs), not any(loaded), *same])]


def stirred(module: nn.Module) -> nn.Module:
    """With no parameter at 0, where it would hide a difference."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.empty_like(parameter).uniform_(-0.01, 0.01))
    return module


def run(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(1)
    return module(images)


def keys(module: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(key, tensor.shape) for key, tensor in module.state_dict().items()]


def said(equal: bool) -> str:
    return "equal" if equal else "DIFFERENT"


if __name__ == "__main__":
    main(sys.argv[1])
