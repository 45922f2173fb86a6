"""The agent profiles frames where they are, in the kernel, and loads no module for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import command, read, write

LOAD = "import pandas as pd\ndf = pd.DataFrame({'x': list(range(100)), 'y': ['a', 'b'] * 50})"
PROFILE = """import sys
agent, before = sys.modules['_jupyter_mlops_agent'], set(sys.modules)
document = agent.profiles.profile(df)
joined = agent.profile_merge.merge(document, agent.profiles.profile(df, document))
print(document['rows'], joined['rows'], [c['kind'] for c in joined['columns']], sorted(set(sys.modules) - before))"""


@pytest.mark.kernel
@pytest.mark.slow
def test_a_frame_is_profiled_in_the_kernel(tmp_path: Path) -> None:
    notebook = write(tmp_path / "a.ipynb", ("step:load", LOAD), ("step:look", PROFILE))
    result = command("run", notebook, "--json")
    assert result.code == 0, result.err
    [text] = [out["text"] for cell in read(result.record["output"]).cells for out in cell.get("outputs", ())]
    assert text == "100 200 ['integer', 'text'] []\n"
