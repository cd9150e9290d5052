#!/usr/bin/env bash
# A real Elasticsearch of one node, made of the jars on Maven Central and of the small plugin in es/: the IK analyzers, and
# GET /, which the jars do not have. Neither have they security, ILM, ingest pipelines or scripts.
#
# usage: elasticsearch.sh install|start|status|stop|restart|kill|clean
#   start   installs what is missing, waits until the node is ready and prints its address; a node that is
#           already up is left alone
#   status  prints the address and succeeds if the node is up
#   kill    SIGKILL, the data stays; clean also removes the data
# environment:
#   ES_PORT=19200          the node talks to others on the port after it
#   ES_DIR                 data, log and pid; ${TMPDIR:-/tmp}/tamis-services/elasticsearch-$ES_PORT
#   ES_LIB                 the jars; ~/.cache/elasticsearch-VERSION-(hash of es/)
#   ES_HEAP=512m
#   ES_SETTINGS            further settings of the node: 'name=value name=value'
#   ES_JAVA                flags of the JVM; the default is for a quick start
set -euo pipefail
# shellcheck source=tests/services/service.bash
. "$(dirname "$0")/service.bash"

version=8.19.0 # as in es/pom.xml
src=$(cd "$(dirname "$0")/es" && pwd)
stamp=$(cat "$src"/* | sha256sum)
port=${ES_PORT:-19200} heap=${ES_HEAP:-512m}
dir=${ES_DIR:-${TMPDIR:-/tmp}/tamis-services/elasticsearch-$port}
lib=${ES_LIB:-$HOME/.cache/elasticsearch-$version-${stamp:0:8}}
address=127.0.0.1:$port log=$dir/log pid_file=$dir/pid
shown=$address mark="EsNode $dir $port" tries=900 trouble='ERROR|FATAL|Exception'

# The folders of a distribution: the server's jars in lib, the transport as a module, ours as a plugin.
install() {
  [ -f "$lib/.done" ] && return
  # beside its place, then moved there whole: nodes on other ports may install at the same time
  local new=$lib.$$
  rm -rf "$lib" "$new"
  mkdir -p "$new"/{lib,modules/transport-netty4,plugins/extras,classes}
  mvn -q -B -f "$src/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$new/lib" >&2
  mv "$new"/lib/{netty-*,transport-netty4-*}.jar "$new/modules/transport-netty4/"
  mv "$new"/lib/ik-analyzer-*.jar "$new/plugins/extras/"
  descriptor transport-netty4 org.elasticsearch.transport.netty4.Netty4Plugin \
    >"$new/modules/transport-netty4/plugin-descriptor.properties"
  descriptor extras ExtrasPlugin >"$new/plugins/extras/plugin-descriptor.properties"
  javac -nowarn -d "$new/classes" -cp "$new/lib/*:$new/plugins/extras/*" "$src/ExtrasPlugin.java"
  (cd "$new/classes" && jar cf "$new/plugins/extras/extras.jar" .)
  rm -rf "$new/classes"
  javac -nowarn -d "$new/main" -cp "$new/lib/*" "$src/EsNode.java"
  touch "$new/.done"
  mv -T "$new" "$lib" 2>/dev/null || { rm -rf "$new"; [ -f "$lib/.done" ]; }
}

descriptor() { # NAME CLASS
  printf 'name=%s\ndescription=%s\nversion=%s\nelasticsearch.version=%s\njava.version=17\nclassname=%s\n' \
    "$1" "$1" "$version" "$version" "$2"
}

launch() {
  install
  mkdir -p "$dir/config"
  ln -sfn "$lib/modules" "$dir/modules"
  ln -sfn "$lib/plugins" "$dir/plugins"
  # split on purpose: one flag, one setting a word
  # shellcheck disable=SC2206
  local java=(java "-Xms$heap" "-Xmx$heap" ${ES_JAVA:--XX:+UseSerialGC -XX:TieredStopAtLevel=1}) settings=(${ES_SETTINGS:-})
  # without the lock: the node would hold it for as long as it lives
  setsid "${java[@]}" -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Dlog4j2.level=info \
    -cp "$lib/main:$lib/lib/*" EsNode "$dir" "$port" "${settings[@]}" >"$log" 2>&1 </dev/null 9>&- &
  echo $! >"$pid_file"
}

ready() { curl -fs -m 10 "http://$address/_cluster/health?wait_for_status=yellow&timeout=5s" >/dev/null; }

serve "$@"
