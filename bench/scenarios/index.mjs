import { stdio, tcp, unix } from './streams.mjs';

/** Name on the command line -> { title, run(context) → records }. */
export const scenarios = { tcp, unix, stdio };
