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
# shellcheck source=tests/services/service.bash
. "$(dirname "$0")/service.bash"

port=${MONGO_PORT:-27117} version=${MONGO_VERSION:-0.7.0b3}
dir=${MONGO_DIR:-${TMPDIR:-/tmp}/tamis-services/mongo-$port}
lib=${MONGO_LIB:-$HOME/.cache/secantusdb-$version}
here=$(cd "$(dirname "$0")" && pwd)
address=127.0.0.1:$port log=$dir/log pid_file=$dir/pid
shown=$address mark=$dir/data

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

ready() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

if [ "${1:-}" = ask ]; then
  shift
  exec "$lib/bin/python" -B "$here/mongo.py" "$@"
fi
serve "$@"
