// A small apiserver in a process of its own, so that it can be stopped as a whole. Prints its address when it listens.

import { pod, SmallApi } from './small-api.ts';

const api = new SmallApi();
api.put(pod('a'));
await api.start();
process.stdout.write(`${api.url}\n`);
