"""Magics, shell lines, hooks and extensions."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("shell-line-and-capture", r"""
        # %% step:a
        word = "shell"
        !echo from the $word
        # %% step:b
        lines = !printf 'b\na\n'
        # %% step:c
        print(sorted(lines), lines.n == "b\na")
    """, python_only=False),
    Row("double-bang-and-braces", r"""
        # %% step:a
        n = 4
        # %% step:b
        !!echo {n * 2} $n $$HOME_IS_NOT_SET_HERE
        # %% step:c
        _
    """, python_only=False),
    Row("capture-magic", r"""
        # %% step:a
        %%capture cap
        print("out"); x = 5
        # %% step:b
        print(repr(cap.stdout), x)
        # %% step:c
        %%capture --no-stderr
        import sys
        print("gone"); print("stays", file=sys.stderr)
    """, python_only=False),
    Row("bash-cell-writes-a-file", r"""
        # %% step:a
        %%bash
        echo "x,y" > t.csv
        echo "1,2" >> t.csv
        # %% step:b
        print(open("t.csv").read())
        # %% step:c
        %%bash --out text
        wc -l < t.csv
        # %% step:d
        print(text.strip())
    """, python_only=False),
    Row("writefile-then-run", r"""
        # %% step:a
        %%writefile script.py
        value = base * 2
        def from_script(): return value + 1
        # %% step:b
        base = 10
        # %% step:c
        %run -i script.py
        # %% step:d
        print(value, from_script())
    """, python_only=False),
    Row("run-of-a-local-script", r"""
        # %% step:a
        x = "mine"
        # %% step:b
        %run job.py one two
        # %% step:c
        print(x, made)
    """, python_only=False, files={"job.py": """
        import sys
        made = sys.argv[1:]
        print("name", __name__)
        x = "the script's"
    """}),
    Row("env-magic", r"""
        # %% step:a
        %env STAGE=prod
        # %% step:b
        %set_env STAGE2 two words
        # %% step:c
        import os
        print(os.environ["STAGE"], os.environ["STAGE2"])
        # %% step:d
        where = %env STAGE
        print(where)
    """, python_only=False),
    Row("cd-magic", r"""
        # %% step:a
        %mkdir sub
        %cd -q sub
        # %% step:b
        open("here.txt", "w").close()
        # %% step:c
        %cd -q ..
        # %% step:d
        import os
        print(os.listdir("sub"))
    """, python_only=False),
    Row("magic-of-the-notebook-itself", r"""
        # %% step:a
        from IPython.core.magic import register_line_magic, register_cell_magic
        @register_line_magic
        def shout(line): return line.upper() + "!"
        @register_cell_magic
        def twice(line, cell):
            for _ in range(2): get_ipython().run_cell(cell)
        n = 0
        # %% step:b
        %shout hello
        # %% step:c
        %%twice
        n += 1
        # %% step:d
        got = %shout bye
        print(n, got)
    """, python_only=False),
    Row("alias-of-a-magic", r"""
        # %% step:a
        %alias_magic -l e env
        %alias say echo said %s
        # %% step:b
        %e SOME=thing
        # %% step:c
        %say it
    """, python_only=False),
    Row("extension-of-the-project", r"""
        # %% step:a
        %load_ext row_extension
        # %% step:b
        %greet you
        # %% step:c
        print(from_extension)
        # %% step:d
        %load_ext row_extension
    """, python_only=False, files={"row_extension.py": """
        def load_ipython_extension(ip):
            ip.register_magic_function(lambda line: print("hello", line), "line", "greet")
            ip.push({"from_extension": 5})
    """}),
    Row("autoreload", r"""
        # %% step:a
        %load_ext autoreload
        %autoreload 2
        import sys; sys.dont_write_bytecode = True
        import auto_module
        print(auto_module.f())
        # %% step:b
        with open("auto_module.py", "w") as file: file.write("def f(): return 'a new and longer text'\n")
        # %% step:c
        print(auto_module.f())
    """, python_only=False, files={"auto_module.py": "def f(): return 'old'\n"}),
    Row("hooks-after-every-cell", r"""
        # %% step:a
        ip = get_ipython()
        ran = []
        def after(result): ran.append(result.execution_count)
        ip.events.register("post_run_cell", after)
        # %% step:b
        x = 1
        # %% step:c
        print(ran)
        # %% step:d
        ip.events.unregister("post_run_cell", after)
        # %% step:e
        print(ran)
    """),
    Row("hook-that-prints", r"""
        # %% step:a
        get_ipython().events.register("pre_run_cell", lambda info: print("> ", info.raw_cell.splitlines()[0]))
        # %% step:b
        x = 1
        # %% step:c
        print(x)
    """),
    Row("input-transformer", r"""
        # %% step:a
        def swap(lines): return [line.replace("PRINT", "print") for line in lines]
        get_ipython().input_transformers_cleanup.append(swap)
        # %% step:b
        PRINT("transformed")
    """),
    Row("ast-transformer", r"""
        # %% step:a
        import ast
        class Double(ast.NodeTransformer):
            def visit_Constant(self, node):
                return ast.copy_location(ast.Constant(node.value * 2), node) if type(node.value) is int else node
        get_ipython().ast_transformers.append(Double())
        # %% step:b
        x = 21
        # %% step:c
        print(x)
    """),
    Row("traceback-mode", r"""
        # %% step:a
        %xmode Minimal
        # %% step:b raises-exception
        {}["absent"]
        # %% step:c
        %xmode Plain
        # %% step:d raises-exception
        [][1]
    """, python_only=False),
    Row("config-magic", r"""
        # %% step:a
        %config IPCompleter.use_jedi = False
        %config InteractiveShell.ast_node_interactivity = "last_expr_or_assign"
        # %% step:b
        x = 5
        # %% step:c
        y = x + 1
    """, python_only=False),
    Row("question-mark-and-empty-magic", r"""
        # %% step:a
        def f(): "doc of f"
        # %% step:b
        f?
        # %% step:c
        print(f.__doc__)
    """, python_only=False),
    Row("python-cell-in-another-process", r"""
        # %% step:a
        %%python
        open("by_child.txt", "w").write("child")
        print("in the child")
        # %% step:b
        print(open("by_child.txt").read())
    """, python_only=False),
    Row("percent-run-with-relative-import-of-state", r"""
        # %% step:a
        %run setup_script.py
        # %% step:b
        THRESHOLDS["low"] = 0
        # %% step:c
        print(THRESHOLDS, within(5))
    """, python_only=False, files={"setup_script.py": """
        THRESHOLDS = {"low": 3, "high": 9}
        def within(x):
            return THRESHOLDS["low"] <= x <= THRESHOLDS["high"]
    """}),
    Row("time-cell-binds", r"""
        # %% step:a
        %%capture timing
        %time x = sum(range(10))
        # %% step:b
        print(x, "Wall time" in timing.stdout)
    """, python_only=False),
]
