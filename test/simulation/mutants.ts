// Plausible bugs, each a change of one place of the agent's source. The simulation must notice every one of them: a
// rule that nobody can break in a way that shows is no rule.

import type { Mutant } from './bundle.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a silent runtime counts as an empty one',
    file: 'lib/agent/look.ts',
    from: '        : runtimeView,\n',
    to: '        : known({ pods: [], images: new Set() }),\n',
  },
  {
    name: 'a controller that could not be asked wants nothing',
    file: 'lib/observe/apiserver/wanted.ts',
    from: 'if (!lookup.known) return lookup;',
    to: "if (!lookup.known) return known('not-wanted');",
  },
  {
    name: 'workloads are keyed by the name of the pod',
    file: 'lib/compile/parent.ts',
    from: 'workload: workloadKey(namespace, ofDeployment ? name.slice(0, -hash.length - 1) : name),',
    to: 'workload: workloadKey(namespace, podName),',
  },
  {
    name: 'grace is forgotten',
    file: 'lib/decide/retiring.ts',
    from: 'const over = phase.waited.elapsedMs >= settings.graceMs;',
    to: 'const over = true;',
  },
  {
    name: 'a parent counts as proven as soon as it serves',
    file: 'lib/decide/revisions.ts',
    from: 'next.servingMs >= settings.provingMs &&',
    to: 'next.servingMs > 0 &&',
  },
  {
    name: 'time that a parent did not serve counts as proving time',
    file: 'lib/decide/revisions.ts',
    from: 'servingMs: serving ? next.servingMs + observation.sinceLastPassMs : 0 });',
    to: 'servingMs: next.servingMs + observation.sinceLastPassMs });',
  },
  {
    name: 'every activation has the same UID',
    file: 'lib/act/carry-out.ts',
    from: 'uid: hands.newUid(),',
    to: 'uid: revision.slice(0, 32),',
  },
  {
    name: 'the UID of the Node is not looked at',
    file: 'lib/decide/cluster-identity.ts',
    from: "if (memory.phase.name === 'held') return memory;",
    to: 'return memory;',
  },
  {
    name: 'a manifest that stands there is placed again and again',
    file: 'lib/decide/static-pod.ts',
    from: 'if (there?.revision === placed || !facts.revisions.has(placed)) return [];',
    to: 'if (!facts.revisions.has(placed)) return [];',
  },
  {
    name: 'a manifest that could not be removed is, when it can be, whatever became of its parent',
    file: 'lib/decide/rest.ts',
    from: 'left !== undefined && !isUp(facts.parentRuns.value)',
    to: 'left === null',
  },
  {
    name: 'a manifest that could not be removed in a handover is, when it can be, although its parent is gone',
    file: 'lib/decide/handover.ts',
    from: "left !== undefined && facts.parentRuns.value === 'absent'",
    to: 'left === null',
  },
  {
    name: 'a parent that somebody deleted is held against its content',
    file: 'lib/decide/handover.ts',
    from: 'isGone ? countFailure(memory) : blamed(memory, phase, situation)',
    to: 'blame(memory, phase.parentUid, memory.candidate)',
  },
  {
    name: 'that all workloads vanish at once is nothing special',
    file: 'lib/decide/cluster-identity.ts',
    from: 'return had.length > 1 && had.every((key) => liveParent(parents.value, key) === undefined);',
    to: 'return false;',
  },
  {
    name: 'a checkpoint is withdrawn as soon as its parent is there by the word of the API',
    file: 'lib/decide/fresh-parent.ts',
    from: 'return willHaveContainer(pod, memory, situation) && hasImages(observation.runtime.value.images, parent.pod);',
    to: 'return true;',
  },
  {
    name: 'a kubelet that refuses the containers of the API counts as one that starts them',
    file: 'lib/decide/kubelet-starts.ts',
    from: 'return pod.containers.length > 0 || (kubeletStarts && stallsMs(pod, memory) < EMPTY_MS_MAX);',
    to: 'return true;',
  },
  {
    name: 'the revision before the proven one is not kept',
    file: 'lib/decide/revisions.ts',
    from: '    memory.previous,\n    memory.candidate,\n    placedRevision',
    to: '    memory.candidate,\n    placedRevision',
  },
  {
    name: 'the newest revision is activated, proven or not',
    file: 'lib/decide/revisions.ts',
    from: 'const order = [memory.proven?.revision, memory.previous, memory.candidate, ...facts.revisions];',
    to: 'const order = [...facts.revisions];',
  },
  {
    name: 'files are not synced before they get their name',
    file: 'lib/store/write-durable.ts',
    from: 'await file.fsync();',
    to: '',
  },
  {
    name: 'an unfinished file has no dot before its name',
    file: 'lib/store/temporary-name.ts',
    from: "const PREFIX = '.checkpoint-agent-';",
    to: "const PREFIX = 'checkpoint-agent-';",
  },
  {
    name: 'parent and checkpoint are thought to get along on the same ports',
    file: 'lib/decide/facts.ts',
    from: 'return !parent.options.overlap && !standsBy && usesHostPorts(known(parent));',
    to: 'return false;',
  },
  {
    name: 'a parent that does not get up is nobody’s business while the API answers',
    file: 'lib/decide/rest.ts',
    from: 'if (revision !== undefined && stuck(memory, facts.parentState, settings))',
    to: 'if (revision !== undefined && Number.isNaN(memory.unservedMs))',
  },
  {
    name: 'a workload without parent and successor is waited for without end',
    file: 'lib/decide/rest.ts',
    from: 'if (revision !== undefined && down && memory.unservedMs >= settings.rescueMs) {',
    to: 'if (revision !== undefined && down && memory.unservedMs >= Number.POSITIVE_INFINITY) {',
  },
  {
    name: 'content is part of the digests’ file',
    file: 'lib/store/revision-digests.ts',
    from: 'return { size: content.length, sha256: sha256(content) };',
    to: "return { size: content.length, sha256: sha256(content), content: Buffer.from(content).toString('latin1') };",
  },
  {
    name: 'time is measured by the wall clock',
    file: 'lib/agent/look.ts',
    from: 'const nowMs = this.#sources.monotonicMs();',
    to: 'const nowMs = this.#sources.wallClockMs();',
  },
  {
    name: 'a container that has ended still counts as one that runs',
    file: 'lib/decide/run-state.ts',
    from: "return state !== 'exited';",
    to: 'return state !== undefined;',
  },
  {
    name: 'a write that failed is tried again at once',
    file: 'lib/agent/loop.ts',
    from: 'if (done && (',
    to: 'if (true || (',
  },
  {
    name: 'a record of the node that could not be written is not written again',
    file: 'lib/decide/decide.ts',
    from: 'if (boot !== storedNode.bootId || nodeUid !== storedNode.nodeUid)',
    to: 'if (boot !== memory.bootId || nodeUid !== memory.nodeUid)',
  },
  {
    name: 'a parent that runs may be stood in for while the API is away',
    file: 'lib/decide/situation.ts',
    from: 'return Number.POSITIVE_INFINITY;',
    to: 'return 0;',
  },
  {
    name: 'a container that was made and never started counts as one that runs',
    file: 'lib/decide/facts.ts',
    from: 'wallClockMs - c.createdAtMs >= CREATED_MS_MAX',
    to: 'wallClockMs - c.createdAtMs >= Number.POSITIVE_INFINITY',
  },
  {
    name: 'an apiserver that hangs for want of its etcd is never ended',
    file: 'lib/decide/hanging-server.ts',
    from: "const hangs = api.name === 'away' && HANGS.has(api.cause);",
    to: 'const hangs = false;',
  },
  {
    name: 'an apiserver that hangs is ended for whatever waits for it',
    file: 'lib/decide/hanging-server.ts',
    from: 'if (!waitingForKubelet.some((other) => connectsTo(manifest, manifestOf(other, observation)))) {',
    to: 'if (waitingForKubelet.length === 0) {',
  },
];
