"""`jupyter mlops serve`: serve a model over HTTP."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

TOKEN = "JUPYTER_MLOPS_SERVE_TOKEN"
MEGABYTE = 1 << 20


def add(verbs: Any) -> None:
    parser = verbs.add_parser("serve", help="serve a model over HTTP, and follow the promotions of its job")
    parser.add_argument("job", nargs="?", default="", metavar="JOB", help="the job, JOB@v3 or JOB@production")
    parser.add_argument("--model", default="", metavar="NAME", help="the variable, if there are several models")
    parser.add_argument("--run", default="", metavar="RUN", help="serve the model of this run, for good")
    parser.add_argument("--folder", default="", metavar="DIR", help="serve the model that `models --export DIR` wrote")
    parser.add_argument("--method", default="", metavar="NAME", help="the default method (default: predict)")
    parser.add_argument("--any-environment", action="store_true", help="load the model although packages differ")
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="the address (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, metavar="PORT", help="0 for a free one (default: 8080)")
    parser.add_argument("--token", default="", metavar="TOKEN", help=f"clients must send it (default: ${TOKEN})")
    parser.add_argument("--no-token", action="store_true", help="let others use it without a token")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of each process (default: 2)")
    parser.add_argument(
        "--concurrency", type=int, default=64, metavar="N", help="requests in progress in a process (default: 64)"
    )
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="seconds for a request (default: 30)")
    parser.add_argument("--max-body", type=int, default=64, metavar="MB", help="size of a body (default: 64)")
    parser.add_argument("--poll", type=float, default=1.0, metavar="S", help="seconds between looks (default: 1)")
    parser.add_argument("--log", type=float, default=0.1, metavar="SHARE", help="share of requests that are logged")
    parser.add_argument("--log-limit", type=int, default=256, metavar="MB", help="size of the log (default: 256)")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    import logging

    from jupyter_mlops.service import serving
    from jupyter_mlops.serving.settings import ServeSettings, require_protected

    token = arguments.token or os.environ.get(TOKEN, "")
    require_protected(arguments.host, token, no_token=arguments.no_token)
    job, selector = serving.job_and_selector(arguments.job)
    settings = ServeSettings(
        job=job, selector=selector, model=arguments.model, run=arguments.run, folder=arguments.folder,
        method=arguments.method, any_environment=arguments.any_environment, host=arguments.host, port=arguments.port,
        token=token, workers=arguments.workers, threads=arguments.threads, concurrency=arguments.concurrency,
        timeout=arguments.timeout, poll=arguments.poll, body_limit=arguments.max_body * MEGABYTE,
        log_share=arguments.log, log_limit=arguments.log_limit * MEGABYTE,
    )  # fmt: skip
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    serving.serve(settings, lambda url: print(f"ready: {url}", file=sys.stderr, flush=True))
    return 0
