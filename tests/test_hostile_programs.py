"""Files of torch.export in which code is hidden where torch runs it: in pickles, names, places, sizes and operators."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from importing_files import refused
from torch import Tensor, nn
from torch.export import Dim

from builder.commands.entry import run

Parts = dict[str, bytes]
MODEL = "models/model.json"
CONSTANTS = "data/constants/model_constants_config.json"


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.register_buffer("shift", torch.ones(3))

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(self.fc(image)) + torch.tensor([1.0, 2, 3]) + self.shift


class Marks:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def saved(path: Path, module: nn.Module, example: Tensor, dims: dict[int, Any]) -> Path:
    torch.export.save(torch.export.export(module.eval(), (example,), dynamic_shapes=(dims,)), path)
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return saved(tmp_path / "net.pt2", Net(), torch.randn(2, 4), {0: Dim("N")})


def parts_of(program: Path) -> Parts:
    with zipfile.ZipFile(program) as archive:
        return {each.filename.partition("/")[2]: archive.read(each) for each in archive.infolist()}


def written(program: Path, parts: Parts) -> Path:
    path = program.with_name("hostile.pt2")
    with zipfile.ZipFile(path, "w") as archive:
        for name, each in parts.items():
            archive.writestr(f"hostile/{name}", each)
    return path


def renamed(parts: Parts, name: str, other: str) -> None:
    """A string of the JSON parts is another, wherever it stands whole."""
    for part in parts:
        if part.endswith(".json"):
            assert part != MODEL or json.dumps(name).encode() in parts[part]
            parts[part] = parts[part].replace(json.dumps(name).encode(), json.dumps(other).encode())


def put(parts: Parts, before: str, after: str) -> None:
    """Other words in the program's text."""
    old, new = (json.dumps(each)[1:-1].encode() for each in (before, after))
    assert old in parts[MODEL]
    parts[MODEL] = parts[MODEL].replace(old, new)


def torch_pickle(mark: Path) -> bytes:
    content = io.BytesIO()
    torch.save(Marks(mark), content)
    return content.getvalue()


def old_constants(parts: Parts, mark: Path) -> None:
    parts["data/constants/model.pt"] = torch_pickle(mark)


def old_weights(parts: Parts, mark: Path) -> None:
    parts["data/weights/model.pt"] = torch_pickle(mark)


def opaque_constant(parts: Parts, mark: Path) -> None:
    config = json.loads(parts[CONSTANTS])
    (first,) = config["config"].values()
    config["config"]["more"] = {**first, "path_name": "opaque_obj_0"}
    parts[CONSTANTS] = json.dumps(config).encode()
    content = pickle.dumps(Marks(mark))
    parts["data/constants/opaque_obj_0"] = content + bytes(-len(content) % 4)  # whole float32 numbers


def expression(mark: Path) -> str:
    """Python without a quote, a dot or a comma of its own that writes the file."""
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    return f"eval(bytes({list(code.encode())}))"


def input_name(parts: Parts, mark: Path) -> None:
    renamed(parts, "image", f"image=({expression(mark)},)[0]")


def buffer_name(parts: Parts, mark: Path) -> None:
    renamed(parts, "shift", f'a" + str({expression(mark)}) + "b')


def module_place(parts: Parts, mark: Path) -> None:
    put(parts, "fc,fc,torch.nn.modules.linear.Linear", f'fc,fc" + str({expression(mark)}) + "b,net.Scope')


def size_keyword(parts: Parts, mark: Path) -> None:
    whole = json.loads(parts[MODEL])
    shape = whole["graph_module"]["graph"]["tensor_values"]["image"]["sizes"]
    symbol = shape[0]["as_expr"]["expr_str"]
    put(parts, symbol, f"Add({symbol}, Integer(0), evaluate=__import__('pathlib').Path({str(mark)!r}).touch())")


def size_power(parts: Parts, mark: Path) -> None:
    whole = json.loads(parts[MODEL])
    shape = whole["graph_module"]["graph"]["tensor_values"]["image"]["sizes"]
    put(parts, shape[0]["as_expr"]["expr_str"], "Pow(Integer(9), Pow(Integer(9), Integer(99999999)))")


