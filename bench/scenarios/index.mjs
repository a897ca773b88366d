import { coldstart } from './coldstart.mjs';
import { http, ws } from './http.mjs';
import { idle } from './idle.mjs';
import { large } from './large.mjs';
import { micro } from './micro.mjs';
import { openloop } from './openloop.mjs';
import { ring } from './ring.mjs';
import { scan } from './scan.mjs';
import { stdio, tcp, unix } from './streams.mjs';
import { targets } from './targets.mjs';
import { witness } from './witness.mjs';

const parts = { tcp, unix, stdio, http, ws, openloop, idle, large, ring, scan, coldstart, micro };

const all = {
  title: 'every scenario above; with --quick in about two minutes',
  async run(context) {
    const records = [];
    for (const [scenario, part] of Object.entries(parts)) {
      const record = (summary) => context.record({ scenario, ...summary });
      const options = context.options.withDefaults(part.defaults);
      records.push(...(await part.run({ ...context, options, record })));
    }
    return records;
  },
};

/** Name on the command line -> { title, run(context) → records }. */
export const scenarios = { ...parts, all, targets, witness };
