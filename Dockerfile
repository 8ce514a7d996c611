# losskit with libtensorflow, Shakespeare and all packages. The image works without a network.
FROM denoland/deno:bin-2.9.6 AS deno

FROM debian:13-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Versions are those of the pinned Debian release.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git python3 python3-pip \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home --uid 1000 losskit \
  && install -d -o losskit -g losskit /losskit /cache
COPY --from=deno /deno /usr/local/bin/deno
ENV DENO_DIR=/cache/deno \
  LOSSKIT_CACHE=/cache/losskit \
  DENO_NO_UPDATE_CHECK=1
# The user losskit
USER 1000
WORKDIR /losskit
COPY --chown=losskit:losskit . .
# Downloads all packages, libtensorflow and Shakespeare, and minifies Plotly.
RUN deno task setup \
  && deno install --global -A --no-prompt --root /cache --config deno.json --name losskit lib/cli/main.ts
ENV PATH=/cache/bin:$PATH
ENTRYPOINT ["losskit"]
CMD ["--help"]
