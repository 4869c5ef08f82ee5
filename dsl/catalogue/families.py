"""What hangs on a type's name: its kind, the arguments that its input tells, words that a plain `str` stands for.

Used only when the catalogue is made. Each table is read from the top; the first pattern that matches the whole name
wins. Patterns for kinds and inferred arguments see the plain name, those for argument types the dotted target.
"""

from __future__ import annotations

import re
from typing import Final

# Names of builder.graph.KINDS. Functions of the same name in another case or with underscores are of the same kind.
KINDS: Final = (
    (r".*Loss(WithLoss)?|AdaptiveLogSoftmaxWithLoss", "loss"),
    (r".*_loss|ctc_loss|binary_cross_entropy(_with_logits)?|(linear_)?cross_entropy|kl_div", "loss"),
    (r"(Lazy)?Conv(Transpose)?\dd|conv(_transpose)?\dd|conv_tbc", "convolution"),
    (r"Linear|Bilinear|linear|bilinear", "linear"),
    (r"Embedding(Bag)?|embedding(_bag)?|one_hot", "embedding"),
    (r"(RNN|LSTM|GRU)(Cell)?", "recurrent"),
    (r"MultiheadAttention|Transformer.*|scaled_dot_product_attention|multi_head_attention_forward", "attention"),
    (r"(Sync)?BatchNorm(\dd)?|InstanceNorm\dd|(Group|Layer|RMS)Norm|LocalResponseNorm|CrossMapLRN2d", "normalisation"),
    (r"(batch|instance|group|layer|rms)_norm|local_response_norm|normalize", "normalisation"),
    (r"(Feature)?(Alpha)?Dropout(\dd)?|(feature_)?(alpha_)?dropout(\dd)?", "dropout"),
    (r".*(Max|Avg|LP)(Pool|Unpool)\dd|(adaptive_|fractional_)?(max|avg|lp)_(un)?pool\dd", "pooling"),
    (r"C?ELU|GELU|GLU|SELU|SiLU|Mish|[PR]?ReLU6?|RReLU|LeakyReLU|Hard\w+|LogSigmoid|Sigmoid|Soft(plus|shrink|sign)",
     "activation"),
    (r"(Log)?Softmax(2d)?|Softmin|Tanh(shrink)?|Threshold", "activation"),
    (r"celu|elu|gelu|glu|selu|silu|mish|[pr]?relu6?|rrelu|leaky_relu|hard(shrink|sigmoid|swish|tanh)|logsigmoid",
     "activation"),
    (r"(log_|gumbel_)?softmax|softmin|softplus|softshrink|softsign|sigmoid|tanh|tanhshrink|threshold|expit",
     "activation"),
    (r"Flatten|Unflatten|Fold|Unfold|Pixel(Uns|S)huffle|ChannelShuffle|\w+Pad\dd|Upsampl\w+|Upsample", "shape"),
    (r"flatten|unflatten|fold|unfold|pixel_(un)?shuffle|channel_shuffle|pad|interpolate|(un)?squeeze|(re)?view(_as)?",
     "shape"),
    (r"reshape(_as)?|permute|transpose|t|adjoint|swap(axes|dims)|move(axis|dim)|expand(_as)?|broadcast_(to|tensors)",
     "shape"),
    (r"repeat(_interleave)?|tile|roll|rot90|flip(lr|ud)?|chunk|[dhv]?split|tensor_split|unbind|narrow|select|ravel",
     "shape"),
    (r"index_select|gather|take(_along_dim)?|diagonal|diag(_embed|flat)?|contiguous|atleast_\dd|view_as_(real|complex)",
     "shape"),
    (r"tril|triu|unravel_index|affine_grid|grid_sample|meshgrid|sum_to_size", "shape"),
    (r"cat|concat(enate)?|stack|([dhv]|column_|row_)stack|block_diag|cartesian_prod", "merge"),
    (r"add|sub(tract)?|mul(tiply)?|div(ide)?|true_divide|maximum|minimum|where|lerp", "merge"),
    (r"zeros|ones|full|eye|arange|linspace|logspace|rand(n|int|perm)?|(tril|triu)_indices|.*_window", "other"),
    (r"Identity|clone|detach|to|type_as|float|double|half|bfloat16|int|long|short|bool|byte|char", "other"),
    (r"([A-Z]\w*)", "other"),
    (r".*", "arithmetic"),
)  # fmt: skip

# Constructor arguments that the input's shape (for embeddings, its `high`) tells.
INFERRED: Final = (
    (r"Conv(Transpose)?\dd", ("in_channels",)),
    (r"Linear|AdaptiveLogSoftmaxWithLoss|LinearCrossEntropyLoss", ("in_features",)),
    (r"Bilinear", ("in1_features", "in2_features")),
    (r"(Sync)?BatchNorm(\dd)?|InstanceNorm\dd", ("num_features",)),
    (r"GroupNorm", ("num_channels",)),
    (r"LayerNorm|RMSNorm", ("normalized_shape",)),
    (r"(RNN|LSTM|GRU)(Cell)?", ("input_size",)),
    (r"MultiheadAttention", ("embed_dim",)),
    (r"Transformer((En|De)coderLayer)?", ("d_model",)),
    (r"Embedding(Bag)?", ("num_embeddings",)),
)

_REDUCTION = "'none' | 'mean' | 'sum'"
_FFT_NORM = "'forward' | 'backward' | 'ortho' | none"
_RESAMPLING = "'nearest' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area' | 'nearest-exact'"
_QUANTILE = "'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint'"
_WINDOW = r"kernel_size|stride|padding|output_padding|dilation"
_F = r"torch\.nn\.functional\."

