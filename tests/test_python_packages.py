"""Layer types that installed packages offer, and why a name leads to no type."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
import torch
from python_layers import SCALE, clean, facts, package, spec
from torch import nn

import builder
import dsl
from builder.codegen import source_of
from builder.graph import layers
from dsl.catalogue import RegistrationError, names
from dsl.catalogue.absent import absent

__all__ = ["clean"]


def test_a_package_offers_its_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "site", "scales", SCALE, "Scale = scales.layers:Scale\nOther = scales.layers:Scale")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = spec(tmp_path, '{ type = "relu" }', '{ type = "Linear", out_features = 2 }')
    builder.elaborate(dsl.load(path))
    assert "Scale" in names()
    assert "scales" not in sys.modules  # no spec has used it
    path = spec(tmp_path, '{ name = "scale", type = "Scale", features = 4 }')
    model = builder.build(path, device="cpu")
    assert type(model.scale) is sys.modules["scales.layers"].Scale
    assert "from scales.layers import Scale\n" in source_of(builder.elaborate(dsl.load(path)))
    assert type(pickle.loads(pickle.dumps(model)).scale) is type(model.scale)
    dotted = builder.build(spec(tmp_path, '{ name = "a", type = "scales.layers.Scale", features = 4 }'), device="cpu")
    assert type(dotted.a) is type(model.scale)


def test_a_package_hands_a_layer_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point may name another module than the one that defines the class, and a class inside a class."""
    points = "Scale = scales:Scale\nInner = scales.layers:Outer.Inner"
    package(tmp_path / "site", "scales", SCALE + "\n\nclass Outer:\n    class Inner(Scale):\n        pass\n", points)
    (tmp_path / "site" / "scales" / "__init__.py").write_text("from scales.layers import Scale\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = spec(
        tmp_path, '{ name = "a", type = "Scale", features = 4 }', '{ name = "b", type = "scales.Scale", features = 4 }',
        '{ name = "c", type = "Inner", features = 4 }',
    )  # fmt: skip
    model = builder.build(path, device="cpu")
    assert [type(each).__qualname__ for each in model.children()] == ["Scale", "Scale", "Outer.Inner"]
    source = source_of(builder.elaborate(dsl.load(path)))
    assert "from scales import Scale\n" in source
    assert "# scales.layers.Outer.Inner, found only where it has been registered\n" in source


def test_a_package_comes_before_torch_and_after_ourselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "site", "scales", SCALE, "Linear = scales.layers:Scale\nMeanSubtract = scales.layers:Scale")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = spec(tmp_path, '{ type = "Linear", features = 4 }', '{ type = "MeanSubtract" }')
    targets = [each.target for each in layers(builder.elaborate(dsl.load(path)))]
    assert targets == ["python.scales.layers.Scale", "tomograph.MeanSubtract"]


def test_a_package_that_registers_itself_says_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "import builder\nfrom torch import nn\n\n@builder.register(inferred=['in_features'])\nclass Mine(nn.Linear):\n"
    )
    text += "    def __init__(self, in_features: int, out_features: int) -> None:\n"
    text += "        super().__init__(in_features, out_features)\n"
    package(tmp_path / "site", "mines", text, "Mine = mines.layers:Mine")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    model = builder.build(spec(tmp_path, '{ name = "mine", type = "Mine", out_features = 3 }'), device="cpu")
    assert model.mine.weight.shape == (3, 4)


FAILING = {
    "a module that is not there": (
        "import numba_of_nobody\n",
        "ModuleNotFoundError: No module named 'numba_of_nobody'",
        ("1: import numba_of_nobody", "install numba_of_nobody, which broken 2.1 needs"),
    ),
    "a name": ("x = 1\ny = z\n", "NameError: name 'z' is not defined", ("2: y = z", None)),
    "no such class": ("x = 1\n", "AttributeError: module 'broken.layers' has no attribute 'Mine'", (None, None)),
    "no layer": (
        "class Mine: ...\n",
        "RegistrationError: Mine is a class, but none of nn.Module",
        (None, None),
    ),
}


