// Asks a pod as the kubelet would, where the API cannot say Ready: its readiness, else liveness, HTTP or TCP probes
// against this node. Any failure to answer well is `false`, as for the kubelet; only a missing address is unknown.

import { connect } from 'node:net';
import type { V1Container, V1HTTPGetAction, V1Pod, V1Probe } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { known, type Observed, unknown } from '../types/observed.ts';

/** `podIp` is needed where the pod has a network of its own. Undefined: the pod has no probe that can be asked from here. */
export async function probePod(pod: V1Pod, podIp?: string): Promise<Observed<boolean> | undefined> {
  const asked = (pod.spec?.containers ?? []).flatMap((container) => {
    const probe = container.readinessProbe ?? container.livenessProbe;
    return probe !== undefined && canAsk(probe) ? [{ container, probe }] : [];
  });
  if (asked.length === 0) return undefined;
  const address = pod.spec?.hostNetwork === true ? '127.0.0.1' : podIp;
  const answers = await Promise.all(asked.map(({ container, probe }) => runProbe(container, probe, address)));
  // One bad answer says that the pod does not serve, whatever could not be asked.
  if (answers.some((answer) => answer.known && !answer.value)) return known(false);
  return answers.find((answer) => !answer.known) ?? known(true);
}

/** HTTP/2 without TLS (kubernetes 1.37, alpha) is not spoken here, no more than gRPC: not asked is not "no". */
function canAsk({ httpGet, tcpSocket }: V1Probe): boolean {
  const { protocol } = (httpGet ?? {}) as { protocol?: string };
  return tcpSocket !== undefined || (httpGet !== undefined && protocol !== 'HTTP2');
}

async function runProbe(
  container: V1Container,
  probe: V1Probe,
  address: string | undefined,
): Promise<Observed<boolean>> {
  const action = probe.httpGet ?? probe.tcpSocket;
  const host = action?.host || address;
  const port = portOf(action?.port, container);
  if (host === undefined) return unknown(`container ${container.name}: the pod's address is not known`);
  if (port === undefined)
    return unknown(`container ${container.name}: its probe's port ${action?.port} has no number`);
  const timeoutMs = (probe.timeoutSeconds || 1) * 1000;
  return known(
    probe.httpGet
      ? await httpAnswers(probe.httpGet, host, port, timeoutMs)
      : await tcpAnswers(host, port, timeoutMs),
  );
}

/** Over the wire it is a number or a name; IntOrString in the client's types. */
function portOf(port: unknown, container: V1Container): number | undefined {
  const number = Number(port);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  return container.ports?.find((candidate) => candidate.name === port)?.containerPort;
}

async function httpAnswers(
  action: V1HTTPGetAction,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<boolean> {
  // Without verification and without reuse, as the kubelet does: each probe sees the server as a new client would.
  const agent = new Agent({
    allowH2: false,
    connect: { rejectUnauthorized: false, timeout: timeoutMs },
    pipelining: 0,
  });
  try {
    const scheme = (action.scheme ?? 'HTTP').toLowerCase();
    const response = await agent.request({
      origin: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
      path: `/${(action.path ?? '/').replace(/^\//, '')}`,
      method: 'GET',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'user-agent': 'kube-probe/checkpoint-agent',
        accept: '*/*',
        ...Object.fromEntries(
          (action.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]),
        ),
      },
    });
    // The status is the answer; an unread body that breaks later must not end the process.
    response.body.on('error', () => {});
    response.body.destroy();
    return response.statusCode >= 200 && response.statusCode < 400;
  } catch {
    return false;
  } finally {
    void agent.destroy();
  }
}

function tcpAnswers(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answered: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => done(false), timeoutMs);
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
