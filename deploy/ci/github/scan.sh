#!/usr/bin/env bash
# What the steps of action.yml run. In: INPUT_... variables and those of the runner. Out: the report, the job's summary,
# outputs. Never: an input as shell text, or a program that is not pinned.
set -euo pipefail

fail() {
  printf '::error title=Plimsoll::%s\n' "$(flat "$1")"
  exit 2
}

notice() {
  printf '::notice title=Plimsoll::%s\n' "$(flat "$1")"
}

# One line, as workflow commands have it.
flat() {
  local text=${1//'%'/'%25'}
  text=${text//$'\r'/'%0D'}
  printf '%s' "${text//$'\n'/'%0A'}"
}

# An output of the step.
put() {
  [[ $2 != *$'\n'* ]] || fail "$1 holds more than one line"
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# The program, where the bundle goes, and under which name the base branch's is kept.
setup() {
  local program=${INPUT_BINARY:-} image=${INPUT_PLIMSOLL_IMAGE:-} container
  if [[ -n $program ]]; then
    [[ -f $program && -x $program ]] || fail "binary: $program is no program"
    program=$(realpath -- "$program")
  elif [[ -z $image ]]; then
    fail 'no release is pinned here: give plimsoll-image with its digest (NAME@sha256:...), or binary'
  elif [[ ! $image =~ ^[a-zA-Z0-9][a-zA-Z0-9./:_-]*@sha256:[0-9a-f]{64}$ ]]; then
    fail "plimsoll-image: $image is not pinned by its digest (NAME@sha256:...)"
  else
    program=$RUNNER_TEMP/plimsoll
    container=$(docker create "$image")
    docker cp "$container:/plimsoll" "$program"
    docker rm "$container" >/dev/null
  fi
  local what=${INPUT_IMAGE_REF:-${INPUT_INPUT:-$INPUT_SCAN_REF}}
  # The same image has another tag in each run.
  what=${what%@*}
  [[ ${what##*/} == *:* ]] && what=${what%:*}
  local branch=${GITHUB_BASE_REF:-$GITHUB_REF_NAME}
  local name
  name=$(printf '%s\0%s' "$what" "$branch" | sha256sum | cut -c1-20)
  put binary "$program"
  put base-key "plimsoll-base-$name"
  put bundle "$INPUT_CACHE_DIR/base/$name.plimsoll"
  put day "$(date -u +%F)"
}

# Words of the command line, one an element.
words=()

flag() {
  [[ -z $2 ]] || words+=("$1=$2")
}

scan() {
  local kind=${INPUT_ARTIFACT_TYPE:-$INPUT_SCAN_TYPE}
  words=(compat trivy "$kind")
  case $kind in
    image)
      flag --input "$INPUT_INPUT"
      [[ -z $INPUT_DOCKER_HOST ]] || export DOCKER_HOST=$INPUT_DOCKER_HOST
      ;;
    fs | filesystem | rootfs | repo | repository | sbom) ;;
    *) fail "scan-type: $kind is not supported: image, fs, rootfs, repo and sbom are" ;;
  esac
  [[ -z $INPUT_GITHUB_PAT ]] || fail 'github-pat is not supported: no dependency snapshot is sent'
  flag --format "$INPUT_FORMAT"
  flag --template "$INPUT_TEMPLATE"
  flag --output "$INPUT_OUTPUT"
  flag --severity "$INPUT_SEVERITY"
  flag --exit-code "$INPUT_EXIT_CODE"
  flag --ignore-unfixed "$INPUT_IGNORE_UNFIXED"
  flag --vuln-type "$INPUT_VULN_TYPE"
  flag --scanners "${INPUT_SCANNERS:-$INPUT_SECURITY_CHECKS}"
  flag --skip-dirs "$INPUT_SKIP_DIRS"
  flag --skip-files "$INPUT_SKIP_FILES"
  flag --timeout "$INPUT_TIMEOUT"
  flag --ignore-policy "$INPUT_IGNORE_POLICY"
  flag --quiet "$INPUT_HIDE_PROGRESS"
  flag --config "$INPUT_TRIVY_CONFIG"
  flag --tf-vars "$INPUT_TF_VARS"
  flag --allow-unknown "$INPUT_ALLOW_UNKNOWN"
  flag --max-db-age "$INPUT_MAX_DB_AGE"
  flag --cache-dir "$INPUT_CACHE_DIR/images"
  local file
  while IFS= read -r file; do
    [[ -z $file ]] || words+=("--ignorefile=$file")
  done < <(tr , '\n' <<<"$INPUT_TRIVYIGNORES")
  unused
  database
  gate
  local summary code=0
  summary=$(mktemp)
  mkdir -p -- "$(dirname -- "$BUNDLE")"
  words+=("--save=$BUNDLE" "--also=github=$summary")
  case $kind in
    image) [[ -z $INPUT_IMAGE_REF ]] || words+=(-- "$INPUT_IMAGE_REF") ;;
    *) words+=(-- "$INPUT_SCAN_REF") ;;
  esac
  run || code=$?
  cat -- "$summary" >>"$GITHUB_STEP_SUMMARY"
  rm -f -- "$summary"
  put exit-code "$code"
  return "$code"
}

# What others' words in the report look like is not for the runner to follow.
run() {
  local token errors code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  errors=$(mktemp)
  printf '::stop-commands::%s\n' "$token"
  "$PLIMSOLL" "${words[@]}" 2>"$errors" || code=$?
  printf '::%s::\n' "$token"
  local line
  while IFS= read -r line; do
    case $line in
      error:*) printf '::error title=Plimsoll::%s\n' "$(flat "${line#error: }")" ;;
      note:* | gate:*) notice "${line#*: }" ;;
      *) notice "$line" ;;
    esac
  done <"$errors"
  rm -f -- "$errors"
  return "$code"
}

