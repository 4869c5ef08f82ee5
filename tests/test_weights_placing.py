"""Where the tensors of a file go: `rename`, `fresh`, and what is said where they do not fit. No torch is needed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from builder.exchange.headers import HeaderError, shapes_in
from builder.exchange.misfits import told, told_start
from builder.exchange.placing import Own, place
from builder.exchange.renaming import matched, new_name

NET = {"conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "fc.weight": (10, 8), "fc.bias": (10,)}


@pytest.mark.parametrize(
    ("pattern", "key", "parts"),
    [
        ("module.*", "module.fc.weight", ("fc.weight",)),
        ("*", "fc.weight", ("fc.weight",)),
        ("fc.weight", "fc.weight", ()),
        ("fc.weight", "fc.weights", None),
        ("*.norm.*", "a.norm.1.norm.weight", ("a", "1.norm.weight")),  # the first `*` takes as little as it can
        ("h.*.attn.*.bias", "h.11.attn.c_attn.bias", ("11", "c_attn")),
        ("a*a", "a", None),  # one letter is not the two that the pattern has
        ("a*a", "aa", ("",)),
        ("*.bias", "bias", None),
        ("[ab].*", "a.weight", None),  # `*` alone stands for something
    ],
)
def test_what_a_pattern_stands_for(pattern: str, key: str, parts: tuple[str, ...] | None) -> None:
    assert matched(pattern, key) == parts


def test_the_first_pattern_that_matches_counts() -> None:
    rename = {"*.attn.bias": "", "transformer.h.*.ln.*": "blocks.*.norm.*", "transformer.*": "*"}
    assert new_name("transformer.h.3.attn.bias", rename) == ""
    assert new_name("transformer.h.3.ln.weight", rename) == "blocks.3.norm.weight"
    assert new_name("transformer.wte.weight", rename) == "wte.weight"
    assert new_name("lm_head.weight", rename) == "lm_head.weight"


def test_a_hostile_key_takes_no_time() -> None:
    start = time.perf_counter()
    assert matched("*a" * 200 + "b", "a" * 100_000) is None
    assert time.perf_counter() - start < 5


def test_a_file_of_the_model_fits() -> None:
    found = place(Own(shapes=NET), NET, {})
    assert found.fits
    assert found.taken == {key: key for key in NET}
    assert told_start("net.pt", found, len(NET)) == ""


def test_a_file_whose_keys_are_the_models_is_not_renamed() -> None:
    """A run's own weights, where the spec's `rename` is for what somebody else published."""
    assert place(Own(shapes=NET), NET, {"conv.*": "stem.*", "*.bias": ""}).fits


def test_fresh_parts_are_told_with_what_the_file_holds_of_them() -> None:
    held = NET | {"fc.weight": (1000, 8), "fc.bias": (1000,)}
    found = place(Own(shapes=NET), held, {}, ("fc.*",))
    assert found.fits
    assert told_start("net.pt", found, len(NET)) == (
        "2 of 4 tensors are net.pt's; starts anew: fc.weight, fc.bias; left in the file: fc.weight, fc.bias"
    )
    assert not place(Own(shapes=NET), NET, {}, ("head.*",)).fits


def test_a_tied_tensor_stands_once_in_the_file() -> None:
    own = Own(shapes={"words.weight": (9, 4), "head.weight": (9, 4)},
              alike={"words.weight": "words.weight", "head.weight": "words.weight"})  # fmt: skip
    assert place(own, {"words.weight": (9, 4)}, {}).fits
    assert place(own, {"head.weight": (9, 4)}, {}).fits
    assert place(own, {}, {}).missing == ["words.weight", "head.weight"]


def test_the_counter_that_older_files_lack_is_not_missed() -> None:
    own = Own(shapes={"bn.running_mean": (4,), "bn.num_batches_tracked": ()})
    assert place(own, {"bn.running_mean": (4,)}, {}).fits


def said(own: dict[str, Any], held: dict[str, Any], rename: dict[str, str] | None = None) -> str:
    found = place(Own(shapes=own), held, rename or {})
    assert not found.fits
    return told("net.pt", Own(shapes=own), held, found).text


def test_each_misfit_is_told_by_name_with_the_nearest() -> None:
    held = {"conv.weight": (8, 3, 3, 3), "conv.bia": (8,), "fc.weight": (10, 9), "fc.bias": (10,), "scale": None}
    assert said(NET, held) == (
        "net.pt does not fit the model: of its 4 tensors it lacks 1 and has besides 2 and has in another shape 1\n"
        "  missing: conv.bias (8,), nearest in the file: conv.bia\n"
        "  left over: conv.bia (8,)\n"
        "  left over: scale (no tensor)\n"
        "  of another shape: fc.weight (10, 9), in the model (10, 8)\n"
        '  3 of 4 fit with rename = { "*.bia" = "*.bias" }'
    )


def test_two_keys_with_one_name_are_told() -> None:
    held = {**NET, "old.bias": (10,)}
    assert "twice: fc.bias, old.bias come to fc.bias" in said(NET, held, {"old.*": "fc.*"})


@pytest.mark.parametrize(
    ("held", "advice"),
    [
        ({f"module.{key}": each for key, each in NET.items()},
         'every key begins with "module.": it fits with rename = { "module.*" = "*" }'),
        ({key.replace("conv.", "stem.0."): each for key, each in NET.items()},
         'it fits with rename = { "stem.0.*" = "conv.*" }'),
        ({f"net.{key}": each for key, each in NET.items()} | {f"net.h.{i}.mask": (1, 4, 4) for i in range(3)},
         'every key begins with "net.": it fits with rename = { "net.h.*.mask" = "", "net.*" = "*" }'),
        ({**NET, "h.0.attn.bias": (1, 4), "h.1.attn.bias": (1, 4)},
         'it fits with rename = { "h.*.attn.bias" = "" }'),
        ({**NET, "fc.weight": (1000, 8), "fc.bias": (1000,)},
         'the rest fits: to let these start anew, weights = { file = "...", fresh = "fc.*" }'),
    ],
)  # fmt: skip
def test_what_would_make_it_fit_is_said(held: dict[str, Any], advice: str) -> None:
    assert said(NET, held).splitlines()[-1].strip() == advice


def test_words_that_are_others_in_every_layer_are_found() -> None:
    own = {f"layer.{i}.LayerNorm.{each}": (4,) for i in range(3) for each in ("weight", "bias")}
    held = {key.replace("weight", "gamma").replace("bias", "beta"): each for key, each in own.items()}
    advice = said(own, held).splitlines()[-1]
    assert '"*.gamma" = "*.weight"' in advice
    assert '"*.beta" = "*.bias"' in advice


def test_what_shapes_cannot_tell_apart_is_not_guessed() -> None:
    own = {f"layer.{i}.{each}": (4,) for i in range(3) for each in ("weight", "bias")}
    held = {f"layer.{i}.{each}": (4,) for i in range(3) for each in ("one", "other")}
    assert "rename" not in said(own, held)


def test_a_file_of_quite_another_model_gets_no_advice() -> None:
    text = said(NET, {"encoder.kernel": (5, 5), "decoder.kernel": (5, 5)})
    assert "rename" not in text
    assert "fresh" not in text


def test_a_large_misfit_is_told_in_short_and_in_time() -> None:
    own = {f"layers.{i}.attention.{j}.weight": (i + 1, 64) for i in range(100) for j in range(20)}
    held = {f"blocks.{i}.mixer.{j}.kernel": (64, i + 1) for i in range(100) for j in range(20)}
    start = time.perf_counter()
    text = said(own, held)
    assert time.perf_counter() - start < 10
    assert len(text.splitlines()) < 40
    assert "... and 1,988 more missing" in text


# Headers


def header(entries: dict[str, Any], data: int) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


GOOD = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"format": "pt"}}


def test_a_header_gives_names_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(header(GOOD, 24))
    assert shapes_in(path) == {"a": (2, 3)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        header(GOOD, 23),
        header(GOOD, 25),
        header(GOOD, 24)[:40],
        (1 << 62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (4).to_bytes(8, "little") + b"null",
        (5).to_bytes(8, "little") + b"\xff\xff\xff\xff\xff",
        (60_000).to_bytes(8, "little") + b"[" * 60_000,
        header({"a": 3}, 24),
        header({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]}}, 24),
        header({"a": {"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]}}, 24),
        header({"a": {"dtype": "F33", "shape": [2, 3], "data_offsets": [0, 24]}}, 24),
        header({"a": {"dtype": ["F32"], "shape": [2, 3], "data_offsets": [0, 24]}}, 24),
        header({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [24, 0]}}, 24),
        header({"a": {"dtype": "F32", "shape": [2**70, 3], "data_offsets": [0, 24]}}, 24),
        header({"a": {"dtype": "F32", "shape": [2, True], "data_offsets": [0, "24"]}}, 24),
    ],
)
def test_a_file_that_is_cut_or_hostile_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(HeaderError, match=r"a\.safetensors is not a whole file of weights: "):
        shapes_in(path)


def test_a_header_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HeaderError, match=r"cannot read .*gone\.safetensors: No such file"):
        shapes_in(tmp_path / "gone.safetensors")
    with pytest.raises(HeaderError, match="cannot read"):
        shapes_in(tmp_path)
