# mox in a container that never runs as root: docker compose up, with docker-compose.yml.
# Low ports are opened by the capability that this Python has and that the server gives up when they are open.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python3 build_zipapp.py --output /mox.pyz

FROM python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libcap2-bin \
    && setcap cap_net_bind_service=+ep "$(readlink -f "$(command -v python3)")" \
    && apt-get purge --yes --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --home-dir / --no-create-home --shell /usr/sbin/nologin mox
COPY --from=build /mox.pyz /usr/local/bin/mox.pyz
# Unpacked here, as the root of the file system is read-only later.
ENV MOX_CACHE=/var/cache/mox
RUN mkdir -m 755 /var/cache/mox && python3 /usr/local/bin/mox.pyz helpall >/dev/null
USER mox
WORKDIR /mox
HEALTHCHECK --interval=1m --timeout=20s --start-period=5m CMD ["python3", "/usr/local/bin/mox.pyz", "loglevels"]
ENTRYPOINT ["python3", "/usr/local/bin/mox.pyz"]
CMD ["serve"]
