#!/usr/bin/env bash
# A real MariaDB server as an ordinary process, with data of its own.
#
# usage: mariadb.sh install|start|status|stop|restart|kill|clean
#   start   installs what is missing, waits until the server is ready and prints its URL; a server that is
#           already up is left alone
#   status  prints the URL and succeeds if the server is up
#   kill    SIGKILL, the data stays; clean also removes the data
# environment:
#   MARIADB_PORT=33306
#   MARIADB_DIR            data, log, socket and pid; ${TMPDIR:-/tmp}/tamis-services/mariadb-$MARIADB_PORT
#   MARIADB_DATABASE=logs  made if it is not there
#   MARIADB_USER=logs      a user who may do everything in databases whose names begin with that one's
#   MARIADB_PASSWORD=logs
#   MARIADB_SETTINGS       further lines of the section [mariadbd], which win over those below
set -euo pipefail

port=${MARIADB_PORT:-33306} database=${MARIADB_DATABASE:-logs}
user=${MARIADB_USER:-logs} password=${MARIADB_PASSWORD:-logs}
dir=${MARIADB_DIR:-${TMPDIR:-/tmp}/tamis-services/mariadb-$port}
url=mysql://$user:$password@127.0.0.1:$port/$database
log=$dir/log pid_file=$dir/pid socket=$dir/socket settings=$dir/settings.cnf
# where Debian keeps servers, which is not on the way of every user
PATH=$PATH:/usr/sbin

install() {
  local package wanted=()
  command -v mariadbd >/dev/null || wanted+=(mariadb-server-core)
  command -v mariadb >/dev/null || wanted+=(mariadb-client-core)
  [ ${#wanted[@]} -gt 0 ] || return 0
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  for package in update "install --no-install-recommends ${wanted[*]}"; do
    # split on purpose: one word each
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 -q -y $package >&2
  done
}

properties() {
  cat <<EOS
[mariadbd]
datadir=$dir/data
# servers that share one take temporary tables away from each other
tmpdir=$dir/tmp
socket=$socket
port=$port
bind-address=127.0.0.1
skip-name-resolve
character-set-server=utf8mb4
# what is answered is on the disk
innodb-flush-log-at-trx-commit=1
innodb-buffer-pool-size=64M
innodb-log-file-size=16M
performance-schema=OFF
max-connections=200
max-allowed-packet=64M
EOS
  # of a name that is there twice the last line counts
  printf '%s\n' "${MARIADB_SETTINGS:-}"
}

sql() { mariadb --no-defaults --socket="$socket" --user="$(id -un)" "$@"; }

# By its command line: the pid of an old file may belong to some other process by now, or to a zombie.
alive() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) && grep -qsaF "$settings" "/proc/$pid/cmdline"
}

launch() {
  install
  mkdir -p "$dir/tmp"
  properties >"$settings"
  if [ ! -f "$dir/data/.made" ]; then
    rm -rf "$dir/data"
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" --tmpdir="$dir/tmp" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" >"$log" 2>&1 ||
      { tail -20 "$log" >&2; return 1; }
    touch "$dir/data/.made"
  fi
  # without the lock: the server would hold it for as long as it lives
  setsid mariadbd --defaults-file="$settings" --user="$(id -un)" >"$log" 2>&1 </dev/null 9>&- &
  echo $! >"$pid_file"
}

# Also waits for a server that an interrupted start has left half way up.
await_ready() {
  for _ in $(seq 600); do
    sql -e 'SELECT 1' >/dev/null 2>&1 && return
    # not `alive`: between fork and exec the command line is still the shell's
    kill -0 "$(cat "$pid_file")" 2>/dev/null || break
    sleep 0.1
  done
  grep -m 10 -E 'ERROR|Aborting' "$log" >&2 || tail -20 "$log" >&2
  echo "mariadb did not start on 127.0.0.1:$port; its log is $log" >&2
  return 1
}

# The database and its user, where they are not there yet.
populate() {
  sql <<EOS
CREATE DATABASE IF NOT EXISTS \`$database\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '$user'@'127.0.0.1' IDENTIFIED BY '$password';
GRANT ALL ON \`${database//_/\\_}%\`.* TO '$user'@'127.0.0.1';
EOS
}

start() {
  alive || launch
  await_ready
  populate
  echo "$url"
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

# One at a time: two starts at once would make the data twice.
locked() {
  mkdir -p "$dir"
  exec 9>"$dir.lock"
  flock -w 300 9 || { echo "another mariadb.sh holds $dir.lock" >&2; exit 1; }
  "$@"
}

case ${1:-} in
install) install ;;
start) locked start ;;
status) alive && echo "$url" ;;
stop) locked halt TERM ;;
kill) locked halt KILL ;;
restart) locked halt TERM; start ;;
clean) locked halt KILL; rm -rf "$dir" ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
