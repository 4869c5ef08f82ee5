"""The manual's examples load, are checked, and run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import builder
import dsl

TEXT = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
HEADINGS = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)


def spec_of(example: str) -> str:
    """A whole spec: layers alone, or a spec without inputs, stand behind the inputs that the first comment names."""
    head, _, rest = example.partition("\n")
    if not head.startswith("# "):
        return example
    inputs = head.removeprefix("# ").removesuffix(", with:")
    if head.endswith("with:"):
        return 'name = "Example"\n' + rest.replace("[model]\n", f"[model]\ninputs = {{ {inputs} }}\n")
    return f'name = "Example"\n[model]\ninputs = {{ {inputs} }}\nlayers = [\n{rest}]\n'


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(example: str) -> None:
    spec = dsl.loads(spec_of(example))
    model = builder.build(spec, device="cpu").eval()
    inputs = []
    for each in spec.model.inputs or ():
        sizes = [size if isinstance(size, int) else 3 for size in each.shape or ()]
        inputs.append(torch.randint(0, each.high, sizes) if each.high else torch.randn(sizes))
    graph = builder.elaborate(spec)
    result = model(*inputs)
    (output,) = (attributes for _, attributes in graph.nodes(data=True) if attributes["role"] == "output")
    assert list(result.shape) == [eval(str(size), {"N": 3, "T": 3}) for size in output["shape"]]


def test_there_are_examples_and_the_contents_lead_somewhere() -> None:
    assert len(EXAMPLES) >= 9
    places = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in HEADINGS}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= places
