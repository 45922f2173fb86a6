#!/bin/sh
@HEADER@
#
#   @JOB@-run.sh [--at ZONE MINUTES HOURS DAYS MONTHS WEEKDAYS DAYS_RULE HOUR_RULE] [--lock queue|skip]
#                [--parameters BASE64]
#
# --at goes on only if the clock of the zone shows one of these times; --lock waits for a run that goes on, or leaves.

set -eu

folder=$(cd -- "$(dirname -- "$0")" && pwd)

fits() { # LIST VALUE
  [ "$1" = '*' ] || case ",$1," in *",$2,"*) ;; *) return 1 ;; esac
}

is_due() { # ZONE MINUTES HOURS DAYS MONTHS WEEKDAYS DAYS_RULE HOUR_RULE
  now=$(date +%s)
  clock=$(TZ=$1 date -d "@$now" '+%-M %-H %-d %-m %w %d%H%M')
  before=$(TZ=$1 date -d "@$((now - 3600))" +%d%H%M)
  minutes=$2 hours=$3 days=$4 months=$5 weekdays=$6 days_rule=$7 hour_rule=$8
  # shellcheck disable=SC2086 # the numbers of the clock
  set -- $clock
  # Where clocks are put back, a time of the day is due the first time only.
  if [ "$hour_rule" = once-a-day ] && [ "$before" = "$6" ]; then return 1; fi
  fits "$minutes" "$1" && fits "$hours" "$2" && fits "$months" "$4" || return 1
  if [ "$days_rule" = either-day ]; then fits "$days" "$3" || fits "$weekdays" "$5"
  else fits "$days" "$3" && fits "$weekdays" "$5"; fi
}

lock=
parameters=
while [ $# -gt 0 ]; do
  case "$1" in
    --at)
      is_due "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" || exit 0
      shift 9
      ;;
    --lock) lock=$2 && shift 2 ;;
    --parameters) parameters=$2 && shift 2 ;;
    *) echo "Unknown option: $1" >&2 && exit 2 ;;
  esac
done

if [ -n "$lock" ]; then
  exec 9> "$folder/@JOB@.lock"
  if [ "$lock" = skip ]; then flock --nonblock 9 || exit 0; else flock 9; fi
fi

secrets='@SECRETS@'
if [ -n "$secrets" ] && [ -e "$folder/@JOB@.env" ]; then
  if [ "$(stat -c %a "$folder/@JOB@.env")" != 600 ]; then
    echo "The file of secrets must have mode 600: $folder/@JOB@.env" >&2
    exit 2
  fi
  while IFS='=' read -r name value || [ -n "$name" ]; do
    case " $secrets " in *" $name "*) if [ -n "$name" ]; then export "$name=$value"; fi ;; esac
  done < "$folder/@JOB@.env"
fi

mkdir -p "$folder/results"
set --
if [ -n "$parameters" ]; then set -- --parameters_base64 "$parameters"; fi
@RUN@
exit "$code"
