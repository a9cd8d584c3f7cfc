// A certificate authority in a temporary directory, by openssl: servers for 127.0.0.1, and kubelet clients.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class Pki {
  readonly dir = mkdtempSync(join(tmpdir(), 'observe-pki-'));
  readonly ca: string;
  #serial = 100;

  constructor() {
    this.#openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt',
    );
    this.ca = readFileSync(join(this.dir, 'ca.crt'), 'utf8');
  }

  server(): Pair {
    return this.#sign('/CN=server', 'subjectAltName=IP:127.0.0.1');
  }

  /** Serial numbers count up, so that a server can tell which certificate it met. */
  kubelet(node: string): Pair {
    return this.#sign(`/O=system:nodes/CN=system:node:${node}`, 'extendedKeyUsage=clientAuth');
  }

  #sign(subject: string, extension: string): Pair {
    const name = `c${++this.#serial}`;
    writeFileSync(join(this.dir, `${name}.ext`), extension);
    this.#openssl(
      `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj ${subject} -keyout ${name}.key -out ${name}.csr`,
    );
    this.#openssl(
      `x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -set_serial ${this.#serial} -days 2 -extfile ${name}.ext -out ${name}.crt`,
    );
    return {
      cert: readFileSync(join(this.dir, `${name}.crt`), 'utf8'),
      key: readFileSync(join(this.dir, `${name}.key`), 'utf8'),
    };
  }

  #openssl(args: string): void {
    execFileSync('openssl', args.split(' '), { cwd: this.dir, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
