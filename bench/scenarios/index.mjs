import { coldstart } from './coldstart.mjs';
import { large } from './large.mjs';
import { ring } from './ring.mjs';
import { scan } from './scan.mjs';
import { stdio, tcp, unix } from './streams.mjs';
import { targets } from './targets.mjs';

/** Name on the command line -> { title, run(context) → records }. */
export const scenarios = { tcp, unix, stdio, large, ring, scan, coldstart, targets };
