# syntax=docker/dockerfile:1
# The hub as a small image: the program, CA certificates and a C library; no shell, not root.
#   docker build --tag mochiyori .
#   docker run --publish 8080:8080 --volume mochiyori:/data mochiyori

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer, so that a change of the hub alone does not compile its dependencies again;
# what the image needs is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo build --workspace --bin mochiyori --release --locked \
    && mkdir -p /out/data \
    && cp target/release/mochiyori LICENSE /out/

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/mochiyori /usr/local/bin/mochiyori
COPY --from=build /out/LICENSE /usr/share/doc/mochiyori/LICENSE
# A new named volume takes the owner of the folder it is mounted on.
COPY --from=build --chown=65532:65532 /out/data /data

# Both allocators, the program's and the C library's, would keep what was freed; docs/BENCHMARKS.md says how much.
ENV MALLOC_ARENA_MAX=2 \
    MIMALLOC_PURGE_DELAY=100 \
    MOCHIYORI_SERVER__LISTEN=0.0.0.0:8080 \
    MOCHIYORI_SERVER__DATA_DIR=/data \
    MOCHIYORI_LOG__FORMAT=json
WORKDIR /data
VOLUME /data
EXPOSE 8080
USER 65532:65532
# `health` asks http://127.0.0.1:8080/readyz unless MOCHIYORI_URL says otherwise.
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/mochiyori", "--quiet", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/mochiyori"]
CMD ["serve"]
