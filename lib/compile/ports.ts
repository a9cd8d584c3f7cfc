// Ports of a container. Two pods of one node that declare the same host port cannot both be admitted, and hostNetwork
// makes every port a host port, so there `ports` goes, after the names used by probes and hooks became numbers.

import type { Findings } from './findings.ts';
import { quoted } from './payload.ts';
import { asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const HOOKS = ['postStart', 'preStop'] as const;
const HANDLERS = ['grpc', 'httpGet', 'tcpSocket'] as const;

/** Answers `ports`, `lifecycle` and the probes of the checkpoint's container, as far as the parent's has them. */
export function compilePorts(
  container: JsonObject,
  path: string,
  hostNetwork: boolean,
  findings: Findings,
): JsonObject {
  const ports = asList(container.ports).flatMap((port): JsonObject[] => {
    const object = asObject(port);
    return object === undefined ? [] : [object];
  });
  const out: JsonObject = {};
  if (hostNetwork) {
    if (ports.length > 0) {
      findings.note(
        `${path}.ports`,
        'dropped',
        'declared host ports would keep the kubelet from admitting the parent beside it; nothing listens by them',
      );
    }
  } else if (container.ports !== undefined) {
    refuseHostPorts(ports, path, findings);
    out.ports = container.ports;
  }
  const numbered = (handler: Json, at: string): Json =>
    hostNetwork ? number(handler, ports, at, findings) : handler;
  for (const probe of PROBES) {
    if (container[probe] !== undefined) {
      out[probe] = numbered(container[probe], `${path}.${probe}`);
    }
  }
  const lifecycle = asObject(container.lifecycle);
  if (lifecycle !== undefined) {
    out.lifecycle = { ...lifecycle };
    for (const hook of HOOKS) {
      if (lifecycle[hook] !== undefined) {
        out.lifecycle[hook] = numbered(lifecycle[hook], `${path}.lifecycle.${hook}`);
      }
    }
  }
  return out;
}

function refuseHostPorts(ports: readonly JsonObject[], path: string, findings: Findings): void {
  ports.forEach((port, index) => {
    if (port.hostPort !== undefined && port.hostPort !== 0) {
      findings.refuse(
        `${path}.ports[${index}].hostPort`,
        'while the checkpoint holds this host port the kubelet rejects its parent, so it could never hand over; use hostNetwork',
      );
    }
  });
}

function number(value: Json, ports: readonly JsonObject[], at: string, findings: Findings): Json {
  const handlers = asObject(value);
  if (handlers === undefined) {
    return value;
  }
  const out = { ...handlers };
  for (const type of HANDLERS) {
    const handler = asObject(handlers[type]);
    const name = asString(handler?.port);
    if (handler === undefined || name === undefined) {
      continue;
    }
    const declared =
      ports.find((port) => port.name === name)?.containerPort ??
      (/^\d{1,5}$/.test(name) ? Number(name) : undefined);
    if (typeof declared !== 'number') {
      findings.refuse(
        `${at}.${type}.port`,
        `no port is called ${quoted(name)}; name one of the container's ports`,
      );
      continue;
    }
    findings.note(
      `${at}.${type}.port`,
      'rewritten',
      `${quoted(name)} becomes ${declared}, since ports are dropped`,
    );
    out[type] = { ...handler, port: declared };
  }
  return out;
}
