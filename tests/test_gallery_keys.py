"""The gallery's state dicts are the known ones: keys, their order, shapes, and how many parameters.

The digests come from outside: each is of the `key [shape]` lines of a published class's own state dict, taken once from
torchvision 0.29.1 (GoogLeNet with `aux_logits=False`) and transformers 5.24.0.
"""

from __future__ import annotations

import hashlib
import re

import pytest
from gallery import FOLDER, NAMES, keys, without_memory

PUBLISHED = {
    "resnet18": (11_689_512, "02568eab318c210f0d857b7e345cc37b86e30b66a49663acb8af1653c0d25830"),
    "resnet50": (25_557_032, "45c8e0b2d327f1cd29b3d1181bb5f512060349c9662ceb382b545cf1d108ac62"),
    "vgg16": (138_357_544, "e0f24b3678fcfb4fb6d98d4c07950370c574f0c361a0f21b5172120c8e43e233"),
    "googlenet": (6_624_904, "f40da71d564c46b63e5889b5834dc3c8779894bf782d4174fac5d38df00589b9"),
    "densenet121": (7_978_856, "590913c7c269d76d77aa7acde8b0d37d813b49d3bdeaca40e7cba1113b39795c"),
    "mobilenet_v2": (3_504_872, "a954cb034076b47daf87b02403385d24b9c7b4f08d6206a10c6438d0f1d63d75"),
    "efficientnet_b0": (5_288_548, "1e1b1b0d5263f19c8d6a7329eea147e4042c11bbdc6e9951f00e10ddd2e03631"),
    "squeezenet1_0": (1_248_424, "2cc8c82b391c33a4bbc3423fb7300b93df6e1a7bb6fa56e65e340cd681be24fa"),
    "convnext_tiny": (28_589_128, "a79f56461a2cd188ec99525abe5ca10f25cc9f722683489212465fb50ad6f321"),
    "vit_b_16": (86_567_656, "70c0c55411291fee25824b3b171c5e43ef495966f34a311c1f6d053b11c614de"),
    "gpt2": (124_439_808, "10994d87e6817de8a160a476a9eebf37c55979bb350a286ed4e1ff34990cefcd"),
    "bert_base": (109_482_240, "d3a57cec09a83123cb364d1450636fc95148f5905b760d6a0df10e5377626df2"),
}
WITHOUT_A_PUBLISHED_CLASS = {
    "autoencoder", "gru_ctc", "lstm_classifier", "triplet", "two_heads", "unet", "vae",
}  # fmt: skip


def test_the_gallery_is_whole() -> None:
    assert {*PUBLISHED, *WITHOUT_A_PUBLISHED_CLASS} == set(NAMES)


def test_the_readme_lists_the_gallery_with_its_parameters() -> None:
    text = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| [`")]
    listed = {
        name: int(count.replace(",", ""))
        for _, names, counts, *_ in rows
        for name, count in zip(re.findall(r"gallery/(\w+)\.toml", names), counts.split(" and "), strict=True)
    }
    assert sorted(listed) == NAMES
    for name, count in listed.items():
        assert count == sum(each.numel() for each in without_memory(name).parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_keys_and_shapes_are_the_published_ones(name: str) -> None:
    count, digest = PUBLISHED[name]
    module = without_memory(name)
    assert sum(each.numel() for each in module.parameters()) == count
    lines = "".join(f"{line}\n" for line in keys(module))
    assert hashlib.sha256(lines.encode()).hexdigest() == digest
