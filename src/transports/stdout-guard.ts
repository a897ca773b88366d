/**
 * While we serve on stdout, everything else in the process that prints there (console.log, a library's banner)
 * would break the protocol. The guard sends such output to stderr instead.
 */

type Write = NodeJS.WriteStream['write'];

export interface StdoutGuard {
  /** The real write of stdout. */
  readonly write: Write;
  /** Gives stdout back. */
  restore(): void;
}

export function guardStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): StdoutGuard {
  const own = Object.getOwnPropertyDescriptor(stdout, 'write');
  const write = stdout.write.bind(stdout) as Write;
  const redirected = stderr.write.bind(stderr) as Write;
  stdout.write = redirected;
  return {
    write,
    restore: () => {
      // Somebody who wrapped write after us keeps their wrapper; it ends at the redirection and harms nobody.
      if (stdout.write !== redirected) return;
      if (own === undefined) delete (stdout as { write?: Write }).write;
      else Object.defineProperty(stdout, 'write', own);
    },
  };
}
