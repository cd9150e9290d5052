# What the servers of tests have in common: one process with a folder of its own. Sourced by NAME.sh, which says what differs:
#   dir log pid_file   where it lives
#   shown              what start and status print
#   mark               what its command line has, and that of no other process
#   tries              looks, ten a second, for it to be ready: 600 by default
#   trouble            lines of its log that say why it does not start; by default the last ones are shown
#   install, launch    functions; launch leaves the process id in pid_file
#   ready              a function that succeeds once the server answers
#   populate           a function, run with each start once it is ready; nothing by default
# and ends in `serve "$@"`.

populate() { :; }

# By its command line: the pid of an old file may belong to some other process by now, or to a zombie.
alive() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qaF "$mark"
}

# Also waits for a server that an interrupted start has left half way up.
await_ready() {
  for _ in $(seq "${tries:-600}"); do
    ready && return
    # not `alive`: between fork and exec the command line is still the shell's
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.1
  done
  { [ -n "${trouble:-}" ] && grep -m 10 -E "$trouble" "$log" >&2; } || tail -20 "$log" >&2
  echo "$(basename "$0" .sh) did not start: $shown; its log is $log" >&2
  return 1
}

# Once more if it ended before it was ready: a port that was free may be taken for a moment.
start() {
  alive || launch
  await_ready || { halt KILL; sleep 1; launch; await_ready; }
  populate
  echo "$shown"
}

halt() { # SIGNAL
  if alive; then
    local pid
    pid=$(cat "$pid_file")
    kill "-$1" "$pid"
    for _ in $(seq 300); do alive || break; sleep 0.1; done
    ! alive || kill -KILL "$pid"
  fi
  rm -f "$pid_file"
}

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

# One at a time: two starts at once would launch twice. What is launched must close 9, or it holds the lock for as long as it lives.
locked() {
  mkdir -p "$dir"
  exec 9>"$dir.lock"
  flock -w 300 9 || { echo "another $(basename "$0") holds $dir.lock" >&2; exit 1; }
  "$@"
}

serve() {
  case ${1:-} in
  install) locked install ;;
  start) locked start ;;
  status) alive && echo "$shown" ;;
  stop) locked halt TERM ;;
  kill) locked halt KILL ;;
  restart) locked halt TERM; start ;;
  clean) locked halt KILL; rm -rf "$dir" ;;
  -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
  esac
}
