"""The spec's own lines about a layer: taken from where it is written, whatever form it is written in."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import dsl
from builder.building import elaborate
from builder.commands.quoting import LONGEST, quotes


def quoted(path: Path, text: str) -> dict[str, str]:
    path.write_text(dedent(text))
    spec = dsl.load(path)
    return dict(quotes(spec, elaborate(spec)))


def test_lines_of_layers_groups_and_blocks_lose_what_they_are_indented_by(tmp_path: Path) -> None:
    found = quoted(tmp_path / "model.toml", """\
        [blocks.Pair]
        layers = [
          { name = "one", type = "Linear", out_features = 3 },
          { type = "relu" },
        ]
        [model]
        inputs = { x = ["N", 4] }
        layers = [
          { name = "pair", type = "Pair", repeat = 2 },
          { name = "group", layers = [
            { type = "tanh" },
          ] },
        ]
        """)  # fmt: skip
    assert found["pair.1.one"] == '{ name = "one", type = "Linear", out_features = 3 },'
    assert found["pair"] == found["pair.0"] == '{ name = "pair", type = "Pair", repeat = 2 },'
    assert found["group"] == '{ name = "group", layers = [\n  { type = "tanh" },\n] },'
    assert found["inputs.x"] == 'inputs = { x = ["N", 4] }'
    assert found[""].startswith("[model]\ninputs =")
    assert found[""].endswith("] },\n]")


def test_a_table_with_a_header_of_its_own_is_quoted_to_its_last_key(tmp_path: Path) -> None:
    found = quoted(tmp_path / "model.toml", """\
        [model]
        inputs.x = ["N", 4]

        [[model.layers]]
        name = "a"
        type = "Linear"
        # why three
        out_features = 3

        [[model.layers]]
        type = "relu"
        """)  # fmt: skip
    assert found["a"] == '[[model.layers]]\nname = "a"\ntype = "Linear"\n# why three\nout_features = 3'
    assert found["1"] == '[[model.layers]]\ntype = "relu"'


def test_lines_come_from_the_file_that_wrote_last(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        '[model]\ninputs.x = ["N", 4]\nlayers = [\n'
        '{ name = "a", type = "Linear", out_features = 3 },\n{ name = "b", type = "Linear", out_features = 2 },\n]\n'
    )
    found = quoted(tmp_path / "over.toml", """\
        extends = "base.toml"
        [patch.a]
        set.out_features = 5
        after = [{ type = "relu" }]
        """)  # fmt: skip
    assert found["a"] == "set.out_features = 5"
    assert found["1"] == 'after = [{ type = "relu" }]'
    assert found["b"] == '{ name = "b", type = "Linear", out_features = 2 },'


def test_of_a_long_model_the_first_lines_are_quoted(tmp_path: Path) -> None:
    layers = "".join('  { type = "relu" },\n' for _ in range(100))
    found = quoted(tmp_path / "model.toml", f'[model]\ninputs.x = ["N", 4]\nlayers = [\n{layers}]\n')
    assert found[""].count("\n") == LONGEST
    assert found[""].endswith("\n...")
    assert found["99"] == '{ type = "relu" },'