def file_operator(parts: Parts, mark: Path) -> None:
    whole = json.loads(parts[MODEL])
    node = next(each for each in whole["graph_module"]["graph"]["nodes"] if each["name"] == "relu")
    node["target"] = "torch.ops.aten.from_file.default"
    node["inputs"] = [
        {"name": "filename", "arg": {"as_string": str(mark)}, "kind": 1},
        {"name": "shared", "arg": {"as_bool": True}, "kind": 2},
        {"name": "size", "arg": {"as_int": 6}, "kind": 2},
    ]
    parts[MODEL] = json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("hide", "said"),
    [
        (old_constants, "'data/constants/model.pt' is a pickle, which could run code"),
        (old_weights, "'data/weights/model.pt' is a pickle, which could run code"),
        (opaque_constant, "'data/constants/opaque_obj_0' is a pickle, which could run code"),
        (input_name, "'image=(eval(bytes("),
        (buffer_name, "is no name of a tensor or module"),
        (module_place, "node `linear` stands in"),
        (size_keyword, "is no size"),
        (size_power, "'Pow(Integer(9), Pow(Integer(9), Integer(99999999)))' is no size"),
        (file_operator, "node `relu` calls torch.ops.aten.from_file.default, which is none of torch's own operators"),
    ],
)
def test_what_is_hidden_is_told_and_not_run(
    program: Path, hide: Callable[[Parts, Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mark, parts = program.with_name("ran"), parts_of(program)
    hide(parts, mark)
    assert said in refused(written(program, parts), capsys)
    assert not mark.exists()


def test_torch_says_nothing_of_its_own(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its logs would show where in its code a reader failed, past what this process takes for standard error."""
    parts = parts_of(program)
    whole = json.loads(parts[MODEL])
    whole["graph_module"]["graph"]["tensor_values"]["relu"]["device"]["index"] = -1
    parts[MODEL] = json.dumps(whole).encode()
    assert run(["import", str(written(program, parts)), "--out", str(program.with_name("spec.toml"))]) == 1
    error = capfd.readouterr().err
    assert "torch.export does not read it: Device index must not be negative" in error
    assert len(error.splitlines()) == 1


# Files without example inputs


class Halves(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.reshape(image.shape[0], image.shape[1] // 2, 2).mean(-1)


def without_examples(program: Path) -> Parts:
    parts, content = parts_of(program), io.BytesIO()
    torch.save(((), {}), content)
    return {**parts, "data/sample_inputs/model.pt": content.getvalue()}


@pytest.mark.parametrize(("least", "most"), [(2, 4), (20, 40)])
def test_examples_are_drawn_within_the_ranges_of_free_sizes(
    tmp_path: Path, least: int, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    program = saved(
        tmp_path / "halves.pt2",
        Halves(),
        torch.randn(2, 2 * least),
        {0: Dim("N"), 1: 2 * Dim("K", min=least, max=most)},
    )
    path = written(program, without_examples(program))
    assert run(["import", str(path), "--out", str(tmp_path / "spec.toml")]) == 0, capsys.readouterr().err


def test_an_example_that_no_memory_holds_is_told(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = without_examples(program)
    whole = json.loads(parts[MODEL])
    whole["graph_module"]["graph"]["tensor_values"]["image"]["sizes"][1] = {"as_int": 10**12}
    parts[MODEL] = json.dumps(whole).encode()
    said = refused(written(program, parts), capsys)
    assert "no example inputs, and `image` of shape (3, 1000000000000) is more than is drawn for one" in said


# Anything else in a place


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each (dict or list, key or place) in a JSON text."""
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, inner in found for each in ((value, key), *places(inner))]


@pytest.mark.long
@pytest.mark.parametrize("part", [MODEL, CONSTANTS, "data/weights/model_weights_config.json"])
def test_anything_in_any_place_is_told_or_harmless(
    program: Path, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One value replaced at a time: a status and a sentence, whatever it is."""
    draw, parts = random.Random(0), parts_of(program)
    others: tuple[Any, ...] = (
        None,
        -1,
        0,
        10**12,
        2**70,
        "x",
        "",
        "a b",
        'a"b',
        [],
        {},
        [1],
        {"as_int": 3},
        True,
        float("inf"),
    )
    for _ in range(400):
        whole = json.loads(parts[part])
        where, key = draw.choice(places(whole))
        where[key] = draw.choice(others)
        path = written(program, {**parts, part: json.dumps(whole).encode()})
        status = run(["import", str(path), "--out", str(program.with_name("spec.toml"))])
        assert status in (0, 1, 3), (key, where)
        said = capsys.readouterr().err.splitlines()
        assert status == 0 or len(said) == 1, (key, where)
