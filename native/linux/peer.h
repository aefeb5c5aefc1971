// Who is at the other end of a unix socket, as the kernel recorded it at connect.
#pragma once

#include <napi.h>

namespace hotplugd {

// (fd) → {pid, uid, gid, groups}. Throws ENOTSOCK and the like.
Napi::Value peerCredentials(const Napi::CallbackInfo& info);

}  // namespace hotplugd
