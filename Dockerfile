# migtime with PostgreSQL's server programs, for `migtime ci` and `--scratch` in a container.
#
#   docker build -t migtime .
#   docker run --rm --shm-size 1g -v "$PWD:/work" migtime ci migrations
#
# Another PostgreSQL than Debian's 15: derive from this image, install its server, and set MIGTIME_PG_BIN.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
COPY benches benches
RUN cargo build --release --locked --bin migtime

FROM debian:bookworm-slim
# postgresql-common comes first, to be told not to make a cluster of its own. git finds a pull request's migrations.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libssl3 postgresql-common \
    && sed -ri 's/^#?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* \
    # PostgreSQL runs as no user without a name, and never as root.
    && useradd --uid 1000 --create-home migtime \
    # The mounted repository belongs to whoever runs the container.
    && git config --system --add safe.directory '*'
COPY --from=build /build/target/release/migtime /usr/local/bin/migtime
COPY scenarios /usr/local/share/migtime/scenarios
USER migtime
WORKDIR /work
ENTRYPOINT ["migtime"]
CMD ["--help"]
