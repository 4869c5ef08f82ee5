"""The gallery beside the classes that it replaces, in code lines: `python benchmarks/gallery_lines.py [WHEEL]`.

A spec's lines are counted twice: what says the model (`[vars]`, `[blocks]`, `[model]`), which is what a class says,
and the whole file with its loss, optimizer, data, training, and the warnings that it allows. A class's lines are those
of the classes, functions and tables named below, without what serves other variants alone. Blank lines, comments and
docstrings count nowhere, and a line counts once for each 120 characters. WHEEL is torchvision's; left out, pip
downloads it.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
import tempfile
import tokenize
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "specs" / "gallery"
WIDTH = 120
WHEEL = "torchvision==0.29.1"
SKIPPED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}

CONV = ("torchvision/ops/misc.py", "ConvNormActivation Conv2dNormActivation")
DEPTH = ("torchvision/ops/stochastic_depth.py", "StochasticDepth stochastic_depth")
DIVISIBLE = ("torchvision/models/_utils.py", "_make_divisible")
OURS = "tests/references_small.py"
# Each spec, and the file and names of the classes, helpers and tables of numbers that make the same model.
MADE_OF = {
    "resnet18": [("torchvision/models/resnet.py", "conv3x3 conv1x1 BasicBlock ResNet")],
    "resnet50": [("torchvision/models/resnet.py", "conv3x3 conv1x1 Bottleneck ResNet")],
    "vgg16": [("torchvision/models/vgg.py", "VGG make_layers cfgs")],
    "googlenet": [("torchvision/models/googlenet.py", "GoogLeNet Inception BasicConv2d")],
    "densenet121": [("torchvision/models/densenet.py", "_DenseLayer _DenseBlock _Transition DenseNet")],
    "mobilenet_v2": [("torchvision/models/mobilenetv2.py", "InvertedResidual MobileNetV2"), CONV, DIVISIBLE],
    "efficientnet_b0": [
        ("torchvision/models/efficientnet.py", "_MBConvConfig MBConvConfig MBConv EfficientNet _efficientnet_conf"),
        ("torchvision/ops/misc.py", "SqueezeExcitation"), CONV, DEPTH, DIVISIBLE,
    ],
    "squeezenet1_0": [("torchvision/models/squeezenet.py", "Fire SqueezeNet")],
    "convnext_tiny": [
        ("torchvision/models/convnext.py", "LayerNorm2d CNBlock CNBlockConfig ConvNeXt"),
        ("torchvision/ops/misc.py", "Permute"), CONV, DEPTH,
    ],
    "vit_b_16": [
        ("torchvision/models/vision_transformer.py", "MLPBlock EncoderBlock Encoder VisionTransformer"),
        ("torchvision/ops/misc.py", "MLP"),
    ],
    "gpt2": [
        ("transformers/models/gpt2/modeling_gpt2.py", "GPT2Attention GPT2MLP GPT2Block GPT2Model GPT2LMHeadModel"),
        ("transformers/pytorch_utils.py", "Conv1D"),
    ],
    "bert_base": [
        ("transformers/models/bert/modeling_bert.py",
         "BertEmbeddings BertSelfAttention BertSelfOutput BertAttention BertIntermediate BertOutput BertLayer "
         "BertEncoder BertPooler BertModel"),
    ],
    "unet": [(OURS, "DoubleConv Down Up UNet")],
    "lstm_classifier": [(OURS, "LSTMClassifier")],
    "gru_ctc": [(OURS, "GRUTagger")],
    "autoencoder": [(OURS, "Autoencoder")],
    "vae": [(OURS, "VAE")],
    "triplet": [(OURS, "Encoder Triplet")],
    "two_heads": [(OURS, "TwoHeads")],
}  # fmt: skip
# What only other variants need: a method's name, a dict's key, or the condition of a branch.
OTHER_VARIANTS = {
    "A", "B", "E", "version == '1_1'", "batch_norm", "aux_logits", "self.aux1 is not None", "self.aux2 is not None",
    "self.transform_input", "_transform_input", "memory_efficient", "call_checkpoint_bottleneck",
    "any_requires_grad", "self.memory_efficient and self.any_requires_grad(prev_features)",
    "conv_stem_configs is not None", "_load_from_state_dict", "_upcast_and_reordered_attn",
    "using_eager and self.reorder_and_upcast_attn", "self.is_cross_attention", "is_cross_attention",
    "config.add_cross_attention", "self.add_cross_attention", "encoder_hidden_states is not None",
    "self.is_decoder and encoder_hidden_states is not None", "cache is not None", "labels is not None",
    "encoder_attention_mask is not None", "use_cache",
    *(f"arch.startswith('efficientnet_v2_{size}')" for size in "sml"), "arch.startswith('efficientnet_v2')",
}  # fmt: skip


def main(wheel: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        roots = [ROOT, transformers(), unpacked(wheel or downloaded(folder), folder)]
        rows = [(name, *spec_lines(name), class_lines(name, roots)) for name in MADE_OF]
    print("| spec | model | whole file | classes | model / classes |\n| --- | ---: | ---: | ---: | ---: |")
    for name, model, whole, classes in rows:
        print(f"| {name} | {model} | {whole} | {len(classes)} | {model / len(classes):.2f} |")
    model, whole = (sum(row[at] for row in rows) for at in (1, 2))
    for words, classes in (
        ("together", sum(len(row[3]) for row in rows)),
        ("together, a class that serves several once", len(set().union(*(row[3] for row in rows)))),
    ):
        print(f"| {words} | {model} | {whole} | {classes} | {model / classes:.2f} |")


def transformers() -> Path:
    found = importlib.util.find_spec("transformers")
    if found is None or found.origin is None:
        raise SystemExit("transformers is not installed: pip install -c constraints.txt -e '.[dev]'")
    return Path(found.origin).parents[1]


def downloaded(folder: str) -> str:
    """The path of torchvision's wheel, by pip's own settings."""
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, WHEEL], check=True)
    return str(next(Path(folder).glob("*.whl")))


def unpacked(wheel: str, folder: str) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    return Path(folder)


def spec_lines(name: str) -> tuple[int, int]:
    """Code lines of the model, and of the whole spec."""
    model, whole, section = 0, 0, ""
    text = (GALLERY / f"{name}.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]").partition(".")[0]
        whole += rows_of(line)
        says_model = section in ("", "vars", "blocks", "model") and not line.startswith("allow")
        model += rows_of(line) if says_model else 0
    return model, whole


def rows_of(line: str) -> int:
    return -(-len(line) // WIDTH)


def class_lines(name: str, roots: list[Path]) -> set[tuple[str, int]]:
    """File and number of each code line that makes the model."""
    found = set()
    for file, names in MADE_OF[name]:
        path = next(root / file for root in roots if (root / file).is_file())
        found |= {(file, line) for line in code_lines(path.read_text(encoding="utf-8"), names.split())}
    return found


def code_lines(text: str, names: list[str]) -> set[int]:
    tree = ast.parse(text)
    defined = {name: node for node in tree.body for name in names_of(node)}
    wanted = {line for name in names for line in lines_of(defined[name])}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    written = {line for each in tokens if each.type not in SKIPPED for line in range(each.start[0], each.end[0] + 1)}
    return wanted & written - {line for node in ast.walk(tree) for line in left_out(node)}


def names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def lines_of(node: ast.stmt | ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def left_out(node: ast.AST) -> Iterator[int]:
    """The lines of docstrings and of what only other variants need."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        yield from lines_of(node)
    elif isinstance(node, ast.FunctionDef) and node.name in OTHER_VARIANTS:
        yield from range(min(each.lineno for each in [node, *node.decorator_list]), lines_of(node).stop)
    elif isinstance(node, ast.If) and ast.unparse(node.test) in OTHER_VARIANTS:
        yield from range(node.lineno, lines_of(node.body[-1]).stop)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in OTHER_VARIANTS:
                yield from range(key.lineno, lines_of(value).stop)


if __name__ == "__main__":
    main(*sys.argv[1:2] or [None])
