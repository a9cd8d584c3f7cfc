// `agent manifests`: prints what a bootstrapper applies to deploy the agent.

import type { Command } from 'commander';
import { stringify } from 'yaml';
import {
  DEFAULT_KUBELET_CONFIG,
  DEFAULT_RUN_DIR,
  DEFAULT_STATE_DIR,
  UsageError,
} from '../lib/agent/options.ts';
import { deployManifests } from '../lib/deploy/manifests.ts';
import { VERSION } from './version.ts';

export function register(program: Command): void {
  program
    .command('manifests')
    .description('print the DaemonSet and what it needs, ready for kubectl apply -f -')
    .option(
      '--image <image>',
      "the agent's image; it must be on every master before a power loss",
      `checkpoint-agent:${VERSION}`,
    )
    .option('--namespace <namespace>', 'where it runs', 'kube-system')
    .option(
      '--node-selector <key=value>',
      'which nodes are masters',
      'node-role.kubernetes.io/control-plane=',
    )
    .option('--kubeconfig <file>', "the kubelet's kubeconfig on the nodes", '/etc/kubernetes/kubelet.conf')
    .option('--static-pod-dir <dir>', "the kubelet's static pod directory", '/etc/kubernetes/manifests')
    .option('--state-dir <dir>', 'where checkpoints are kept', DEFAULT_STATE_DIR)
    .option('--run-dir <dir>', 'where the socket is', DEFAULT_RUN_DIR)
    .option('--kubelet-config <file>', "the kubelet's configuration file", DEFAULT_KUBELET_CONFIG)
    .option('--kubelet-pki <dir>', "where the kubelet's certificates are", '/var/lib/kubelet/pki')
    .option('--container-runtime-endpoint <socket>', 'the CRI socket', '/run/containerd/containerd.sock')
    .option('--extra-arg <flag...>', "a flag for 'agent run', such as --extra-arg=--grace=5m", [])
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action((raw) => {
      const objects = deployManifests({
        image: raw.image,
        namespace: raw.namespace,
        nodeSelector: raw.nodeSelector,
        staticPodDir: raw.staticPodDir,
        stateDir: raw.stateDir,
        runDir: raw.runDir,
        kubeconfig: raw.kubeconfig,
        runtimeSocket: raw.containerRuntimeEndpoint,
        kubeletConfig: raw.kubeletConfig,
        kubeletPki: raw.kubeletPki,
        extraArgs: raw.extraArg,
      });
      process.stdout.write(render(objects, raw.output));
    });
}

function render(objects: readonly object[], format: string): string {
  if (format === 'json') {
    return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`;
  }
  if (format !== 'yaml') throw new UsageError(`--output: '${format}' is neither yaml nor json`);
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join('');
}
