from jupyter_mlops.pipeline.model import Fusion, Pipeline, Step


def pipeline(*fusions: Fusion) -> Pipeline:
    return Pipeline(
        name="nb",
        language="python",
        kernel="python3",
        parameters=(),
        steps=(Step("load", (0,), (), ("db",), ()), Step("use", (1,), ("db",), (), ("load",))),
        edges=(),
        blocks=(),
        fusions=fusions,
    )


def test_each_fusion_is_a_finding(findings):
    fusion = Fusion(("load", "use"), "db", "sqlite3.Connection", "load", ("use",), "it is an open connection")
    (finding,) = findings("unpicklable", "db = 1", "db", pipeline=pipeline(fusion))
    assert (finding.severity, finding.cell) == ("warning", 0)
    for part in ("`db`", "sqlite3.Connection", "step load", "needed by use", "open connection"):
        assert part in finding.message
    assert "`db`" in finding.fix


def test_several_users_are_all_named(findings):
    fusion = Fusion(("load", "use", "more"), "db", "", "load", ("use", "more"), "")
    (finding,) = findings("unpicklable", "db = 1", "db", pipeline=pipeline(fusion))
    assert "needed by use and more" in finding.message and "load, use and more" in finding.message


def test_nothing_to_say(findings):
    assert findings("unpicklable", "db = 1", "db", pipeline=pipeline()) == []
    assert findings("unpicklable", "db = 1", "db") == []
