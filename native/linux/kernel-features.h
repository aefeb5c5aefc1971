// Which of the newer system calls that hotplugd lives on there are here, and may be used.
#pragma once

#include <napi.h>

namespace hotplugd {

// By name the errno of a call that cannot succeed: EBADF where there is one; ENOSYS or EPERM where kernel, seccomp or
// missing capabilities keep it away. Changes nothing.
Napi::Value kernelFeatures(const Napi::CallbackInfo& info);

}  // namespace hotplugd
