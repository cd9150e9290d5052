#!/usr/bin/env bash
# A real MariaDB server as an ordinary process, with data of its own.
#
# usage: mariadb.sh install|start|status|stop|restart|kill|clean
#   start   installs what is missing, waits until the server is ready and prints its URL; a server that is
#           already up is left alone
#   status  prints the URL and succeeds if the server is up
#   kill    SIGKILL, the data stays; clean also removes the data
# environment:
#   MARIADB_PORT=19306     below the ports that the kernel gives to outgoing connections
#   MARIADB_DIR            data, log, socket and pid; ${TMPDIR:-/tmp}/tamis-services/mariadb-$MARIADB_PORT
#   MARIADB_DATABASE=logs  made if it is not there
#   MARIADB_USER=logs      a user who may do everything in databases whose names begin with that one's
#   MARIADB_PASSWORD=logs
#   MARIADB_SETTINGS       further lines of the section [mariadbd], which win over those below
set -euo pipefail
# shellcheck source=tests/services/service.bash
. "$(dirname "$0")/service.bash"

port=${MARIADB_PORT:-19306} database=${MARIADB_DATABASE:-logs}
user=${MARIADB_USER:-logs} password=${MARIADB_PASSWORD:-logs}
dir=${MARIADB_DIR:-${TMPDIR:-/tmp}/tamis-services/mariadb-$port}
log=$dir/log pid_file=$dir/pid socket=$dir/socket settings=$dir/settings.cnf
shown=mysql://$user:$password@127.0.0.1:$port/$database mark=$settings trouble='ERROR|Aborting'
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

ready() { sql -e 'SELECT 1' >/dev/null 2>&1; }

# The database and its user, where they are not there yet.
populate() {
  sql <<EOS
CREATE DATABASE IF NOT EXISTS \`$database\` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '$user'@'127.0.0.1' IDENTIFIED BY '$password';
GRANT ALL ON \`${database//_/\\_}%\`.* TO '$user'@'127.0.0.1';
EOS
}

serve "$@"
