// What the state of the API means, for a person at 3 am: which of the many ways it is, and what to do about it. The
// first word is the state's, so that scripts can go by it.

import type { ApiState, AwayCause, DeniedCause } from '../types/observation.ts';

export interface Words {
  readonly words: string;
  /** What a person can do; absent where there is nothing to do. */
  readonly advice?: string;
}

const AWAY: Readonly<Record<AwayCause, Words>> = {
  refused: {
    words: 'connection refused, nobody listens there',
    advice:
      'it may be starting; if it does not come, see its container with `crictl ps -a` and `crictl logs`',
  },
  'timed-out': {
    words: 'no answer in time',
    advice:
      'see whether its host is up, whether a firewall or load balancer drops the way to it, and whether it hangs',
  },
  unreachable: {
    words: 'its address cannot be reached',
    advice: "see this host's network, routes and DNS, and the server in the kubelet's kubeconfig",
  },
  'cut-off': {
    words: 'the connection ended without an answer',
    advice: 'it may be stopping or starting; a load balancer in front may have no apiserver behind it',
  },
  failing: {
    words: 'it answers with an error of its own',
    advice: 'most often its etcd: see the logs of etcd and of the apiserver with `crictl logs`',
  },
  throttled: {
    words: 'it answers that it has too many requests',
    advice:
      'one that has just started says so until its caches are full; if it stays, see its load, and whether its etcd is there',
  },
  'another-cluster': {
    words: 'another cluster answers: its certificate is not of the CA in the kubeconfig',
    advice:
      "see where the server in the kubelet's kubeconfig leads, and whether the cluster's CA was replaced",
  },
  certificate: {
    words: 'its certificate is not valid now, or not for this address',
    advice:
      "see this host's clock with `date`, and the certificate's dates and names with `openssl s_client`",
  },
  stranger: {
    words: 'somebody answers who is no apiserver',
    advice: "see the server in the kubelet's kubeconfig, and what proxy or load balancer stands there",
  },
  'no-identity': {
    words: "cannot be asked, since the kubelet's credentials cannot be read",
    advice: 'mend what is named; the kubelet needs it as well',
  },
};

const DENIED: Readonly<Record<DeniedCause, Words>> = {
  unauthorized: {
    words: "unauthorized, it does not know this node's credentials",
    advice:
      "the kubelet's client certificate has ended or is of another cluster: see `openssl x509 -noout -dates -issuer -in /var/lib/kubelet/pki/kubelet-client-current.pem`; nothing is activated or removed meanwhile",
  },
  forbidden: {
    words: 'forbidden, it knows this node and refuses its pods',
    advice:
      'an apiserver that has just started says so for seconds; if it stays, see --authorization-mode (Node) and the node name; nothing is activated or removed meanwhile',
  },
};

/** `held`: some workload is held since the Node object is another one. */
export function apiWords(api: ApiState, held: boolean): Words {
  switch (api.name) {
    case 'serving':
      if (held) return ANOTHER_NODE;
      return { words: api.starting ? 'serving, and not ready yet' : 'serving' };
    case 'unasked':
      return { words: 'not asked' };
    case 'denied':
      return told('denied', DENIED[api.cause], api.detail);
    case 'away':
      return told('away', AWAY[api.cause], api.detail);
  }
}

const ANOTHER_NODE: Words = {
  words: 'serving another or an emptied cluster: the Node object is not the one these checkpoints belong to',
  advice:
    'if this cluster is meant, release each held workload with `agent forget NAMESPACE/NAME`; else restore its etcd, or point the kubelet back at its own cluster',
};

function told(state: string, { words, advice }: Words, detail: string): Words {
  return { words: `${state}: ${words} (${detail})`, ...(advice === undefined ? {} : { advice }) };
}