@pytest.mark.parametrize(("text", "cause", "remarks"), FAILING.values(), ids=FAILING)
def test_a_package_that_fails(
    text: str, cause: str, remarks: tuple[str | None, str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", "broken", text, "Mine = broken.layers:Mine", version="2.1")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    lines = [f"error[type]: Mine is offered by the package broken 2.1, which failed on import: {cause}"]
    lines += [f"  = at {tmp_path}/site/broken/layers.py:{remarks[0]}"] if remarks[0] else []
    lines += [f"  = fix: {remarks[1]}"] if remarks[1] else []
    assert facts(spec(tmp_path, '{ type = "Mine" }')) == "\n".join(lines)
    assert facts(spec(tmp_path, '{ type = "broken.layers.Mine" }')) == "\n".join(lines)


def test_two_packages_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ones", "twos"):
        package(tmp_path / "site", name, SCALE, f"Scale = {name}.layers:Scale")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert facts(spec(tmp_path, '{ type = "Scale", features = 4 }')) == (
        "error[type]: Scale is offered by several packages: ones 1.0 (ones.layers.Scale) and "
        "twos 1.0 (twos.layers.Scale)\n  = fix: write the full name of one"
    )
    path = spec(
        tmp_path, '{ name = "a", type = "twos.layers.Scale", features = 4 }',
        '{ name = "b", type = "ones.layers.Scale", features = 4 }',
    )  # fmt: skip
    model = builder.build(path, device="cpu")
    assert [type(each).__module__ for each in model.children()] == ["twos.layers", "ones.layers"]
    with pytest.raises(RegistrationError, match=r"^Scale is offered by the package ones 1\.0 already; "):
        builder.register(type("Scale", (nn.Module,), {"forward": lambda self, x: x}))


def test_a_folder_with_specs_offers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m` puts the working directory on the search path; what came with a spec is no installed package."""
    package(tmp_path, "scales", "raise SystemExit('run by a spec')\n", "Scale = scales.layers:Scale")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert facts(spec(tmp_path, '{ type = "Scale" }')).startswith('error[type]: there is no layer type "Scale"')
    assert "scales" not in sys.modules


@pytest.mark.parametrize(
    "points", [b"[tomograph.layers]\nScale\n", b"\xff[tomograph.layers]\nScale = scales.layers:Scale\n"]
)
def test_metadata_that_cannot_be_read_offers_nothing(
    points: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", "scales", SCALE, "")
    (tmp_path / "site" / "scales-1.0.dist-info" / "entry_points.txt").write_bytes(points)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert facts(spec(tmp_path, '{ type = "Scale" }')).startswith('error[type]: there is no layer type "Scale"')


def test_a_name_that_source_cannot_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "site", "scales", SCALE, "my-scale = scales.layers:Scale\nsuper = scales.layers:Scale")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = spec(tmp_path, '{ type = "my-scale", features = 4 }', '{ type = "super", features = 4 }')
    assert torch.equal(builder.build(path, device="cpu")(torch.ones(1, 4)), torch.ones(1, 4))
    assert "import Scale as scales_layers_Scale\n" in source_of(builder.elaborate(dsl.load(path)))


# Names that lead to nothing


def test_why_a_dotted_name_leads_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "site", "scales", SCALE, "Scale = scales.layers:Scale")
    package(tmp_path / "site", "plain", "raise SystemExit('run by a spec')\n", "", version="3")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    group = 'a package offers its layers by entry points of the group "tomograph.layers"'
    way = "builder.register(Other) from Python, or --allow-python FILE"
    assert facts(spec(tmp_path, '{ type = "nowhere_to_be_found.layers.Other" }')) == (
        'error[type]: there is no layer type "nowhere_to_be_found.layers.Other": nowhere_to_be_found is not installed\n'
        "  = fix: install the package that offers it, if you trust it"
    )
    assert facts(spec(tmp_path, '{ type = "plain.layers.Other" }')) == (
        'error[type]: there is no layer type "plain.layers.Other": plain is installed, but offers no layers\n'
        f"  = {group}\n  = fix: {way}"
    )
    assert facts(spec(tmp_path, '{ type = "scales.layers.Other" }')) == (
        'error[type]: there is no layer type "scales.layers.Other": '
        "scales is installed, and offers Scale, but not this\n"
        f"  = {group}\n  = fix: {way}"
    )
    assert facts(spec(tmp_path, '{ type = "os.system" }')) == (
        'error[type]: there is no layer type "os.system": os is a part of Python, and offers no layers'
    )
    assert facts(spec(tmp_path, '{ type = "nn.Linear", out_features = 3 }')) == (
        'error[type]: there is no layer type "nn.Linear"\n  = fix: did you mean `Linear`?'
    )
    assert not {"plain", "scales", "nowhere_to_be_found"} & set(sys.modules)


def test_a_file_beside_the_spec_is_named_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "another.py").write_text("# class Scale\n    class Scale\n", encoding="utf-8")
    (tmp_path / "specs" / "layers.py").write_text("raise SystemExit('run by a spec')\n" + SCALE, encoding="utf-8")
    spec(tmp_path / "specs", '{ type = "Scale", features = 4 }')
    for name in ("Scale", "layers.Scale"):
        spec(tmp_path / "specs", f'{{ type = "{name}", features = 4 }}')
        assert facts("specs/net.toml") == (
            f'error[type]: there is no layer type "{name}"\n'
            "  = specs/layers.py defines it, and is run only if you allow it\n"
            "  = fix: --allow-python specs/layers.py"
        )
    (tmp_path / "specs" / "another.py").write_text(
        "import builder\n\n\n@builder.register(\n    name='other',\n)\n@cached\ndef scale(x):\n    return x\n",
        encoding="utf-8",
    )
    spec(tmp_path / "specs", '{ type = "scale" }')
    assert facts("specs/net.toml").endswith("--allow-python specs/another.py")
    assert not {"layers", "another"} & set(sys.modules)


def test_a_link_beside_the_spec_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(SCALE, encoding="utf-8")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "layers.py").symlink_to(tmp_path / "elsewhere.py")
    path = spec(tmp_path / "specs", '{ type = "Scale", features = 4 }')
    assert absent("Scale", path).notes == ()
