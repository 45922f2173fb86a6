"""Steps that log metrics: `log_metric` shows and changes nothing, wherever it is called."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("metric-in-a-loop", """
        # %% imports
        from jupyter_mlops import log_metric
        # %% step:train
        losses = []
        for epoch in range(5):
            losses.append(log_metric("loss", 1 / (epoch + 1), step=epoch))
        losses
        # %% step:show
        print(losses, log_metric("last", losses[-1]))
    """),
    Row("metric-in-a-step-that-a-helper-may-run", """
        # %% imports
        import time
        import jupyter_mlops
        # %% step:slow
        time.sleep(1.0)
        slow = 1
        # %% step:beside
        values = list(range(1000))
        jupyter_mlops.log_metric("n", len(values))
        # %% step:join
        print(slow, len(values))
        jupyter_mlops.log_metrics({"a": 1, "b": float("nan")})
    """),
    Row("metric-in-a-function-of-a-module", """
        # %% step:a
        import training
        model = training.fit(3)
        # %% step:b
        print(model, training.LOGGED)
    """, files={"training.py": """
        import jupyter_mlops

        LOGGED = 0

        def fit(epochs):
            global LOGGED
            for epoch in range(epochs):
                jupyter_mlops.log_metric("loss", epoch * 0.5, step=epoch)
                LOGGED += 1
            return "model"
    """}),
    Row("metric-in-a-thread", """
        # %% step:a
        import threading
        from jupyter_mlops import log_metric
        out = []
        threads = [threading.Thread(target=lambda n=n: out.append(log_metric("t", n))) for n in range(3)]
        for thread in threads:
            thread.start()
            thread.join()
        # %% step:b
        print(sorted(out), [thread.name for thread in threads])
    """),
    Row("metric-of-an-object-that-changes-when-it-is-asked", """
        # %% imports
        from jupyter_mlops import log_metric
        # %% step:a
        class Counter:
            def __init__(self):
                self.calls = 0
            def item(self):
                self.calls += 1
                return self.calls
        counter = Counter()
        # %% step:b
        log_metric("calls", counter)
        # %% step:c
        print(counter.calls, log_metric("calls", counter) is counter, counter.calls)
    """),
    Row("metric-by-a-function-of-that-name-of-the-notebook", """
        # %% step:a
        def log_metric(name, values):
            values.append(name)
        seen = []
        # %% step:b
        log_metric("a", seen)
        # %% step:c
        print(seen)
    """),
    Row("metric-of-a-wrong-type", """
        # %% step:a
        from jupyter_mlops import log_metric
        print("before")
        # %% step:b
        log_metric("accuracy", "0.9")
        # %% step:c
        print("never")
    """, compare="error"),
    Row("metric-of-a-frame-and-of-numpy", """
        # %% step:a
        import numpy as np
        import pandas as pd
        from jupyter_mlops import log_metric
        frame = pd.DataFrame({"x": np.arange(4)})
        # %% step:b
        log_metric("rows", len(frame))
        log_metric("mean", frame["x"].mean())
        log_metric("one", np.array([2.5]))
        # %% step:c
        print(frame["x"].sum(), log_metric("zero", np.float32(0.5)))
    """, needs=("numpy", "pandas")),
]  # fmt: skip
