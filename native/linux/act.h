// An act: work on a thread of the pool whose end settles a promise.
#pragma once

#include <napi.h>

#include <functional>

#include "loop.h"

namespace hotplugd {

// Runs on the pool; throws SystemError. What it returns renders the result on the event loop.
using Work = std::function<Render()>;

// JS thread. The environment's way back, made on first use.
std::shared_ptr<Loop> loopOf(Napi::Env env);

// JS thread. A promise of what the work renders, rejected with its SystemError.
Napi::Value perform(Napi::Env env, Work work);

}  // namespace hotplugd
