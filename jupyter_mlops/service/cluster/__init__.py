"""Runs on a Dask cluster: the tasks of a version, each a separate process on some worker, put together and verified.

driver: `executor` opens the connection and prepares the run; `cluster_run` submits tasks and follows them.
Dask worker: `remote_task` runs in the worker's process and hands a task to a `step_server`, which keeps kernels ready.
"""
