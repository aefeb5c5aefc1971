// The lock that keeps a node to one agent.
#pragma once

#include <napi.h>

namespace hotplugd {

// (path) → {fd} | {holder}: takes the lock if it is free; `holder` is the pid its owner wrote into it, 0 if unknown.
Napi::Value tryNodeLock(const Napi::CallbackInfo& info);

// (path) → {promise of fd, cancel}: waits in the kernel until the lock is free, without polling.
Napi::Value awaitNodeLock(const Napi::CallbackInfo& info);

}  // namespace hotplugd
