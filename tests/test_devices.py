"""The words for devices, on this machine and on machines that are only pretended."""

import pytest
import torch

from builder import devices


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted", "found"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, True, "auto", "cuda"),
        (2, False, "cpu", "cpu"),
        (1, False, "cuda", "cuda"),
        (2, False, "cuda:1", "cuda:1"),
        (0, False, ["cuda:1", "cpu"], "cpu"),
        (1, False, ["cuda:1", "cuda:0", "cpu"], "cuda:0"),
        (0, True, ["cuda", "auto"], "mps"),
    ],
)
def test_resolves(machine, cuda, mps, wanted, found):
    machine(cuda, mps)
    assert devices.resolve(wanted) == torch.device(found)


@pytest.mark.parametrize(
    ("cuda", "wanted", "message"),
    [
        (0, "cuda:1", "cuda:1 is not there: this machine has no CUDA device; there is: cpu"),
        (1, "cuda:1", "cuda:1 is not there: this machine has one CUDA device; there is: cuda:0, cpu"),
        (2, "cuda:2", "cuda:2 is not there: this machine has 2 CUDA devices; there is: cuda:0, cuda:1, cpu"),
        (0, "mps", "mps is not there: this machine has no MPS device; there is: cpu"),
        (0, ["cuda", "mps"], "none of cuda, mps is there: this machine has no CUDA device and no MPS device; "
            "there is: cpu"),
        (0, [], 'the list of devices is empty; "auto" takes the best that is there'),
        (0, "cudo", "'cudo' is not a device: there are \"auto\", \"cpu\", \"cuda\", \"cuda:N\" and \"mps\"; "
            "did you mean 'cuda'?"),
        (1, ["cuda", "gpu"], "'gpu' is not a device: there are \"auto\", \"cpu\", \"cuda\", \"cuda:N\" and \"mps\"; "
            "did you mean 'cuda'?"),
        (0, "toaster", "'toaster' is not a device: there are \"auto\", \"cpu\", \"cuda\", \"cuda:N\" and \"mps\""),
        (1, "cuda:-1", "'cuda:-1' is not a device: there are \"auto\", \"cpu\", \"cuda\", \"cuda:N\" and \"mps\"; "
            "did you mean 'cuda'?"),
    ],
)  # fmt: skip
def test_says_what_is_there(machine, cuda, wanted, message):
    machine(cuda)
    with pytest.raises(devices.DeviceError) as caught:
        devices.resolve(wanted)
    assert str(caught.value) == message
