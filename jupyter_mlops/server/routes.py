"""The path of each resource."""

from __future__ import annotations

from jupyter_mlops.server.handlers import deployments, experiments, exports, jobs, pipelines, runs, schedules, worker
from jupyter_mlops.server.operation import Handler

# `{name}` is one part of a path.
ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    ("/mlops/openapi.json", worker.DocumentHandler),
    ("/mlops/pipelines", pipelines.PipelinesHandler),
    ("/mlops/suggestions", pipelines.SuggestionsHandler),
    ("/mlops/runs", runs.RunsHandler),
    ("/mlops/runs/{run_id}", runs.RunHandler),
    ("/mlops/runs/{run_id}/stop", runs.RunStopHandler),
    ("/mlops/runs/{run_id}/repair", runs.RunRepairHandler),
    ("/mlops/runs/{run_id}/repair-notebook", runs.RepairNotebookHandler),
    ("/mlops/runs/{run_id}/reproduction", runs.ReproductionHandler),
    ("/mlops/runs/{run_id}/suspects", runs.SuspectsHandler),
    ("/mlops/runs/{run_id}/pipeline", runs.RunPipelineHandler),
    ("/mlops/runs/{run_id}/log", runs.RunLogHandler),
    ("/mlops/runs/{run_id}/notebook", runs.RunNotebookHandler),
    ("/mlops/runs/{run_id}/report", runs.RunReportHandler),
    ("/mlops/runs/{run_id}/comparison/{other}", runs.ComparisonHandler),
    ("/mlops/runs/{run_id}/why", experiments.WhyHandler),
    ("/mlops/runs/{run_id}/why/plan", experiments.WhyPlanHandler),
    ("/mlops/runs/{run_id}/why/stop", experiments.WhyStopHandler),
    ("/mlops/jobs", jobs.JobsHandler),
    ("/mlops/jobs/{name}", jobs.JobHandler),
    ("/mlops/jobs/{name}/versions", jobs.VersionsHandler),
    ("/mlops/jobs/{name}/changes", jobs.ChangesHandler),
    ("/mlops/jobs/{name}/diff", jobs.VersionDiffHandler),
    ("/mlops/jobs/{name}/aliases/{alias}", jobs.AliasHandler),
    ("/mlops/jobs/{name}/backfills", jobs.BackfillsHandler),
    ("/mlops/jobs/{name}/sweeps", jobs.SweepsHandler),
    ("/mlops/jobs/{name}/backtests", experiments.BacktestsHandler),
    ("/mlops/backtests/{number}", experiments.BacktestHandler),
    ("/mlops/jobs/{name}/deploy", deployments.DeployHandler),
    ("/mlops/deployments", deployments.DeploymentsHandler),
    ("/mlops/jobs/{name}/export", exports.JobExportHandler),
    ("/mlops/export", exports.DraftExportHandler),
    ("/mlops/exporters", exports.ExportersHandler),
    ("/mlops/batches/{number}", jobs.BatchHandler),
    ("/mlops/batches/{number}/stop", jobs.BatchStopHandler),
    ("/mlops/schedules", schedules.SchedulesHandler),
    ("/mlops/schedules/{number}", schedules.ScheduleHandler),
    ("/mlops/calendar", schedules.CalendarHandler),
    ("/mlops/cron", schedules.CronHandler),
    ("/mlops/worker", worker.WorkerHandler),
    ("/mlops/demo", worker.DemoHandler),
)
