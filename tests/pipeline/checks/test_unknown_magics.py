import pytest


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["%undefined_line_magic x"], [("error", 0)]),
        (["%%sql_of_databricks\nselect 1"], [("error", 0)]),
        (["%%sql\nselect 1"], [("error", 0)]),
        (["x = %sql select 1"], [("error", 0)]),
        (["%%scala\nval x = 1", "%%md\n# x"], [("error", 0), ("error", 1)]),
        (["%matplotlib inline\n%time 1\n%pip list\nfiles = !ls", "%%bash\nls", "%%capture out\n1", "%%html\n<b>"], []),
        (["%who\n%whos\n%config InlineBackend.figure_format = 'retina'\n%store -r x"], []),
        (["f?", "!ls", "%%!\nls"], []),
        (["%load_ext sql", "%%sql\nselect 1"], []),
        (["%%sql\nselect 1", "%load_ext sql"], [("error", 0)]),
        (["%load_ext autoreload\n%autoreload 2", "%aimport x"], []),
        (["%load_ext autoreload", "%%sql\nselect 1"], [("error", 1)]),
        (["%load_ext tensorboard\n%tensorboard --logdir x"], []),
        (["%autoreload 2"], [("error", 0)]),
        (["get_ipython().run_line_magic('load_ext', 'sql')", "%sql x"], []),
        (["get_ipython().extension_manager.load_extension('sql')", "%sql x"], []),
        (["@register_line_magic\ndef mine(line): ...", "%mine"], []),
        (["from IPython.core import magic\n@magic.register_cell_magic('own')\ndef f(line, cell): ...", "%%own\n1"], []),
        (["get_ipython().register_magic_function(print, magic_name='mine')", "%mine"], []),
        (["get_ipython().register_magics(Mine)", "%mine"], []),
        (["%alias_magic t timeit", "%t 1"], []),
        (["import google.colab\nfrom google.cloud import bigquery", "%%bigquery\nselect 1"], [("warning", 1)]),
        (["try:\n    %frobnicate\nexcept Exception:\n    pass"], []),
        (["import sys\nif 'google.colab' in sys.modules:\n    %tensorflow_version 2.x"], []),
        (["print('%sql')", "a = 5 %b"], []),
    ],
)
def test_unknown_magics(found, sources, expected):
    assert found("unknown_magics", *sources) == expected


def test_other_languages_have_their_own(found, notebook):
    nb = notebook("%%sql_of_databricks\nx", kernelspec={"name": "scala", "display_name": "x", "language": "scala"})
    assert found("unknown_magics", nb) == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("%%sql\nselect 1", ["Databricks", "%load_ext sql"]),
        ("%memit f()", ["`%load_ext memory_profiler`"]),
        ("%%tiemit\n1", ["`%%timeit`"]),
        ("%%frobnicate\n1", ["%load_ext NAME"]),
    ],
)
def test_the_fix(findings, source, says):
    (finding,) = findings("unknown_magics", source)
    assert all(part in finding.fix for part in says), finding.fix
