// Where the tests of handovers begin: after a boot, in the middle of a handover, and after one that failed.

import type { Action } from '../../../lib/types/action.ts';
import { APISERVER, type ParentTraits } from './pods.ts';
import { Scene } from './scene.ts';
import { expectPhase } from './story.ts';

/** After a boot: the checkpoint runs, the API is back, and the parent is the old one that nobody has started yet. */
export function recovered(traits: Partial<ParentTraits> = {}): Scene {
  const scene = new Scene().with(APISERVER, traits).powerLoss();
  scene.run(300).apiServes();
  return scene;
}

/** The parent has been started and the checkpoint withdrawn for it. */
export function inHandover(traits: Partial<ParentTraits> = {}): Scene {
  return started(recovered(traits));
}

/** The kubelet makes the sandbox, the checkpoint goes, the container follows. */
export function started(scene: Scene): Scene {
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
  scene.parent(APISERVER).state = 'running';
  scene.setReady(APISERVER, false);
  return scene.run(300);
}

/** The handover fails: the API goes with it, and the parent crashes. */
export function failed(traits: Partial<ParentTraits> = {}): Scene {
  const scene = inHandover(traits).apiAway();
  crashes(scene);
  return untilBack(scene);
}

/** Until the checkpoint is there again. */
export function untilBack(scene: Scene): Scene {
  for (let passes = 0; scene.phase(APISERVER) !== 'active' && passes < 400; passes += 1) scene.pass();
  expectPhase(scene, APISERVER, 'active');
  return scene;
}

/** What the kubelet was made to start anew so far. */
export function restarts(scene: Scene): readonly (Action & { type: 'restart-parent' })[] {
  return scene.passes.flatMap(({ actions }) => actions).filter((action) => action.type === 'restart-parent');
}

/** The parent crashes, and again each time it is started. */
export function crashes(scene: Scene): void {
  const living = scene.parent(APISERVER);
  living.state = 'crashed';
  let passesUntilCrash = 0;
  scene.onRestart = () => {
    living.state = 'emptied';
    passesUntilCrash = 2;
  };
  scene.onPass = () => {
    if (passesUntilCrash === 0) return;
    passesUntilCrash -= 1;
    if (passesUntilCrash === 0) living.state = 'crashed';
  };
}
