// What runs on this node, from the container runtime: the only word on whether a pod is dead (rule 1).
// A call that fails makes the whole view unknown; it is never an empty list.

import type { RuntimePod, RuntimeView } from '../../types/observation.ts';
import { known, type Observed } from '../../types/observed.ts';
import { CriClient } from './cri-client.ts';
import type { CriContainer, CriImage, CriSandbox } from './cri-messages.ts';
import { CONTAINER_EXITED, imageNames, toPods } from './pods.ts';

export interface RuntimeSource {
  readonly socket: string;
  /** `images: true` lists the images anew; otherwise they may be up to 30 s old. */
  observe(options?: { readonly images?: boolean }): Promise<Observed<RuntimeView>>;
  /** Kills what runs in a sandbox and ends it; one that is gone is fine. */
  stopSandbox(id: string): Promise<Observed<true>>;
  /**
   * Removes containers, those that run as well (the CRI ends them at once). The kubelet misses them within a second,
   * and makes others in the same sandbox. To stop the sandbox instead was seen to cost a back-off of 10 s: a
   * kubelet that looks while that goes on starts the container in a sandbox that is about to be gone.
   */
  removeContainers(ids: readonly string[]): Promise<Observed<true>>;
  /**
   * Ends the crash back-off of a pod: removes its ended containers, then stops the sandbox that is named, as `stopSandbox`
   * does. The kubelet (1.34 to 1.37, kuberuntime_manager.go doBackOff) counts a back-off from the last ended container,
   * and a sandbox that ended makes it look at the pod within a second; with none there it starts the pod at once.
   */
  endBackOff(podUid: string, sandboxId?: string): Promise<Observed<true>>;
  close(): void;
}

export interface RuntimeSourceOptions {
  readonly deadlineMs?: number;
  /** Listing images is the heavier call: at most this often, unless containers came or went, or somebody asks. */
  readonly imagesEveryMs?: number;
}

export function createRuntimeSource(socket: string, options: RuntimeSourceOptions = {}): RuntimeSource {
  return new CriRuntimeSource(socket, options);
}

class CriRuntimeSource implements RuntimeSource {
  readonly socket: string;
  readonly #client: CriClient;
  readonly #imagesEveryMs: number;
  #listing: Promise<Observed<ReadonlySet<string>>> | undefined;
  #images:
    | { readonly names: ReadonlySet<string>; readonly atMs: number; readonly containers: string }
    | undefined;

  constructor(socket: string, { deadlineMs = 2_000, imagesEveryMs = 30_000 }: RuntimeSourceOptions) {
    this.socket = socket.replace(/^unix:\/\//, '');
    this.#client = new CriClient(this.socket, deadlineMs);
    this.#imagesEveryMs = imagesEveryMs;
  }

  async observe({ images = false } = {}): Promise<Observed<RuntimeView>> {
    const [sandboxes, containers] = await Promise.all([
      this.#client.call<{ items: CriSandbox[] }>('RuntimeService', 'ListPodSandbox'),
      this.#client.call<{ containers: CriContainer[] }>('RuntimeService', 'ListContainers'),
    ]);
    if (!sandboxes.known) return sandboxes;
    if (!containers.known) return containers;
    const pods = toPods(sandboxes.value.items, containers.value.containers);
    const names = await this.#imageNames(pods, images);
    return names.known ? known({ pods, images: names.value }) : names;
  }

  async stopSandbox(id: string): Promise<Observed<true>> {
    const answer = await this.#client.call('RuntimeService', 'StopPodSandbox', { pod_sandbox_id: id });
    return answer.known ? known(true) : answer;
  }

  async endBackOff(podUid: string, sandboxId?: string): Promise<Observed<true>> {
    const filter = {
      state: { state: CONTAINER_EXITED },
      label_selector: { 'io.kubernetes.pod.uid': podUid },
    };
    const ended = await this.#client.call<{ containers: CriContainer[] }>(
      'RuntimeService',
      'ListContainers',
      {
        filter,
      },
    );
    if (!ended.known) return ended;
    const removed = await this.removeContainers(ended.value.containers.map(({ id }) => id));
    return removed.known && sandboxId !== undefined ? this.stopSandbox(sandboxId) : removed;
  }

  async removeContainers(ids: readonly string[]): Promise<Observed<true>> {
    const removals = ids.map((id) =>
      this.#client.call('RuntimeService', 'RemoveContainer', { container_id: id }),
    );
    return (await Promise.all(removals)).find((answer) => !answer.known) ?? known(true);
  }

  close(): void {
    this.#client.close();
  }

  /** Names that are a little old do, but for the first time: a busy runtime lists images in seconds, not milliseconds. */
  async #imageNames(pods: readonly RuntimePod[], asked: boolean): Promise<Observed<ReadonlySet<string>>> {
    // A new container may have brought its image along.
    const containers = pods
      .flatMap((pod) => pod.containers.map((container) => container.id))
      .sort()
      .join();
    const nowMs = performance.now();
    const cached = this.#images;
    const fresh = cached?.containers === containers && nowMs - cached.atMs < this.#imagesEveryMs;
    if (asked) return this.#listImages(containers);
    if (fresh) return known(cached.names);
    this.#listing ??= this.#listImages(containers).finally(() => {
      this.#listing = undefined;
    });
    return cached === undefined ? this.#listing : known(cached.names);
  }

  async #listImages(containers: string): Promise<Observed<ReadonlySet<string>>> {
    const atMs = performance.now();
    const answer = await this.#client.call<{ images: CriImage[] }>('ImageService', 'ListImages');
    if (!answer.known) return answer;
    this.#images = { names: imageNames(answer.value.images), atMs, containers };
    return known(this.#images.names);
  }
}
