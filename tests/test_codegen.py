"""Calls whose arguments PyTorch takes by place only, or behind others."""

import torch

import builder
import dsl


def test_einsum_and_gather_run_as_torch_does() -> None:
    spec = dsl.loads(
        """
name = "Placed"
[model]
inputs = { a = ["N", 4], b = [4, 5], i = { shape = ["N", 2], dtype = "int64", high = 4 } }
layers = [
  { name = "picked", type = "gather", input = ["a", "i"], dim = 1 },
  { name = "summed", type = "einsum", equation = "nc,cd->nd", input = ["a", "b"] },
  { type = "cat", input = ["picked", "summed"], dim = 1 },
]
"""
    )
    a, b, i = torch.rand(3, 4), torch.rand(4, 5), torch.randint(0, 4, (3, 2))
    assert torch.equal(builder.build(spec, device="cpu")(a, b, i), torch.cat([a.gather(1, i), a @ b], 1))