# Inputs that have nothing to do here, told where they are given.
unused() {
  [[ -z $INPUT_VERSION ]] || notice 'version has no effect: plimsoll-image says what runs'
  [[ $INPUT_LIST_ALL_PKGS != true ]] || notice 'list-all-pkgs has no effect: the JSON report has all packages'
  [[ $INPUT_LIMIT_SEVERITIES_FOR_SARIF != true ]] ||
    notice 'limit-severities-for-sarif has no effect: what severity leaves out is in the file as suppressed'
  [[ $INPUT_SKIP_SETUP_TRIVY != true && -z $INPUT_TOKEN_SETUP_TRIVY ]] ||
    notice 'skip-setup-trivy and token-setup-trivy have no effect: Trivy is not used'
}

database() {
  local folder=$INPUT_DB
  if [[ -z $folder ]]; then
    folder=$INPUT_CACHE_DIR/db
    "$PLIMSOLL" db update --output "$folder" || notice 'the database is not updated; --max-db-age judges the one that is there'
  fi
  words+=("--db=$folder")
}

# exit-code alone is Trivy's way: anything of these severities. Else the gate, against the base branch.
gate() {
  local gate=$INPUT_GATE base=$INPUT_BASELINE
  if [[ -z $gate ]]; then
    gate='critical+fixable,kev+fixable,score>=70+fixable'
    [[ -z $INPUT_EXIT_CODE ]] || gate=none
  fi
  if [[ $gate != none ]]; then
    words+=("--fail-on=$gate")
    [[ -n $base ]] || base=$BUNDLE
  fi
  [[ -n $base ]] || return 0
  if [[ -f $base ]]; then
    # The bundle of this run takes its place.
    cp -- "$base" "$RUNNER_TEMP/plimsoll-base"
    words+=("--baseline=$RUNNER_TEMP/plimsoll-base")
  elif [[ -n $INPUT_BASELINE ]]; then
    fail "baseline: $base is not there"
  else
    notice 'there is no bundle of the base branch yet, so everything counts as new'
  fi
}

case ${1:-} in
  setup) setup ;;
  scan) scan ;;
  *) fail 'usage: scan.sh setup|scan' ;;
esac
