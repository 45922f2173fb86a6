#!/usr/bin/env bash
@HEADER@
#
# Submits the jobs of a run, from a folder that all nodes see:
#
#   ./@JOB@.sh [--parameters BASE64] [--sweep FILE] [--run-id ID] [--scheduled-time TIME] [--overlap POLICY] [--wait]
#
#   --parameters      base64 of a JSON object with values that differ from the defaults
#   --sweep           a run for each line of a file, each of them such a base64
#   --run-id          the run's name; without it, version and time
#   --scheduled-time  the ISO 8601 time that the run is for
#   --overlap         while another run goes on: queue, skip, allow or replace
#   --wait            wait for the run, and end with its exit code
#
# SBATCH_PARTITION, SBATCH_ACCOUNT and the other variables of sbatch hold for all jobs.
# JUPYTER_MLOPS_ARTIFACTS is where steps hand on results: a folder that all nodes see, or a URL.
@NOTES@

set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
run_id=@JOB@-v@VERSION@-$(date -u +%Y%m%dT%H%M%SZ)-$$
overlap=@OVERLAP@
sweep=
wait_for_end=
while [ $# -gt 0 ]; do
  case "$1" in
    --parameters) export JUPYTER_MLOPS_PARAMETERS=${2?} && shift 2 ;;
    --sweep) sweep=${2?} && shift 2 ;;
    --run-id) run_id=${2?} && shift 2 ;;
    --scheduled-time) export JUPYTER_MLOPS_SCHEDULED_TIME=${2?} && shift 2 ;;
    --overlap) overlap=${2?} && shift 2 ;;
    --wait) wait_for_end=yes && shift ;;
    *) echo "Unknown option: $1" >&2 && exit 2 ;;
  esac
done
case "$run_id" in *[!A-Za-z0-9_.:+-]* | "") echo "A run id has letters, digits and _.:+- only." >&2 && exit 2 ;; esac

export STEP_BUNDLE=$here/@BUNDLE@ STEP_ENVIRONMENT=$here/@JOB@.env STEP_SWEEP=
export JUPYTER_MLOPS_ENGINE=slurm JUPYTER_MLOPS_RUN_ID=$run_id
export JUPYTER_MLOPS_ARTIFACTS=${JUPYTER_MLOPS_ARTIFACTS:-$here/artifacts}
logs=$here/logs/$run_id
mkdir -p "$logs"

# An element of a job array waits for the same element of another.
ok=afterok
common=(--parsable --kill-on-invalid-dep=yes --no-requeue --chdir="$here")
if [ -n "$sweep" ]; then
  cp -- "$sweep" "$logs/sweep"
  lines=$(awk 'END { print NR }' "$logs/sweep")
  if [ "$lines" -eq 0 ]; then echo "The file has no lines: $sweep" >&2 && exit 2; fi
  export STEP_SWEEP=$logs/sweep
  ok=aftercorr
  common+=(--array="0-$((lines - 1))" --output="$logs/%x-%a.log")
else
  common+=(--output="$logs/%x.log")
fi

# Jobs of runs that go on.
active=$(squeue --me --noheader --format='%A %j' | awk '$2 ~ /^@JOB@\./ { print $1 }' | sort -u)
previous_runs=
if [ -n "$active" ]; then
  case "$overlap" in
    queue) previous_runs=afterany:$(paste -sd: <<< "$active") ;;
    skip) echo "A run goes on, so there is no new one." >&2 && exit 0 ;;
    replace) xargs scancel <<< "$active" ;;
    allow) ;;
    *) echo "Unknown policy: $overlap" >&2 && exit 2 ;;
  esac
fi

secrets=(@SECRETS@)
jobs=$logs/jobs
: > "$jobs"
cancel_all() {
  echo "The run could not be submitted; its jobs are cancelled." >&2
  xargs --no-run-if-empty scancel < "$jobs"
}
trap cancel_all ERR

submit() { # NAME DEPENDENCY [OPTION...] -- STEP...
  local name=$1 options=() secret id
  if [ -n "$2" ]; then options+=("--dependency=$2"); fi
  shift 2
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  for secret in "${secrets[@]}"; do # a job has no secrets of others
    case " ${STEP_SECRETS:-} " in *" $secret "*) ;; *) unset "$secret" ;; esac
  done
  export STEP_RETRIES STEP_PAUSE STEP_TIMEOUT STEP_SECRETS STEP_IMAGE
  id=$(sbatch "${common[@]}" --job-name="@JOB@.$name" --export=ALL "${options[@]}" "$here/@JOB@.sbatch" "$@") || return
  echo "${id%%;*}" | tee -a "$jobs"
}

@JOBS@

# However the steps ended: verify the results, and write the executed notebook. It ends with the run's exit code.
trap - ERR
submit collect_all "$every_job" ${wait_for_end:+--wait} -- --collect > /dev/null || {
  code=$?
  if [ -z "$wait_for_end" ]; then cancel_all; fi
  exit "$code"
}
echo "$run_id"
