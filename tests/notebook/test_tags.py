"""What the tags of a cell say: ours, papermill's and Kale's."""

import pytest

from jupyter_mlops.errors import InvalidTagError
from jupyter_mlops.notebook.tags import CellTags, read_tags

READ = {
    "nothing": ([], CellTags()),
    "a step": (["step:load"], CellTags(step="load")),
    "block is step": (["block:load"], CellTags(step="load")),
    "empty step": (["step:"], CellTags()),
    "empty block": (["block:"], CellTags()),
    "the same step twice": (["step:a", "block:a"], CellTags(step="a")),
    "an empty step beside a named one": (["step:", "step:a"], CellTags(step="a")),
    "prev": (["step:c", "prev:a", "prev:b", "prev:a"], CellTags(step="c", prev=("a", "b"))),
    "empty prev": (["step:c", "prev:"], CellTags(step="c")),
    "parameters": (["parameters"], CellTags(special="parameters")),
    "kale's parameters": (["pipeline-parameters"], CellTags(special="parameters")),
    "papermill's injected": (["injected-parameters"], CellTags(special="parameters")),
    "kale's metrics": (["pipeline-metrics"], CellTags(special="metrics")),
    "metrics within a step": (["step:a", "metrics"], CellTags(special="metrics", step="a")),
    "the first special wins": (["imports", "skip"], CellTags(special="imports")),
    "skip before imports": (["skip", "imports"], CellTags(special="skip")),
    "never executed is skipped": (["skip-execution"], CellTags(special="skip")),
    "never executed in a step": (["step:a", "skip-execution"], CellTags(special="skip")),
    "never executed, whatever stands first": (["imports", "skip-execution", "skip"], CellTags(special="skip")),
    "special over step": (["step:a", "imports"], CellTags(special="imports")),
    "special over prev": (["functions", "prev:a"], CellTags(special="functions")),
    "foreign": (["hide-input", "my:tag", "slideshow"], CellTags(foreign=("hide-input", "my:tag", "slideshow"))),
    "foreign beside a step": (["remove-cell", "step:b"], CellTags(step="b", foreign=("remove-cell",))),
    "model and dataset": (["step:a", "model:m", "dataset:df"], CellTags(step="a", models=("m",), datasets=("df",))),
    "model of no name": (["model:a b"], CellTags(foreign=("model:a b",))),
    "gate": (["gate"], CellTags(gate=True)),
    "limits": (["step:a", "limit:nvidia.com/gpu:2"], CellTags(step="a", limits={"nvidia.com/gpu": "2"})),
    "image with colons": (["image:registry:5000/x:1.0"], CellTags(image="registry:5000/x:1.0")),
    "label": (["label:team:x"], CellTags(labels={"team": "x"})),
    "annotation with colons": (["annotation:a/b:http://x"], CellTags(annotations={"a/b": "http://x"})),
    "a label that is another tool's": (["label:fig-1"], CellTags(foreign=("label:fig-1",))),
    "secret": (["secret:TOKEN"], CellTags(secrets=("TOKEN",))),
    "cache": (["cache:disabled"], CellTags(cache="disabled")),
    "unicode": (["step:schätzen"], CellTags(step="schätzen")),
    "dash and dot": (["step:v1.2-a"], CellTags(step="v1.2-a")),
}


@pytest.mark.parametrize(("tags", "expected"), READ.values(), ids=READ.keys())
def test_tags_are_read(tags: list[str], expected: CellTags) -> None:
    assert read_tags(tags) == expected


BAD = {
    "two steps": (["step:a", "step:b"], ["`a`", "`b`", "split the cell"]),
    "step and block": (["step:a", "block:b"], ["`a`", "`b`"]),
    "spaces": (["step:load data"], ["spaces", "`step:load_data`"]),
    "spaces in block": (["block:load data"], ["`block:load_data`"]),
    "space in front": (["step: load"], ["`step:load`"]),
    "slash": (["step:a/b"], ["`step:a_b`"]),
    "prev with spaces": (["step:b", "prev:load data"], ["`prev:load_data`"]),
    "limit without a value": (["limit:cpu"], ["`limit:cpu:VALUE`"]),
    "cache": (["cache:maybe"], ["`cache:enabled`"]),
}


@pytest.mark.parametrize(("tags", "said"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_told(tags: list[str], said: list[str]) -> None:
    with pytest.raises(InvalidTagError) as caught:
        read_tags(tags, "cell 7")
    message = str(caught.value)
    assert message.startswith("cell 7: ")
    assert all(part in message for part in said), message


def test_a_skipped_cell_may_carry_anything() -> None:
    assert read_tags(["step:a", "step:b", "step:load data", "skip"]).special == "skip"
