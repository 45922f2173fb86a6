"""One self-contained HTML page of an executed notebook."""

from __future__ import annotations

import os
from pathlib import Path

from nbformat import NotebookNode


def write_report(nb: NotebookNode, path: Path, title: str, *, code: bool = True) -> None:
    """Write the page: images embedded, outputs sanitized, no external resources.

    :param code: whether the code cells' sources are shown.
    """
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(
        embed_images=True,
        sanitize_html=True,
        exclude_input=not code,
        exclude_input_prompt=not code,
        exclude_output_prompt=not code,
        mathjax_url="",
        require_js_url="",
        mermaid_js_url="",
        jquery_url="",
        html_manager_semver_range="*",
        widget_renderer_url="",
    )
    body, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(body, encoding="utf-8")
    os.replace(part, path)
