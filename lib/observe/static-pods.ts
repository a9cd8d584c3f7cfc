// What stands in the kubelet's static pod directory under our file names. Files of other names are only counted.
// A file of ours that is not one of our manifests (torn, or edited by hand) is `broken`, which is not `absent`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RevisionId } from '../types/checkpoint.ts';
import type { ActiveManifest, StaticPodDirectory } from '../types/observation.ts';
import { known, type Observed, unknown } from '../types/observed.ts';
import { ANNOTATION_OF, ANNOTATION_REVISION, type WorkloadKey, workloadKey } from '../types/workload.ts';

export interface StaticPodListing extends StaticPodDirectory {
  /** Names that are not ours; the kubelet reads every one that does not begin with a dot. */
  readonly foreign: readonly string[];
}

/** Neither part can hold `_`, so two workloads never share a file. */
const OUR_FILE = /^checkpoint-agent_([^_]+)_([^_]+)\.json$/;

/** Read without the thread pool: there a look would wait for fsyncs of seconds. */
export async function readStaticPods(dir: string): Promise<Observed<StaticPodListing>> {
  let names: string[];
  try {
    names = readdirSync(dir)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'failed';
    return unknown(
      `static pod directory ${dir} cannot be read (${code}); name the kubelet's with --static-pod-dir`,
    );
  }
  const ours: ActiveManifest[] = [];
  const broken: { file: string; problem: string }[] = [];
  const foreign: string[] = [];
  for (const name of names) {
    const match = OUR_FILE.exec(name);
    if (match === null) {
      foreign.push(name);
      continue;
    }
    const file = join(dir, name);
    const read = readManifest(file, workloadKey(match[1] ?? '', match[2] ?? ''));
    if (read === undefined) continue;
    if (typeof read === 'string') broken.push({ file, problem: read });
    else ours.push(read);
  }
  return known({ ours, broken, foreign });
}

/** A string is what is wrong; undefined means that the file went away meanwhile. */
function readManifest(file: string, workload: WorkloadKey): ActiveManifest | string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' ? undefined : `cannot be read (${code ?? 'failed'})`;
  }
  let pod: {
    kind?: unknown;
    metadata?: { uid?: unknown; annotations?: Record<string, unknown> | null } | null;
  } | null;
  try {
    pod = JSON.parse(text);
  } catch {
    return text.trim() === '' ? 'the file is empty' : 'is not complete JSON';
  }
  if (pod?.kind !== 'Pod') return 'kind is not Pod';
  const uid = pod.metadata?.uid;
  const revision = pod.metadata?.annotations?.[ANNOTATION_REVISION];
  const of = pod.metadata?.annotations?.[ANNOTATION_OF];
  if (typeof uid !== 'string' || uid === '') return 'metadata.uid is missing';
  if (typeof revision !== 'string' || revision === '')
    return `metadata.annotations[${ANNOTATION_REVISION}] is missing`;
  if (of !== workload)
    return `metadata.annotations[${ANNOTATION_OF}] is not ${workload}, which the file's name says`;
  return { workload, revision: revision as RevisionId, uid, file };
}
