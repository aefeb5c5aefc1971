// sd_notify(3) without libsystemd: a datagram to the service manager. Node has no unix datagram sockets.
#pragma once

#include <napi.h>

namespace hotplugd {

// (address, text) → whether it was taken; false: the queue is full at the moment. Never waits. An address that begins
// with @ is an abstract name.
Napi::Value notifyServiceManager(const Napi::CallbackInfo& info);

}  // namespace hotplugd