# Where torch's own annotation says less than its documentation: (target, argument) -> type.
TYPES: Final = (
    (r".*\.(Lambda|Multiplicative)LR", "lr_lambda", "str"),
    (r".*(KLDivLoss|kl_div)", "reduction", f"{_REDUCTION} | 'batchmean'"),
    (r".*", "reduction", _REDUCTION),
    (r".*\.[Cc]onv1d", "padding", "'same' | 'valid' | int | int[1]"),
    (r".*\.[Cc]onv2d", "padding", "'same' | 'valid' | int | int[2]"),
    (r".*\.[Cc]onv3d", "padding", "'same' | 'valid' | int | int[3]"),
    (r".*\.grid_sample", "padding_mode", "'zeros' | 'border' | 'reflection'"),
    (r".*\.grid_sample", "mode", "'bilinear' | 'nearest' | 'bicubic'"),
    (r".*(Upsample|interpolate)", "mode", _RESAMPLING),
    (r".*(EmbeddingBag|embedding_bag)", "mode", "'sum' | 'mean' | 'max'"),
    (r".*\.pad", "mode", "'constant' | 'reflect' | 'replicate' | 'circular'"),
    (r".*\.pad", "pad", "int[]"),
    (r".*\.linalg\.qr", "mode", "'reduced' | 'complete' | 'r'"),
    (r".*\.RNN(Cell)?", "nonlinearity", "'tanh' | 'relu'"),
    (r".*\.Transformer\w*", "activation", "'relu' | 'gelu' | callable"),
    (r".*\.Transformer", "custom_(en|de)coder", "module | none"),
    (r".*\.Transformer(En|De)coder", "(en|de)coder_layer", "module"),
    (r".*(LinearCrossEntropyLoss|linear_cross_entropy)", "options", "settings | none"),
    (r".*\.(RNN|GRU)", "hx", "tensor | none"),
    (r".*\.LSTM", "hx", "tensors | none"),
    (r".*\.MultiheadAttention", "embed_dim|num_heads", "int"),
    (r".*\.(GELU|gelu)", "approximate", "'none' | 'tanh'"),
    (r".*", "rounding_mode", "'trunc' | 'floor' | none"),
    (r".*\.meshgrid", "indexing", "'ij' | 'xy' | none"),
    (r".*\.(scatter|index)_reduce", "reduce", "'sum' | 'prod' | 'mean' | 'amax' | 'amin'"),
    (r".*\.scatter", "reduce", "'add' | 'multiply'"),
    (r".*\.(nan)?quantile", "interpolation", _QUANTILE),
    (r".*\.searchsorted", "side", "'left' | 'right' | none"),
    (r".*\.linalg\.\w+", "UPLO", "'L' | 'U'"),
    (r".*\.fft\.\w+", "norm", _FFT_NORM),
    (r".*\.stft", "pad_mode", "'constant' | 'reflect' | 'replicate' | 'circular'"),
    (r".*\.LBFGS", "line_search_fn", "'strong_wolfe' | none"),
    (r".*\.Muon", "adjust_lr_fn", "'original' | 'match_rms_adamw' | none"),
    (r".*\.(full|full_like|fill|masked_fill|new_full|index_fill)", "fill_value|value", "float | bool"),
    # torch.nn.functional's sizes that may be one number or one for each dim, which its annotations do not show.
    (rf"{_F}(un)?fold", f"{_WINDOW}|output_size", "int | int[2]"),
    (rf"{_F}adaptive_max_pool1d|{_F}adaptive_avg_pool1d", "output_size", "int | int?[1]"),
    (rf"{_F}adaptive_(max|avg)_pool2d", "output_size", "int | int?[2]"),
    (rf"{_F}adaptive_(max|avg)_pool3d", "output_size", "int | int?[3]"),
    (rf"{_F}fractional_max_pool2d", "output_ratio", "float | float[2] | none"),
    (rf"{_F}fractional_max_pool3d", "output_ratio", "float | float[3] | none"),
    (rf"{_F}fractional_max_pool2d", "output_size", "int | int[2] | none"),
    (rf"{_F}fractional_max_pool3d", "output_size", "int | int[3] | none"),
    (rf"{_F}max_unpool\dd", "output_size", "int[] | none"),
    (rf"{_F}(lp|max)_(un)?pool1d", "stride", "int | int[1] | none"),
    (rf"{_F}(lp|max)_(un)?pool1d", _WINDOW, "int | int[1]"),
    (rf"{_F}(lp|max)_(un)?pool2d", "stride", "int | int[2] | none"),
    (rf"{_F}(lp|max)_(un)?pool3d", "stride", "int | int[3] | none"),
    (rf"{_F}(fractional_)?(lp|max)_(un)?pool2d", _WINDOW, "int | int[2]"),
    (rf"{_F}(fractional_)?(lp|max)_(un)?pool3d", _WINDOW, "int | int[3]"),
    (rf"{_F}interpolate", "size", "int | int[] | none"),
    (rf"{_F}interpolate", "scale_factor", "float | float[] | none"),
    (rf"{_F}(log_)?softm(ax|in)", "dtype", "dtype | none"),
    (r".*\.cdist", "compute_mode",
     "'use_mm_for_euclid_dist_if_necessary' | 'use_mm_for_euclid_dist' | 'donot_use_mm_for_euclid_dist'"),
)  # fmt: skip


def kind_of(name: str) -> str:
    return next(kind for pattern, kind in KINDS if re.fullmatch(pattern, name))


def inferred_of(name: str) -> tuple[str, ...]:
    return next((arguments for pattern, arguments in INFERRED if re.fullmatch(pattern, name)), ())


def known_type(target: str, argument: str) -> str | None:
    """The type that a table here gives this argument; None where torch's own word stands."""
    for owner, name, text in TYPES:
        if re.fullmatch(owner, target) and re.fullmatch(name, argument):
            return text
    return None
