// The acts on pods, offered to src/adapters/linux/pods/pod-binding.ts.
#pragma once

#include <napi.h>

namespace hotplugd {

void offerPodActs(Napi::Object exports);

}  // namespace hotplugd
