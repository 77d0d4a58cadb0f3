# syntax=docker/dockerfile:1

# Not run on the machine it was written on, which has no container engine: `npm run test:image` takes the same steps by
# hand. Pin the digest of this tag when you first pull it (docs/deployment.md).
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY web/package.json ./web/
# No package may run code of its own while it is installed.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY projections ./projections
COPY web/index.html web/vite.config.ts web/tsconfig.json ./web/
COPY web/build ./web/build
COPY web/src ./web/src
COPY scripts ./scripts
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
COPY web/package.json ./web/
# The optional packages are the embedded PostgreSQL and native parts of build tools: a container is given a database. Of
# the page, which is built by now, no packages are needed.
RUN npm ci --omit=dev --omit=optional --workspaces=false --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    NODE_OPTIONS=--enable-source-maps
WORKDIR /app
# Everything belongs to root and runs as `node`: the program cannot change itself.
COPY package.json LICENSE NOTICE ./
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER node
EXPOSE 3000
# Alive, not ready: an engine that replaces unhealthy containers must not do so because a database is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without npm in between, which does not hand on signals.
CMD ["node", "dist/src/main.js"]
