// The kubelet's rules for containers of a static pod: no API object in the environment, no registry, no host port twice.
// Part of kubelet-acceptance.ts, and like it independent of the compiler.

import { MATERIAL_PLACEHOLDER } from '../types/checkpoint.ts';

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Appends to `problems`. `volumes` maps the pod's volume names to their hostPath, if they are one. */
export function containerProblems(
  spec: Fields,
  volumes: ReadonlyMap<string, string | undefined>,
  problems: string[],
): void {
  if (listOf(spec.containers).length === 0) {
    problems.push('spec.containers must not be empty');
  }
  const names = new Set<unknown>();
  for (const list of ['initContainers', 'containers']) {
    if (spec[list] !== undefined && !Array.isArray(spec[list])) {
      problems.push(`spec.${list} must be a list`);
    }
    for (const [index, value] of listOf(spec[list]).entries()) {
      const at = `spec.${list}[${index}]`;
      const container = fieldsOf(value);
      const { name } = container;
      if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) || names.has(name)) {
        problems.push(`${at}.name must be a DNS label, used once`);
      }
      names.add(name);
      problems.push(...imageProblems(container, at), ...typeProblems(container, at));
      problems.push(...environmentProblems(container, at), ...mountProblems(container, at, volumes));
      problems.push(...portProblems(container, at, spec.hostNetwork === true));
    }
  }
}

function imageProblems(container: Fields, at: string): string[] {
  const problems: string[] = [];
  if (
    typeof container.image !== 'string' ||
    container.image.trim() === '' ||
    container.image !== container.image.trim()
  ) {
    problems.push(`${at}.image must name an image`);
  }
  if (container.imagePullPolicy !== 'IfNotPresent' && container.imagePullPolicy !== 'Never') {
    problems.push(`${at}.imagePullPolicy must not need the registry`);
  }
  return problems;
}

function typeProblems(container: Fields, at: string): string[] {
  const problems: string[] = [];
  for (const field of ['command', 'args']) {
    const value = container[field];
    if (value !== undefined && !(Array.isArray(value) && value.every((word) => typeof word === 'string'))) {
      problems.push(`${at}.${field} must be a list of text`);
    }
  }
  if (listOf(container.volumeDevices).length > 0) {
    problems.push(`${at}.volumeDevices needs a claim`);
  }
  if (listOf(fieldsOf(container.resources).claims).length > 0) {
    problems.push(`${at}.resources.claims needs a claim`);
  }
  return problems;
}

function environmentProblems(container: Fields, at: string): string[] {
  const problems: string[] = [];
  if (listOf(container.envFrom).length > 0) {
    problems.push(`${at}.envFrom names API objects`);
  }
  for (const [index, value] of listOf(container.env).entries()) {
    const variable = fieldsOf(value);
    if (typeof variable.name !== 'string' || !/^(?!\.\.|\.$)[a-z._-][a-z0-9._-]*$/i.test(variable.name)) {
      problems.push(`${at}.env[${index}].name is no name of a variable`);
    }
    if (variable.value !== undefined && typeof variable.value !== 'string') {
      problems.push(`${at}.env[${index}].value must be text`);
    }
    const sources = Object.keys(fieldsOf(variable.valueFrom));
    if (sources.some((source) => !['fieldRef', 'resourceFieldRef', 'fileKeyRef'].includes(source))) {
      problems.push(`${at}.env[${index}].valueFrom names an API object`);
    }
  }
  return problems;
}

function mountProblems(
  container: Fields,
  at: string,
  volumes: ReadonlyMap<string, string | undefined>,
): string[] {
  const problems: string[] = [];
  const paths = new Set<unknown>();
  for (const [index, value] of listOf(container.volumeMounts).entries()) {
    const mount = fieldsOf(value);
    const where = `${at}.volumeMounts[${index}]`;
    if (!volumes.has(String(mount.name))) {
      problems.push(`${where}.name is no volume of the pod`);
    }
    if (typeof mount.mountPath !== 'string' || mount.mountPath === '' || paths.has(mount.mountPath)) {
      problems.push(`${where}.mountPath must be a path, used once`);
    }
    paths.add(mount.mountPath);
    if (
      typeof mount.subPath === 'string' &&
      (mount.subPath.startsWith('/') || mount.subPath.split('/').includes('..'))
    ) {
      problems.push(`${where}.subPath must stay in the volume`);
    }
    const hostPath = volumes.get(String(mount.name));
    if (hostPath?.startsWith(`${MATERIAL_PLACEHOLDER}/`) && mount.readOnly !== true) {
      problems.push(`${where} must be read-only: the kubelet forces it for secrets, not for a hostPath`);
    }
  }
  return problems;
}

function portProblems(container: Fields, at: string, hostNetwork: boolean): string[] {
  const problems: string[] = [];
  const ports = listOf(container.ports).map(fieldsOf);
  if (
    hostNetwork ? ports.length > 0 : ports.some((port) => port.hostPort !== undefined && port.hostPort !== 0)
  ) {
    problems.push(
      `${at}.ports declares host ports, and two pods of one node cannot both be admitted with them`,
    );
  }
  if (!hostNetwork) {
    return problems;
  }
  const lifecycle = fieldsOf(container.lifecycle);
  const handlers = [
    container.livenessProbe,
    container.readinessProbe,
    container.startupProbe,
    ...Object.values(lifecycle),
  ];
  for (const handler of handlers.flatMap((value) => Object.values(fieldsOf(value)))) {
    const { port } = fieldsOf(handler);
    if (typeof port === 'string') {
      problems.push(`${at} has a probe or hook of a named port, and no ports`);
    }
  }
  return problems;
}
