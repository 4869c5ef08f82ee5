"""Small sets lie whole on a GPU, others come to it batch by batch; which it is is said."""

from __future__ import annotations

import pytest
import torch

from builder import data
from builder.experiment import residing

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
SAMPLES = data.TensorSource({"x": torch.rand(10, 4), "y": torch.arange(10)})  # 10 * (4 * 4 + 8) = 240 bytes


def test_what_fits_goes_to_the_device_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.TensorSource, "to", lambda self, device: (self, device))
    assert SAMPLES.bytes == 240
    monkeypatch.setattr(residing, "_free", lambda device: 960)
    found = residing.reading(SAMPLES, GPU, 2)
    assert found == residing.Reading((SAMPLES, GPU), 0, False, "all on cuda:0")
    monkeypatch.setattr(residing, "_free", lambda device: 959)
    assert residing.reading(SAMPLES, GPU, 2) == residing.Reading(SAMPLES, 2, True, "in memory, by 2 processes ahead")
    assert residing.reading(SAMPLES, CPU, 0) == residing.Reading(SAMPLES, 0, False, "in memory")
    some = data.DatasetSource([{"x": 1}])
    assert residing.reading(some, GPU, 1) == residing.Reading(
        some, 1, True, "read as they are needed, by 1 process ahead"
    )


def test_samples_on_another_device_keep_their_names_and_divisors() -> None:
    source = data.TensorSource({"x": torch.zeros(4, 1, 2, 2, dtype=torch.uint8)}, {"x": 255}).to(torch.device("meta"))
    assert source.device.type == "meta"
    assert source.fields == (data.FieldType("x", (1, 2, 2)),)
    assert source.batch(torch.tensor([1, 2], device="meta"))["x"].dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_batches_of_a_gpu_are_those_of_the_cpu() -> None:
    found = residing.reading(SAMPLES, torch.device("cuda"), 2)
    assert found.text == "all on cuda"
    pairs = zip(
        data.Batches(found.source, batch_size=3, shuffle=True).epoch(1),
        data.Batches(SAMPLES, batch_size=3, shuffle=True, pinned=True).epoch(1),
        data.Batches(SAMPLES, batch_size=3, shuffle=True, pinned=True, num_workers=2).epoch(1),
        strict=True,
    )
    for there, here, ahead in pairs:
        assert there["x"].is_cuda
        assert here["x"].is_pinned()
        assert ahead["x"].is_pinned()
        for name in ("x", "y"):
            assert torch.equal(there[name].cpu(), here[name])
            assert torch.equal(ahead[name], here[name])
