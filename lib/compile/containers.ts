// One container of the checkpoint, out of the parent's: the same program with the same inputs, asking nothing of the
// API or a registry. Order of containers, commands and arguments is the parent's.

import { applyTable } from './apply-table.ts';
import type { CompileContext } from './context.ts';
import { compileEnv } from './env.ts';
import { CONTAINER_FIELDS } from './field-table.ts';
import type { Findings } from './findings.ts';
import { asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';
import { compilePorts } from './ports.ts';
import { compileResources } from './resources.ts';
import { waitOnLock } from './standby.ts';

/** `materialVolumes`: names of volumes that became material. */
export function compileContainer(
  source: JsonObject,
  path: string,
  list: 'initContainers' | 'containers',
  context: CompileContext,
  materialVolumes: ReadonlySet<string>,
  findings: Findings,
): JsonObject {
  const out = applyTable(source, CONTAINER_FIELDS, path, findings);
  if (source.command !== undefined) {
    out.command = source.command;
  }
  if (asString(source.image) === undefined || source.image === '') {
    findings.refuse(`${path}.image`, 'must name an image; set it in the pod');
  }
  const env = compileEnv(source, path, context, findings);
  if (env.length > 0) {
    out.env = env;
  }
  out.imagePullPolicy = pullPolicy(source.imagePullPolicy, `${path}.imagePullPolicy`, findings);
  Object.assign(out, compilePorts(source, path, context.hostNetwork, findings));
  const resources = asObject(source.resources);
  if (resources !== undefined) {
    refuseClaims(resources, path, findings);
    // A stand-by lives beside its parent all the time, and both must get their share the moment they are needed.
    const standsBy = context.options.standbyLock !== undefined;
    out.resources = standsBy ? resources : compileResources(resources, `${path}.resources`, findings);
  }
  if (source.volumeMounts !== undefined) {
    out.volumeMounts = asList(source.volumeMounts).map((mount) => readOnly(mount, materialVolumes));
  }
  const lock = context.options.standbyLock;
  return lock === undefined || list === 'initContainers' ? out : waitOnLock(out, path, lock, findings);
}

/** `Always` never falls back to the image that is there; unset means `Always` for the tag `latest`. */
export function pullPolicy(policy: Json | undefined, path: string, findings: Findings): string {
  if (policy === 'Never') {
    return 'Never';
  }
  if (policy === 'Always') {
    findings.note(
      path,
      'rewritten',
      'IfNotPresent: with Always nothing starts while the registry cannot be reached',
    );
  }
  return 'IfNotPresent';
}

function refuseClaims(resources: JsonObject, path: string, findings: Findings): void {
  if (asList(resources.claims).length > 0) {
    findings.refuse(
      `${path}.resources.claims`,
      'a ResourceClaim needs the API at start; use a device through hostPath, or none',
    );
  }
}

/** The kubelet forces material of the API read-only; a hostPath it does not. */
function readOnly(mount: Json, materialVolumes: ReadonlySet<string>): Json {
  const object = asObject(mount);
  return object !== undefined && materialVolumes.has(asString(object.name) ?? '')
    ? { ...object, readOnly: true }
    : mount;
}
