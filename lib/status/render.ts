// The report as a table for a person at a terminal, at night: the workloads, then what is wrong, then one verdict.

import type { StatusReport, WorkloadReport } from './report.ts';

/** Renders the report. `nowMs` is the wall clock, for ages. */
export function renderStatus(report: StatusReport, nowMs: number): string {
  const rows = [
    ['WORKLOAD', 'STATE', 'REVISION', 'PROVEN', 'RUNS NOW', 'ON POWER LOSS'],
    ...report.workloads.map((w) => [
      w.workload,
      w.state,
      w.revision?.slice(0, 10) ?? '-',
      provenWords(w, nowMs),
      w.runs,
      w.onPowerLoss,
    ]),
  ];
  const notes = report.workloads.filter((w) => w.note !== undefined).map((w) => `  ${w.workload}: ${w.note}`);
  const risks = report.workloads.flatMap((w) => w.risks.map((risk) => `  ${w.workload}: ${risk}`));
  const whys = report.workloads.flatMap((w) =>
    w.why === undefined ? [] : [`  ${w.workload}: ${decided(w.why, nowMs)}`],
  );
  return [
    ...heading(report),
    '',
    ...table(rows),
    ...(whys.length > 0 ? ['', 'Last decisions:', ...whys] : []),
    ...(notes.length > 0 ? ['', 'Notes:', ...notes] : []),
    ...(risks.length > 0 ? ['', 'Risks:', ...risks] : []),
    ...(report.problems.length > 0 ? ['', 'Problems:', ...report.problems.map((p) => `  ${p}`)] : []),
    '',
    report.verdict,
  ].join('\n');
}

function heading({ node, source, agent, api, runtime, advice }: StatusReport): string[] {
  const who =
    source === 'daemon' && agent !== undefined
      ? `agent ${agent.version}, pid ${agent.pid}`
      : 'no agent runs; read from disk';
  return [
    `Node ${node}: ${who}`,
    `API ${api}`,
    `Runtime ${runtime}`,
    ...(advice.length > 0 ? ['', 'What to do:', ...advice.map((line) => `  ${line}`)] : []),
  ];
}

function decided({ reason, atMs }: NonNullable<WorkloadReport['why']>, nowMs: number): string {
  return atMs === undefined ? reason : `${age(nowMs - atMs)} ago: ${reason}`;
}

function provenWords({ proven, provenAtMs, revision }: WorkloadReport, nowMs: number): string {
  if (revision === undefined) return '-';
  if (!proven) return 'no';
  return provenAtMs === undefined ? 'yes' : `yes, ${age(nowMs - provenAtMs)} ago`;
}

/** An age with the two units that matter: 45s, 12m, 3h5m, 9d4h. */
function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d${Math.floor((s % 86_400) / 3600)}h`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
