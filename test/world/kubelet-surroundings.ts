// Model: everything a kubelet touches outside itself. All of it outlives a kubelet.

import type { Availability } from './availability.ts';
import type { Delays } from './delays.ts';
import type { KubeletHabits } from './kubelet-habits.ts';
import type { ObjectStore } from './object-store.ts';
import type { Random } from './random.ts';
import type { RuntimeModel } from './runtime-model.ts';
import type { Schedule } from './schedule.ts';
import type { HostPaths, StaticPodFiles } from './static-pod-files.ts';
import type { Story } from './story.ts';

export interface KubeletSurroundings {
  readonly node: string;
  readonly files: StaticPodFiles;
  readonly paths: HostPaths;
  readonly runtime: RuntimeModel;
  readonly store: ObjectStore;
  readonly availability: Availability;
  readonly schedule: Schedule;
  readonly delays: Delays;
  readonly random: Random;
  readonly story: Story;
  readonly habits: KubeletHabits;
}
