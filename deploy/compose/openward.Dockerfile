# The images of the control plane and of the edge agent, built from this repository alone. Its context is the root:
#   docker build --file deploy/compose/openward.Dockerfile --target control-plane .
#   docker build --file deploy/compose/openward.Dockerfile --target edge-agent .

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /openward
COPY package.json package-lock.json tsconfig.base.json ./
COPY scripts/ scripts/
COPY deploy/nats/ deploy/nats/
COPY libs/ libs/
COPY apps/ apps/
COPY deploy/demo/ deploy/demo/
RUN npm ci --loglevel=error --no-audit --no-fund
RUN npx tsc --build apps/control-plane apps/edge-agent apps/cli
# The development dependencies go; the compiled libraries and what they run on stay.
# So does the packaged Node, which the image has already.
RUN npm prune --omit=dev --loglevel=error --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24.21.0-bookworm-slim AS base
ENV NODE_ENV=production
WORKDIR /openward
COPY --from=build /openward/package.json ./
COPY --from=build /openward/node_modules/ node_modules/
COPY --from=build /openward/libs/ libs/
COPY --from=build /openward/apps/ apps/
COPY deploy/compose/ deploy/compose/
# A volume that is mounted for the first time takes over its folder's owner, so that nothing has to run as root.
RUN ln -s /openward/node_modules/.bin/openward /usr/local/bin/openward \
  && mkdir -p /var/lib/openward /network /nats /offline && chown node:node /var/lib/openward /network /nats /offline
USER node

FROM base AS control-plane
EXPOSE 8443
CMD ["node", "apps/control-plane/dist/main.js"]

FROM base AS edge-agent
# `unshare`, `setpriv` and `sh` for the fence around a model runtime are in the base image.
ENV OPENWARD_NODE_DATA=/var/lib/openward
EXPOSE 8080
CMD ["deploy/compose/agent.sh"]
