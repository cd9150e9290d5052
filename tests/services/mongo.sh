#!/usr/bin/env bash
# A server that speaks the wire protocol of MongoDB and keeps what it is given in files of WiredTiger: SecantusDB, from PyPI. It is
# a stand-in: no real mongod can be had from a package registry.
#
# usage: mongo.sh install|start|status|stop|restart|kill|clean
#        mongo.sh ask ARGUMENTS     what tests/services/mongo.py is asked, of the server that is up
#   start   installs what is missing, waits until the server is ready and prints its address; one that is already up is
#           left alone
#   status  prints the address and succeeds if the server is up
#   kill    SIGKILL, the data stays; clean also removes the data
# environment:
#   MONGO_PORT=27117
#   MONGO_DIR              data, log and pid; ${TMPDIR:-/tmp}/tamis-services/mongo-$MONGO_PORT
#   MONGO_VERSION=0.7.0b3  of SecantusDB
#   MONGO_LIB              where it is installed; ~/.cache/secantusdb-$MONGO_VERSION
#   MONGO_ARGS             further flags, such as --auth or --enable-test-commands
set -euo pipefail

port=${MONGO_PORT:-27117} version=${MONGO_VERSION:-0.7.0b3}
dir=${MONGO_DIR:-${TMPDIR:-/tmp}/tamis-services/mongo-$port}
lib=${MONGO_LIB:-$HOME/.cache/secantusdb-$version}
here=$(cd "$(dirname "$0")" && pwd)
address=127.0.0.1:$port log=$dir/log pid_file=$dir/pid

install() {
  [ -f "$lib/.done" ] && return
  mkdir -p "$(dirname "$lib")"
  # a virtual environment cannot be moved, so those that install at the same time wait for each other
  exec 8>"$lib.lock"
  flock -w 300 8 || { echo "another mongo.sh holds $lib.lock" >&2; exit 1; }
  if [ ! -f "$lib/.done" ]; then
    rm -rf "$lib"
    python3 -m venv "$lib" >&2
    "$lib/bin/pip" install -q --disable-pip-version-check "secantusdb==$version" >&2
    touch "$lib/.done"
  fi
  exec 8>&-
}

# By its command line: the pid of an old file may belong to some other process by now, or to a zombie.
alive() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) && grep -qsaF "$dir/data" "/proc/$pid/cmdline"
}

launch() {
  install
  : >"$log"
  # split on purpose: one flag a word
  # shellcheck disable=SC2206
  local flags=(--host 127.0.0.1 --port "$port" --storage-path "$dir/data" --cache-size 256M --sync-on-commit
    --log-level WARNING ${MONGO_ARGS:-})
  # without the lock: the server would hold it for as long as it lives
  setsid "$lib/bin/secantusd-py" "${flags[@]}" >"$log" 2>&1 </dev/null 9>&- &
  echo $! >"$pid_file"
}

# Also waits for a server that an interrupted start has left half way up.
await_ready() {
  for _ in $(seq 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    # not `alive`: between fork and exec the command line is still the shell's
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$log" >&2
  echo "mongo did not start on $address; its log is $log" >&2
  return 1
}

start() {
  alive || launch
  await_ready
  echo "$address"
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

# One at a time: two starts at once would launch twice.
locked() {
  mkdir -p "$dir"
  exec 9>"$dir.lock"
  flock -w 300 9 || { echo "another mongo.sh holds $dir.lock" >&2; exit 1; }
  "$@"
}

case ${1:-} in
install) install ;;
start) locked start ;;
status) alive && echo "$address" ;;
stop) locked halt TERM ;;
kill) locked halt KILL ;;
restart) locked halt TERM; start ;;
clean) locked halt KILL; rm -rf "$dir" ;;
ask) shift; exec "$lib/bin/python" -B "$here/mongo.py" "$@" ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
