# Two stages: the bundle is built with npm, and the image holds nothing but Node, the bundle and flock(1), which lets
# a stand-by wait for the guard's lock without a second Node in memory.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY build.mjs tsconfig.json ./
COPY cmd cmd
COPY lib lib
RUN node build.mjs

FROM gcr.io/distroless/nodejs24-debian12
COPY --from=build /usr/bin/flock /usr/bin/flock
COPY --from=build /src/dist/agent.mjs /agent.mjs
# Root: it reads the kubelet's keys and writes the kubelet's static pod directory.
USER 0
ENTRYPOINT ["/nodejs/bin/node", "/agent.mjs"]
CMD ["run", "--take-over"]
