// The volumes of the checkpoint: kept, or turned into material on a hostPath below MATERIAL_PLACEHOLDER, or refused.
// A volume that no container mounts is never set up by the kubelet, so it cannot be a reason to refuse.

import { MATERIAL_PLACEHOLDER, type MaterialVolume } from '../types/checkpoint.ts';
import { pullPolicy } from './containers.ts';
import { type CompileContext, containersOf, fsGroupOf } from './context.ts';
import { staysDownward } from './downward-files.ts';
import { Findings } from './findings.ts';
import { nestedMountPoints } from './mount-points.ts';
import { conflictIn, type Payload, quoted } from './payload.ts';
import { asList, asObject, asString, type JsonObject } from './plain-json.ts';
import { materialPayload } from './volume-payload.ts';
import { VOLUME_TYPES, volumeRow } from './volume-table.ts';

export interface CompiledVolumes {
  readonly volumes: JsonObject[];
  readonly material: MaterialVolume[];
}

export function compileVolumes(context: CompileContext, findings: Findings): CompiledVolumes {
  const out: CompiledVolumes = { volumes: [], material: [] };
  const mounted = new Set(
    containersOf(context.spec).flatMap(({ container }) =>
      asList(container.volumeMounts).map((mount) => asString(asObject(mount)?.name)),
    ),
  );
  const names = new Set<string>();
  asList(context.spec.volumes).forEach((value, index) => {
    const path = `spec.volumes[${index}]`;
    const volume = asObject(value) ?? {};
    const name = asString(volume.name) ?? '';
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) || names.has(name)) {
      findings.refuse(
        `${path}.name`,
        `${quoted(name)} must be a lower-case name used once; correct it in the pod`,
      );
      return;
    }
    names.add(name);
    const own = new Findings();
    const compiled = compileVolume(name, volume, path, context, own);
    if (own.refusals.length > 0 && !mounted.has(name)) {
      findings.note(
        path,
        'dropped',
        `no container mounts it, and it cannot be carried: ${own.refusals[0]?.why}`,
      );
      return;
    }
    findings.add(own);
    if (compiled !== undefined) {
      out.volumes.push(compiled.volume);
      out.material.push(...(compiled.material ?? []));
    }
  });
  return out;
}

interface CompiledVolume {
  readonly volume: JsonObject;
  readonly material?: readonly MaterialVolume[];
}

function compileVolume(
  name: string,
  volume: JsonObject,
  path: string,
  context: CompileContext,
  findings: Findings,
): CompiledVolume | undefined {
  const types = Object.keys(volume).filter((key) => key !== 'name');
  const type = types[0] ?? '';
  const source = asObject(volume[type]);
  if (types.length !== 1 || source === undefined) {
    findings.refuse(path, 'must have exactly one type of volume; correct it in the pod');
    return undefined;
  }
  const at = `${path}.${type}`;
  const row = volumeRow(VOLUME_TYPES, type);
  if (row === undefined) {
    findings.refuse(
      at,
      'is a type of volume not known to this version, and the kubelet may refuse it; use a hostPath',
    );
    return undefined;
  }
  if (row.treatment === 'refused') {
    findings.refuse(at, row.why);
    return undefined;
  }
  if (row.treatment === 'kept') {
    return keptVolume(name, type, source, at, row.why, findings);
  }
  if (staysDownward(type, source, context)) {
    return { volume };
  }
  const payload = materialPayload(type, source, at, context, findings);
  findings.note(at, 'rewritten', row.why);
  return {
    volume: { name, hostPath: { path: `${MATERIAL_PLACEHOLDER}/${name}`, type: 'Directory' } },
    material: [materialVolume(name, payload, at, context, findings)],
  };
}

function keptVolume(
  name: string,
  type: string,
  source: JsonObject,
  at: string,
  why: string,
  findings: Findings,
): CompiledVolume | undefined {
  if (source.secretRef !== undefined) {
    findings.refuse(
      `${at}.secretRef`,
      'needs a Secret from the API at start; mount it on the host and use a hostPath',
    );
    return undefined;
  }
  if (type === 'hostPath' && (asString(source.path) ?? '').startsWith(MATERIAL_PLACEHOLDER)) {
    findings.refuse(`${at}.path`, `paths below ${MATERIAL_PLACEHOLDER} are the agent's own; use another`);
    return undefined;
  }
  if (type === 'image') {
    const policy = pullPolicy(source.pullPolicy, `${at}.pullPolicy`, findings);
    return { volume: { name, image: { ...source, pullPolicy: policy } } };
  }
  if (why.startsWith('kept, but')) {
    findings.risk(at, 'unknown', why);
  }
  return { volume: { name, [type]: source } };
}

/** Owners and modes as SetVolumeOwnership leaves them: group read and setgid directories, only with fsGroup. */
function materialVolume(
  name: string,
  payload: Payload,
  at: string,
  context: CompileContext,
  findings: Findings,
): MaterialVolume {
  const conflict = conflictIn(payload);
  if (conflict !== undefined) {
    findings.refuse(
      at,
      `${quoted(conflict)} needs a directory where another key makes a file; change one of the paths`,
    );
  }
  const fsGroup = fsGroupOf(context.spec);
  const mountPoints = nestedMountPoints(name, context.spec);
  return {
    name,
    directoryMode: fsGroup === undefined ? 0o755 : 0o2755,
    directoryGid: fsGroup ?? 0,
    files: [...payload]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, file]) => ({
        path,
        mode: fsGroup === undefined ? file.mode : file.mode | 0o440,
        uid: file.uid ?? 0,
        gid: fsGroup ?? 0,
        content: file.content,
        ...(file.token === undefined ? {} : { token: file.token }),
      })),
    ...(mountPoints.length > 0 ? { mountPoints } : {}),
  };
}
