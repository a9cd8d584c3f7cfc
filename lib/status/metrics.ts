// The report as Prometheus metrics, computed when asked: nothing is counted at rest. Served on the admin socket.

import { Gauge, Registry } from 'prom-client';
import type { StatusReport } from './report.ts';

const PHASES = ['none', 'standby', 'active', 'handover', 'retiring', 'held'];

/** Text of the exposition format. Undefined report: the agent has only just started, and nothing is claimed. */
export async function renderMetrics(report: StatusReport | undefined): Promise<string> {
  const registry = new Registry();
  if (report === undefined) return registry.metrics();
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name: `checkpoint_agent_${name}`, help, labelNames, registers: [registry] });
  const phase = gauge('workload_phase', '1 for the phase a workload is in', ['workload', 'phase']);
  const recoverable = gauge('workload_recoverable', '1 when it would come back after a power loss', [
    'workload',
  ]);
  const provenAt = gauge('workload_proven_timestamp_seconds', 'When its revision was proven', ['workload']);
  const refusals = gauge('workload_refusals', 'Reasons why its parent cannot be carried as it is now', [
    'workload',
  ]);
  const risks = gauge('workload_risks', 'Where its checkpoint shows or does something else than its parent', [
    'workload',
  ]);
  const problems = gauge('problems', 'Damaged files and actions that fail', []);
  const node = gauge('recoverable', '1 when every workload of this node would come back', []);
  for (const w of report.workloads) {
    for (const name of PHASES) phase.set({ workload: w.workload, phase: name }, w.state === name ? 1 : 0);
    recoverable.set({ workload: w.workload }, w.recoverable ? 1 : 0);
    refusals.set({ workload: w.workload }, w.refusals.length);
    risks.set({ workload: w.workload }, w.risks.length);
    if (w.provenAtMs !== undefined) provenAt.set({ workload: w.workload }, w.provenAtMs / 1000);
  }
  problems.set(report.problems.length);
  node.set(report.recoverable ? 1 : 0);
  return registry.metrics();
}
