// Files of a secret, configMap, downwardAPI or projected volume. Sources of a projected volume are written in order,
// a later one over an earlier one. A token or a bundle is 0600 once fsGroup or a user is set, as the kubelet does it.

import { tokenKey } from '../types/checkpoint.ts';
import { type CompileContext, commonUserOf, fsGroupOf, serviceAccountOf } from './context.ts';
import { addDownwardFiles } from './downward-files.ts';
import type { Findings } from './findings.ts';
import {
  addKeys,
  attributesOf,
  defaultsOf,
  type FileAttributes,
  type Payload,
  put,
  quoted,
} from './payload.ts';
import { asList, asObject, asString, type JsonObject } from './plain-json.ts';
import { tokenRequestOf } from './references.ts';
import { bundleChoiceOf, chosenBundles, trustAnchors } from './trust-bundles.ts';
import { PROJECTED_SOURCES, volumeRow } from './volume-table.ts';

export function materialPayload(
  type: string,
  source: JsonObject,
  at: string,
  context: CompileContext,
  findings: Findings,
): Payload {
  const payload: Payload = new Map();
  const defaults = defaultsOf(source, at, findings);
  if (type !== 'projected') {
    addSource(payload, type, source, defaults, at, context, findings);
    return payload;
  }
  asList(source.sources).forEach((value, index) => {
    const projection = asObject(value) ?? {};
    const [kind, ...others] = Object.keys(projection);
    const inner = kind === undefined ? undefined : asObject(projection[kind]);
    const row = kind === undefined ? undefined : volumeRow(PROJECTED_SOURCES, kind);
    const path = `${at}.sources[${index}]`;
    if (kind === undefined || inner === undefined || others.length > 0) {
      findings.refuse(path, 'must have exactly one source; correct it in the pod');
    } else if (row === undefined) {
      findings.refuse(
        `${path}.${kind}`,
        'is a source not known to this version, and the kubelet may refuse it',
      );
    } else if (row.treatment === 'refused') {
      findings.refuse(`${path}.${kind}`, row.why);
    } else {
      addSource(payload, kind, inner, defaults, `${path}.${kind}`, context, findings);
    }
  });
  return payload;
}

function addSource(
  payload: Payload,
  kind: string,
  source: JsonObject,
  defaults: FileAttributes,
  at: string,
  context: CompileContext,
  findings: Findings,
): void {
  if (kind === 'downwardAPI') {
    addDownwardFiles(payload, source, defaults, at, context, findings);
  } else if (kind === 'serviceAccountToken') {
    addToken(payload, source, defaults, at, context, findings);
  } else if (kind === 'clusterTrustBundle') {
    addTrustAnchors(payload, source, defaults, at, context, findings);
  } else {
    addObject(payload, kind === 'secret' ? 'Secret' : 'ConfigMap', source, defaults, at, context, findings);
  }
}

function addObject(
  payload: Payload,
  kind: 'Secret' | 'ConfigMap',
  source: JsonObject,
  defaults: FileAttributes,
  at: string,
  context: CompileContext,
  findings: Findings,
): void {
  // A secret volume says secretName, everything else says name.
  const name = asString(source.secretName) ?? asString(source.name);
  if (name === undefined) {
    findings.refuse(at, `must name a ${kind}; correct it in the pod`);
    return;
  }
  const object = context.reader.read(kind, name, source.optional === true, at, findings);
  if (object === 'absent') {
    findings.note(at, 'rewritten', 'optional, and the object does not exist: nothing is projected');
  } else if (object !== 'refused') {
    // Text wins where both have a key, as in the kubelet's MakePayload with items.
    addKeys(
      payload,
      source,
      new Map([...object.binary, ...object.data]),
      defaults,
      at,
      object.label,
      findings,
    );
  }
}

function addToken(
  payload: Payload,
  source: JsonObject,
  defaults: FileAttributes,
  at: string,
  context: CompileContext,
  findings: Findings,
): void {
  const path = asString(source.path);
  const request = tokenRequestOf(source);
  if (path === undefined || request === undefined) {
    findings.refuse(at, 'must have a path, and an expiry in seconds as a number; correct it in the pod');
    return;
  }
  const reference = {
    namespace: context.namespace,
    serviceAccount: serviceAccountOf(context.spec),
    ...request,
  };
  const issued = context.objects.tokens?.get(tokenKey(reference));
  if (issued === undefined) {
    findings.refuse(
      at,
      `no token of ServiceAccount ${reference.namespace}/${reference.serviceAccount} has been issued yet`,
    );
    return;
  }
  const file = {
    content: Buffer.from(issued.token),
    token: { ...request, expiresAtMs: issued.expiresAtMs },
    ...privateAttributes(source, defaults, at, context, findings),
  };
  put(payload, path, file, at, findings);
}

/** One file, empty where no bundle is chosen and the source is optional. */
function addTrustAnchors(
  payload: Payload,
  source: JsonObject,
  defaults: FileAttributes,
  at: string,
  context: CompileContext,
  findings: Findings,
): void {
  const path = asString(source.path);
  const choice = bundleChoiceOf(source);
  if (path === undefined || choice === undefined) {
    findings.refuse(at, 'must have a path, and either a name or a signerName; correct it in the pod');
    return;
  }
  if (context.objects.trustBundles === undefined) {
    findings.refuse(at, 'the ClusterTrustBundles have not been read yet');
    return;
  }
  const bundles = chosenBundles(choice, context.objects.trustBundles);
  if (bundles.length === 0) {
    const wanted =
      'name' in choice ? quoted(choice.name) : `of ${quoted(choice.signerName)} with these labels`;
    if (source.optional !== true) {
      findings.refuse(at, `there is no ClusterTrustBundle ${wanted}; create it, or set optional: true`);
      return;
    }
    findings.note(at, 'rewritten', `optional, and there is no ClusterTrustBundle ${wanted}: an empty file`);
  }
  const file = {
    content: Buffer.from(trustAnchors(bundles)),
    ...privateAttributes(source, defaults, at, context, findings),
  };
  put(payload, path, file, at, findings);
}

/**
 * Of a token or a bundle: 0600, where fsGroup or a user says who reads it. The user is the source's own,
 * else the volume's, else the one that all containers run as (kubernetes#89193; resolveFsUser of 1.37).
 */
function privateAttributes(
  source: JsonObject,
  defaults: FileAttributes,
  at: string,
  context: CompileContext,
  findings: Findings,
): FileAttributes {
  const own = attributesOf(source, defaults, at, findings);
  const uid = own.uid ?? commonUserOf(context.spec);
  if (uid === undefined) {
    return { mode: fsGroupOf(context.spec) === undefined ? own.mode : 0o600 };
  }
  return { mode: 0o600, uid };
}
