"""What a loss holds against each other, by which the outputs can be measured too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from builder.experiment.objective import Objective, Term
from builder.graph import Node
from builder.shapes.call import TensorType, Value
from builder.training.accuracy import CLASSES, YES, accuracy_for, error_for
from builder.training.measures import Measure, Share
from dsl.catalogue import find


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a term of the loss holds against each other. loss: the plain name of its type; output, target: names in its
    sight; shape: what is known of the output; module: that of a loss that is one."""

    loss: str
    output: str
    target: str
    shape: Value
    arguments: Mapping[str, Any]
    module: nn.Module | None

    @classmethod
    def of(cls, term: Term) -> Compared | None:
        """None where the term is not one loss over an output and a target as they are."""
        losses = [node for node in term.done.nodes if node.kind == "loss"]
        if len(losses) != 1:
            return None
        node = losses[0]
        reads = _reads(node)
        target = reads.get("target", reads.get("target_"))
        output = next((reads[each] for each in ("input", "input_", "log_input") if reads.get(each)), None)
        if output is None or target is None:
            return None
        module = term.module.get_submodule(node.module) if node.module else None
        return cls(loss=node.target.rpartition(".")[2], output=output, target=target,
                   shape=term.done.inputs.get(output), arguments=node.arguments, module=module)  # fmt: skip

    def usual(self, objective: Objective) -> tuple[str, Measure] | None:
        """The name of the usual measure, and the measure."""
        accuracy = accuracy_for("CrossEntropyLoss" if self.loss in _SCORED else self.loss, ignore_index=self.ignored)
        parts, kind = (accuracy, "accuracy") if accuracy is not None else (error_for(self.loss), "mae")
        if parts is None:
            return None

        def compared(outputs: Any, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
            sight = objective.sight(outputs, batch)
            return parts(self.scores(sight[self.output]), sight[self.target])

        return kind, Share(compared, higher_is_better=kind == "accuracy")

    @property
    def ignored(self) -> int:
        """The class number that does not count."""
        written = self.arguments.get("ignore_index")
        return -100 if written is None else int(written)

    def scores(self, output: Tensor) -> Tensor:
        """The output; of a loss with a last layer of its own, what that makes of it."""
        make = _SCORED.get(self.loss)
        return output if make is None or self.module is None else make(self.module, output)

    @property
    def told(self) -> dict[str, Any]:
        """What the loss tells a metric over classes: its `task`, how many classes or labels, what does not count."""
        sizes = self.shape.shape if isinstance(self.shape, TensorType) else ()
        if self.loss in _SCORED or self.loss in CLASSES:
            classes = self.arguments.get("n_classes") or self.arguments.get("num_classes")
            classes = classes or (sizes[1] if len(sizes) > 1 and isinstance(sizes[1], int) else None)
            many = {} if classes is None else {"num_classes": classes}
            return {"task": "multiclass", **many, "ignore_index": self.ignored}
        if self.loss not in YES or not sizes:
            return {}
        labels = sizes[1] if len(sizes) > 1 else 1
        return {"task": "binary"} if labels == 1 else {"task": "multilabel", "num_labels": labels}

    def plain(self, sight: Mapping[str, Tensor]) -> list[Tensor]:
        """The output and the target as the loss reads them."""
        return [sight[self.output], sight[self.target]]

    def judged(self, sight: Mapping[str, Tensor]) -> list[Tensor]:
        """The output as probabilities, the target as whole numbers."""
        output, target = self.scores(sight[self.output]).float(), sight[self.target]
        if self.loss in YES:
            return [output.sigmoid() if YES[self.loss] == 0 else output, (target >= 0.5).long()]
        if self.loss in ("NLLLoss", "nll_loss", "AdaptiveLogSoftmaxWithLoss"):
            output = output.exp()
        elif self.loss in CLASSES or self.loss in _SCORED:
            output = output.softmax(1)
        return [output, target.argmax(1) if target.is_floating_point() and target.ndim == output.ndim else target]


# Losses that hold the last layer: the scores of the classes from the module and its input.
_SCORED: Mapping[str, Callable[[Any, Tensor], Tensor]] = {
    "AdaptiveLogSoftmaxWithLoss": lambda module, output: module.log_prob(output),
    "LinearCrossEntropyLoss": lambda module, output: module.linear(output),
}


def _reads(node: Node) -> dict[str, str]:
    """What a loss reads by the names of its arguments, as far as it reads what is in its sight as it is."""
    entry = find(node.target)
    names = [each.name for each in entry.inputs] if entry is not None else []
    given = {**dict(zip(names, node.reads, strict=False)), **node.keyword_reads}
    plain = {role: each["from"] for role, each in given.items() if isinstance(each, dict) and "from" in each
             and not {"pick", "parameter"} & set(each)}  # fmt: skip
    return {role: name.removeprefix("inputs.") for role, name in plain.items() if name.startswith("inputs.")}
