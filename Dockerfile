# The image of Tamis: the program, the reference plugins, and examples. docs/container.md says how to run it.
#
#   docker build -t tamis .     builds all of it, with nothing but Docker; ten minutes on two cores
#   make image                  takes what `make plugins` has built outside; a minute
#
# It needs BuildKit, which Docker has by itself since version 23: the stage that is not wanted is left out.

ARG BUILD_BASE=rust:1.95-slim-trixie
ARG RUN_BASE=debian:trixie-20251117-slim
# Where the program and the plugins come from: the stage `source` builds them, `prebuilt` takes them as they are.
ARG BUILT=source

FROM ${BUILD_BASE} AS source
WORKDIR /tamis
COPY . .
# The folders of cargo stay from one build to the next, and are no part of the image. What a build needs is installed by its own script.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/tamis/target \
    apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends make \
    && make toolchain plugins \
    && deploy/image/stage /built

# `deploy/image/stage` has laid it there; the context is that folder.
FROM scratch AS prebuilt
COPY . /built

FROM ${BUILT} AS built

FROM ${RUN_BASE} AS run
# What the program is linked with, and whom TLS trusts. There is no time zone data: the program brings its own.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/tamis --shell /usr/sbin/nologin tamis \
    && install -d -o tamis -g tamis -m 0750 /var/lib/tamis /var/cache/tamis
COPY --from=built /built/ /

LABEL org.opencontainers.image.title="Tamis" \
      org.opencontainers.image.description="Reads logs from Kafka, passes them through WebAssembly plugins, writes them to stores" \
      org.opencontainers.image.licenses="Apache-2.0"

# A number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/tamis
# Made by the program, closed to all but its user, whoever owns the volume above them.
ENV TAMIS_STATE=/var/lib/tamis/state \
    TAMIS_PLUGIN_CACHE=/var/cache/tamis/plugins
VOLUME ["/var/lib/tamis", "/var/cache/tamis"]

# Whether the pipelines do their work, asked at the control socket.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/tamis", "status"]

# Settles what is in flight and commits, within `limits.shutdown_timeout_ms`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tamis"]
CMD ["run", "/etc/tamis/pipeline.yaml"]
