// `agent compile`: the compiler without a node or a cluster, for people who write control planes and for their CI.
// Manifest or table on stdout, refusals and risks on stderr. Exit code 0 all compiled, 1 refused, 2 no usable input.

import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { parseAllDocuments, stringify } from 'yaml';
import { compile } from '../lib/compile/compile.ts';
import { POD_KINDS, readDocuments } from '../lib/compile/offline-documents.ts';
import { assumeObjects } from '../lib/compile/offline-objects.ts';
import type { CompiledCheckpoint } from '../lib/types/checkpoint.ts';

interface Options {
  readonly filename: string;
  readonly output: 'json' | 'yaml';
  readonly explain?: boolean;
}

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: 0 | 1 | 2;
}

export function register(program: Command): void {
  program
    .command('compile')
    .description('show what checkpoint a pod would have, without a cluster')
    .requiredOption(
      '-f, --filename <file>',
      'YAML or JSON with pods or their controllers; `-` for standard input',
    )
    .addOption(
      new Option('-o, --output <format>', 'format of the manifest').choices(['json', 'yaml']).default('yaml'),
    )
    .option('--explain', 'print what is changed and why, instead of the manifest')
    .action(async (options: Options) => {
      const printed = await run(options);
      process.stdout.write(printed.stdout);
      process.stderr.write(printed.stderr);
      process.exitCode = printed.exitCode;
    });
}

async function run(options: Options): Promise<Printed> {
  try {
    const input =
      options.filename === '-' ? await text(process.stdin) : await readFile(options.filename, 'utf8');
    return compileText(input, options.filename === '-' ? 'standard input' : options.filename, options);
  } catch (error) {
    return unusable(options.filename, `cannot be read: ${(error as Error).message}`);
  }
}

/** `name` is what messages call the input. */
export function compileText(input: string, name: string, options: Omit<Options, 'filename'>): Printed {
  // YAML 1.1, as kubectl and the kubelet read it: `defaultMode: 0644` is octal.
  const documents = parseAllDocuments(input, { version: '1.1', logLevel: 'silent', merge: true });
  const list = Array.isArray(documents) ? documents : [];
  const values: unknown[] = [];
  for (const document of list) {
    const error = document.errors[0];
    if (error !== undefined) {
      return unusable(name, `is no YAML: ${error.message.split('\n')[0]?.replace(/:$/, '')}`);
    }
    try {
      values.push(document.toJS({ maxAliasCount: 1000 }));
    } catch (error) {
      return unusable(name, `is no YAML: ${(error as Error).message}`);
    }
  }
  const read = readDocuments(values);
  if (read.pods.length === 0) {
    return unusable(name, `holds none of ${POD_KINDS.join(', ')}`);
  }
  const stdout: string[] = [];
  const stderr: string[] = [];
  let refused = false;
  for (const { from, pod } of read.pods) {
    const { objects, assumed } = assumeObjects(pod, read);
    for (const object of assumed) {
      stderr.push(`${from}: ${object} is not in the input; assumed to be there, keys as named`);
    }
    const outcome = compile(pod, objects);
    if (!outcome.ok) {
      refused = true;
      stderr.push(...outcome.refusals.map(({ field, why }) => `${from}: ${field}: ${why}`));
    } else {
      const risks = outcome.checkpoint.notes.filter(({ risk }) => risk);
      stderr.push(...risks.map(({ field, why }) => `${from}: at risk: ${field}: ${why}`));
      stdout.push(
        options.explain ? explain(outcome.checkpoint) : manifest(outcome.checkpoint, options.output),
      );
    }
  }
  const between = options.explain ? '\n' : options.output === 'yaml' ? '---\n' : '';
  return {
    stdout: stdout.join(between),
    stderr: stderr.map((line) => `${line}\n`).join(''),
    exitCode: refused ? 1 : 0,
  };
}

function unusable(name: string, problem: string): Printed {
  return { stdout: '', stderr: `agent compile: ${name} ${problem}\n`, exitCode: 2 };
}

function manifest(checkpoint: CompiledCheckpoint, output: Options['output']): string {
  return output === 'json'
    ? `${JSON.stringify(checkpoint.manifest, null, 2)}\n`
    : stringify(checkpoint.manifest, { version: '1.1', lineWidth: 0 });
}

function explain({ workload, revision, notes, volumes }: CompiledCheckpoint): string {
  const rows: [string, string, string][] = notes.map(({ field, treatment, why }) => [treatment, field, why]);
  for (const volume of volumes) {
    for (const { path, mode, token, content } of volume.files) {
      const what =
        token === undefined ? `${content.length} bytes` : 'a token, requested while the API answers';
      rows.push(['carried', `${volume.name}/${path}`, `0${mode.toString(8)}, ${what}`]);
    }
    for (const path of volume.mountPoints ?? []) {
      rows.push([
        'carried',
        `${volume.name}/${path}/`,
        'an empty directory, since another volume is mounted there',
      ]);
    }
  }
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((cells) => (cells[column] ?? '').length)));
  const lines = rows.map(
    ([treatment, field, why]) =>
      `${treatment.padEnd(widths[0] ?? 0)}  ${field.padEnd(widths[1] ?? 0)}  ${why}`,
  );
  return `${[`${workload} (revision ${revision.slice(0, 12)})`, ...lines].join('\n')}\n`;
}
