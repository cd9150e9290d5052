#!/usr/bin/env bash
# A Docker of the tests' own, beside whatever the machine has. It leaves the machine's network alone: it has no bridge, sets no
# rules and forwards nothing, so containers need `--network host`.
#
# usage: docker.sh install|start|status|stop|restart|kill|clean|base
#   install needs apt and root; start, too
#   start   prints what DOCKER_HOST is to be
#   base    makes the image tamis-base:$DEBIAN out of Debian's packages, since no image is fetched from anywhere
#   clean   also removes images and containers
# environment:
#   DOCKER_DIR       data, log and pid; ${TMPDIR:-/tmp}/tamis-services/docker
#   DEBIAN=trixie    which Debian is the base
set -euo pipefail
# shellcheck source=tests/services/service.bash
. "$(dirname "$0")/service.bash"

debian=${DEBIAN:-trixie}
dir=${DOCKER_DIR:-${TMPDIR:-/tmp}/tamis-services/docker}
socket=$dir/docker.sock log=$dir/log pid_file=$dir/pid
shown=unix://$socket mark=$dir/dockerd.pid trouble='level=(error|fatal)|^failed'
export DOCKER_HOST=$shown

install() {
  local wanted=()
  command -v dockerd >/dev/null || wanted+=(docker.io iptables)
  command -v debootstrap >/dev/null || wanted+=(debootstrap)
  [ ${#wanted[@]} = 0 ] && return
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=600 -q -y update >&2
  apt-get -o DPkg::Lock::Timeout=600 -q -y install --no-install-recommends "${wanted[@]}" >&2
}

launch() {
  install
  # one that was killed leaves it behind, and the next one would not start
  rm -f "$dir/dockerd.pid"
  # without the lock: the server would hold it for as long as it lives
  setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" --host "$shown" \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none >"$log" 2>&1 </dev/null 9>&- &
  echo $! >"$pid_file"
}

ready() { docker version >/dev/null 2>&1; }

# The mirror is the one that this machine's own packages come from.
base() {
  start >/dev/null
  docker image inspect "tamis-base:$debian" >/dev/null 2>&1 && return
  local mirror
  # it is apt that fills in the address
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
  rm -rf "$dir/base"
  debootstrap --variant=minbase "$debian" "$dir/base" "$mirror" >"$dir/base.log" 2>&1 ||
    { tail -20 "$dir/base.log" >&2; return 1; }
  # what a slim image does not have either
  rm -rf "$dir"/base/usr/share/{doc,man,info,locale}/* "$dir"/base/var/cache/apt/* "$dir"/base/var/lib/apt/lists/*
  tar -C "$dir/base" -c . | docker import - "tamis-base:$debian" >&2
  rm -rf "$dir/base"
}

case ${1:-} in
base) locked base ;;
*) serve "$@" ;;
esac
