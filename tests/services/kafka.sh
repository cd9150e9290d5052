#!/usr/bin/env bash
# A real Kafka broker of one node (KRaft), made of the jars on Maven Central.
#
# usage: kafka.sh install|start|status|stop|restart|kill|clean
#   start   installs what is missing, waits until the broker is ready and prints its address; a broker that
#           is already up is left alone
#   status  prints the address and succeeds if the broker is up
#   kill    SIGKILL, the data stays; clean also removes the data
# environment:
#   KAFKA_PORT=19092       the controller listens on the port after it
#   KAFKA_DIR              data, log and pid; ${TMPDIR:-/tmp}/tamis-services/kafka-$KAFKA_PORT
#   KAFKA_VERSION=4.4.0
#   KAFKA_LIB              the jars; ~/.cache/kafka-$KAFKA_VERSION
#   KAFKA_HEAP=512m
#   KAFKA_SETTINGS         further lines of server.properties, which win over those below
#   KAFKA_SCRAM            a user that the new broker knows: 'SCRAM-SHA-512=[name=…,password=…]'
#   KAFKA_JAVA             flags of the JVM; the default is for a quick start
set -euo pipefail
# shellcheck source=tests/services/service.bash
. "$(dirname "$0")/service.bash"

port=${KAFKA_PORT:-19092} version=${KAFKA_VERSION:-4.4.0} heap=${KAFKA_HEAP:-512m}
dir=${KAFKA_DIR:-${TMPDIR:-/tmp}/tamis-services/kafka-$port}
lib=${KAFKA_LIB:-$HOME/.cache/kafka-$version}
address=127.0.0.1:$port log=$dir/log pid_file=$dir/pid
shown=$address mark=$dir/server.properties trouble='ERROR|FATAL|Exception'

install() {
  [ -f "$lib/.done" ] && return
  # beside its place, then moved there whole: brokers on other ports may install at the same time
  local new=$lib.$$
  rm -rf "$lib" "$new"
  mkdir -p "$new"
  # slf4j-simple prints the line that tells when the broker is ready
  cat >"$new/pom.xml" <<EOF
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
EOF
  mvn -q -B -f "$new/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$new" >&2
  touch "$new/.done"
  mv -T "$new" "$lib" 2>/dev/null || { rm -rf "$new"; [ -f "$lib/.done" ]; }
}

properties() {
  cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://$address,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://$address
controller.listener.names=CONTROLLER
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
EOF
  # of a name that is there twice the last line counts
  printf '%s\n' "${KAFKA_SETTINGS:-}"
}

launch() {
  install
  properties >"$dir/server.properties"
  # split on purpose: one flag a word
  # shellcheck disable=SC2206
  local java=(java "-Xmx$heap" ${KAFKA_JAVA:--XX:+UseSerialGC -XX:TieredStopAtLevel=1} -cp "$lib/*")
  [ -f "$dir/data/meta.properties" ] ||
    "${java[@]}" -Dorg.slf4j.simpleLogger.defaultLogLevel=error kafka.tools.StorageTool format \
      -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/server.properties" ${KAFKA_SCRAM:+--add-scram "$KAFKA_SCRAM"} \
      >"$log" 2>&1 ||
    { tail -20 "$log" >&2; return 1; }
  : >"$log" # the line that says "ready" must be the new broker's
  # without the lock: the broker would hold it for as long as it lives
  setsid "${java[@]}" -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
    kafka.Kafka "$dir/server.properties" >"$log" 2>&1 </dev/null 9>&- &
  echo $! >"$pid_file"
}

ready() { grep -qs 'Kafka Server started' "$log"; }

serve "$@"
