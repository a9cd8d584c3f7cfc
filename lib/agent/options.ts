// Options of every subcommand that works on a node: parsed and checked before anything starts, so that bad input gets
// one clear line that names the flag and the remedy.

import { isAbsolute } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_SETTINGS, type Settings } from '../types/settings.ts';

/** Bad input of a person: printed as one line, without a stack. */
export class UsageError extends Error {}

export interface NodeOptions {
  readonly kubeconfig?: string;
  readonly nodeName?: string;
  readonly staticPodDir?: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly kubeletConfig: string;
  readonly containerRuntimeEndpoint?: string;
  readonly bootIdFile: string;
  readonly logLevel: string;
  readonly settings: Settings;
}

export const DEFAULT_STATE_DIR = '/var/lib/checkpoint-agent';
export const DEFAULT_RUN_DIR = '/run/checkpoint-agent';
export const DEFAULT_KUBELET_CONFIG = '/var/lib/kubelet/config.yaml';
export const DEFAULT_BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Names of the timing flags, what they set, and what they are for. */
const TIMINGS: readonly { flag: string; setting: keyof Settings; help: string }[] = [
  { flag: 'proving', setting: 'provingMs', help: 'how long a parent serves before its checkpoint is proven' },
  {
    flag: 'outage',
    setting: 'outageMs',
    help: 'how long the API must be away before checkpoints are activated',
  },
  {
    flag: 'handover',
    setting: 'handoverMs',
    help: 'how long a parent may take to serve after a handover began',
  },
  { flag: 'grace', setting: 'graceMs', help: 'how long a workload that is no longer wanted here is kept' },
  {
    flag: 'rescue',
    setting: 'rescueMs',
    help: 'how long a wanted workload may go unserved with the API answering',
  },
];

/** Adds the flags that say where things are on this node. */
export function addNodeOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', "the kubelet's kubeconfig (default: found in the usual places)")
    .option('--node-name <name>', "this node's name (default: from the kubelet's certificate)")
    .option(
      '--static-pod-dir <dir>',
      "the kubelet's static pod directory (default: from the kubelet's configuration)",
    )
    .option('--state-dir <dir>', 'where checkpoints are kept', DEFAULT_STATE_DIR)
    .option('--run-dir <dir>', 'where the socket is', DEFAULT_RUN_DIR)
    .option('--kubelet-config <file>', "the kubelet's configuration file", DEFAULT_KUBELET_CONFIG)
    .option('--container-runtime-endpoint <socket>', 'the CRI socket (default: found in the usual places)')
    .option('--boot-id-file <file>', 'changes with every boot', DEFAULT_BOOT_ID_FILE);
}

/** Adds the flags of the state machine's times and of the log. */
export function addDaemonOptions(command: Command): Command {
  for (const { flag, setting, help } of TIMINGS) {
    command.option(`--${flag} <duration>`, `${help}, such as 20s`, words(DEFAULT_SETTINGS[setting]));
  }
  return command.option('--log-level <level>', 'debug, info, warn or error', 'info');
}

/** Reads a duration such as `500ms`, `20s`, `5m` or `1h`. Errors: UsageError naming the flag. */
export function parseDurationMs(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new UsageError(`${flag}: '${text}' is not a duration; write it like 500ms, 20s or 5m`);
  }
  return Number(match[1]) * unit;
}

function words(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** Checks what commander parsed. Errors: UsageError naming the flag and the remedy. */
export function parseNodeOptions(raw: Record<string, unknown>): NodeOptions {
  const text = (name: string): string | undefined =>
    raw[name] === undefined ? undefined : String(raw[name]);
  for (const [flag, name] of [
    ['--state-dir', 'stateDir'],
    ['--run-dir', 'runDir'],
    ['--static-pod-dir', 'staticPodDir'],
    ['--kubeconfig', 'kubeconfig'],
    ['--boot-id-file', 'bootIdFile'],
  ] as const) {
    const path = text(name);
    if (path !== undefined && !isAbsolute(path)) {
      throw new UsageError(`${flag}: '${path}' must be an absolute path`);
    }
  }
  const level = text('logLevel') ?? 'info';
  if (!['debug', 'info', 'warn', 'error'].includes(level)) {
    throw new UsageError(`--log-level: '${level}' is none of debug, info, warn, error`);
  }
  let settings: Settings = DEFAULT_SETTINGS;
  for (const { flag, setting } of TIMINGS) {
    const value = text(flag);
    if (value !== undefined) settings = { ...settings, [setting]: parseDurationMs(`--${flag}`, value) };
  }
  const optional = (key: string, value: string | undefined) => (value === undefined ? {} : { [key]: value });
  return {
    ...optional('kubeconfig', text('kubeconfig')),
    ...optional('nodeName', text('nodeName')),
    ...optional('staticPodDir', text('staticPodDir')),
    ...optional('containerRuntimeEndpoint', text('containerRuntimeEndpoint')),
    stateDir: text('stateDir') ?? DEFAULT_STATE_DIR,
    runDir: text('runDir') ?? DEFAULT_RUN_DIR,
    kubeletConfig: text('kubeletConfig') ?? DEFAULT_KUBELET_CONFIG,
    bootIdFile: text('bootIdFile') ?? DEFAULT_BOOT_ID_FILE,
    logLevel: level,
    settings,
  };
}
