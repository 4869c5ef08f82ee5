"""How parameters may start: the functions of `torch.nn.init`, without the tensor that they fill.

Signatures and defaults as torch 2.13 has them; a test holds them against the installed torch.
"""

from __future__ import annotations

from typing import Any, Final

from dsl.catalogue.entries import REQUIRED, Entry, Parameter

_MODE: Final = "'fan_in' | 'fan_out'"
_NONLINEARITY: Final = (
    "'linear' | 'conv1d' | 'conv2d' | 'conv3d' | 'conv_transpose1d' | 'conv_transpose2d' | 'conv_transpose3d' | "
    "'sigmoid' | 'tanh' | 'relu' | 'leaky_relu' | 'selu'"
)
_SIGNATURES: Final[dict[str, tuple[tuple[str, str, Any], ...]]] = {
    "constant_": (("val", "float", REQUIRED),),
    "dirac_": (("groups", "int", 1),),
    "eye_": (),
    "kaiming_normal_": (("a", "float", 0), ("mode", _MODE, "fan_in"), ("nonlinearity", _NONLINEARITY, "leaky_relu")),
    "kaiming_uniform_": (("a", "float", 0), ("mode", _MODE, "fan_in"), ("nonlinearity", _NONLINEARITY, "leaky_relu")),
    "normal_": (("mean", "float", 0.0), ("std", "float", 1.0)),
    "ones_": (),
    "orthogonal_": (("gain", "float", 1),),
    "sparse_": (("sparsity", "float", REQUIRED), ("std", "float", 0.01)),
    "trunc_normal_": (("mean", "float", 0.0), ("std", "float", 1.0), ("a", "float", -2.0), ("b", "float", 2.0)),
    "uniform_": (("a", "float", 0.0), ("b", "float", 1.0)),
    "xavier_normal_": (("gain", "float", 1.0),),
    "xavier_uniform_": (("gain", "float", 1.0),),
    "zeros_": (),
}

STARTS: Final = {
    name: Entry(
        name=name,
        target=f"torch.nn.init.{name}",
        role="function",
        kind="other",
        parameters=tuple(Parameter(name=key, type=type, default=default) for key, type, default in signature),
    )
    for name, signature in _SIGNATURES.items()
}


def find_start(name: str) -> Entry | None:
    """The function of this name, "normal_" or "torch.nn.init.normal_"; None if there is none."""
    return STARTS.get(name.removeprefix("torch.nn.init."))
