/** Every command of this extension. */
export const Commands = {
  editStep: 'jupyter-mlops:edit-step',
  setRole: 'jupyter-mlops:set-role',
  suggestSteps: 'jupyter-mlops:suggest-steps',
  acceptSuggestion: 'jupyter-mlops:accept-suggestion',
  dismissSuggestion: 'jupyter-mlops:dismiss-suggestion',
  run: 'jupyter-mlops:run-notebook',
  runFrom: 'jupyter-mlops:run-from-step',
  runOnly: 'jupyter-mlops:run-only-step',
  runFresh: 'jupyter-mlops:run-without-cache',
  runPast: 'jupyter-mlops:run-with-past-parameters',
  stop: 'jupyter-mlops:stop-run',
  resume: 'jupyter-mlops:resume-run',
  openRun: 'jupyter-mlops:open-run',
  openHistory: 'jupyter-mlops:open-history',
  compareRuns: 'jupyter-mlops:compare-runs',
  openJobs: 'jupyter-mlops:open-jobs',
  publish: 'jupyter-mlops:publish-notebook',
  exportPipeline: 'jupyter-mlops:export-pipeline',
  showPanel: 'jupyter-mlops:show-panel',
  openDemo: 'jupyter-mlops:open-demo'
} as const;

/** The schema of a command that takes nothing. */
export const NO_ARGS = { args: { type: 'object', properties: {} } } as const;
