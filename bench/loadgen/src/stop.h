#pragma once

namespace loadgen {

// From here on SIGINT and SIGTERM ask the run to end early instead of ending
// the process; with `stdin_too` the end of standard input does, too.
void WatchForStop(bool stdin_too);

bool StopRequested();

// Undoes it in a child before it becomes another program.
void ForgetStop();

}  // namespace loadgen
