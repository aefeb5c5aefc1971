// The addon's own threads. A call that hangs (a dead NFS server) keeps its thread and nobody else's: neither libuv's
// pool nor the other acts wait for it.
#pragma once

#include <functional>

namespace hotplugd::pool {

// Enough for the work of a busy node. One more comes for each that hangs, so that a burst spawns no crowd.
inline constexpr int kUsualThreads = 4;
// So many calls may hang before others wait for them.
inline constexpr int kMostThreads = 64;

// Any thread. Runs the job as soon as a thread is free. Throws SystemError EAGAIN if there is no thread at all.
void run(std::function<void()> job);

}  // namespace hotplugd::pool
