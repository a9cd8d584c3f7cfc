// A stand-by (OPTION_STANDBY_LOCK): its one container waits on a lock before its program is loaded, so an always active
// checkpoint costs next to nothing. `flock --no-fork` replaces itself with the program once it holds the lock.

import { OPTION_STANDBY_LOCK } from '../types/workload.ts';
import type { Findings } from './findings.ts';
import { asList, type JsonObject } from './plain-json.ts';

const FLOCK = '/usr/bin/flock';
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function waitOnLock(
  container: JsonObject,
  path: string,
  lock: string,
  findings: Findings,
): JsonObject {
  const command = asList(container.command);
  if (command.length === 0) {
    findings.refuse(
      `${path}.command`,
      "must be set for a stand-by, since the image's own entrypoint is not known here",
    );
    return container;
  }
  const out = { ...container };
  for (const probe of PROBES) {
    if (out[probe] !== undefined) {
      findings.note(`${path}.${probe}`, 'dropped', 'a waiting stand-by answers no probe');
      delete out[probe];
    }
  }
  // The kubelet expands $(NAME) in a command.
  const waiting = [FLOCK, '--no-fork', '--exclusive', lock.replaceAll('$', '$$$$')];
  if (waiting.every((word, index) => command[index] === word)) {
    return out;
  }
  findings.note(
    `${path}.command`,
    'rewritten',
    `waits on the lock ${lock} (${OPTION_STANDBY_LOCK}) before it starts`,
  );
  return { ...out, command: [...waiting, ...command] };
}

/** Rules for the pod as a whole. */
export function checkStandby(spec: JsonObject, lock: string, findings: Findings): void {
  const field = `metadata.annotations['${OPTION_STANDBY_LOCK}']`;
  if (!lock.startsWith('/')) {
    findings.refuse(field, 'must be an absolute path; correct it in the pod');
  }
  if (asList(spec.containers).length > 1) {
    findings.refuse(field, 'a stand-by has one container: a second one could never get the same lock');
  }
}
