// The addon's own threads. A call that hangs (a dead NFS server) keeps its thread and nobody else's: the pool grows
// up to a bound, so that neither libuv's pool nor the other acts wait for it.
#pragma once

#include <functional>

namespace hotplugd::pool {

inline constexpr int kMostThreads = 64;

// Any thread. Runs the job as soon as a thread is free. Throws SystemError EAGAIN if there is no thread at all.
void run(std::function<void()> job);

}  // namespace hotplugd::pool
